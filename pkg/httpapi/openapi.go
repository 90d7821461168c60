package httpapi

import (
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/predict"
	"example.com/copse/pkg/schema"
)

// modelDoc is what the documents say of one model.
type modelDoc struct {
	name    string
	digest  string
	trees   int
	outputs int
	single  bool // features are float32
	shares  bool // labels have probabilities
	info    predict.Info
	schema  *schema.Schema

	key string // name in components, set by openAPIDocument
}

// docOptions is what the documents say of the server.
type docOptions struct {
	byID    bool // rows by id are answered
	maxBody int64
	maxRows int // 0: no limit
	version string
}

var negInf, posInf = math.Inf(-1), math.Inf(1)

// openAPIDocument describes every route with every status and media type, in
// OpenAPI 3.1. The first model is the default one. Bodies are described per
// model, so that each path stands with its model's name in it: a path
// parameter could not say which features a body has.
func openAPIDocument(models []modelDoc, o docOptions) []byte {
	models = withKeys(models)
	paths := object{}
	for i := range models {
		m := &models[i]
		if i == 0 {
			paths = paths.with("/predict", m.predictPath("", o)).with("/batch-predict", m.batchPath("", o))
		}
		at := "/models/" + url.PathEscape(m.name)
		paths = paths.with(at+"/predict", m.predictPath(m.key, o)).with(at+"/batch-predict", m.batchPath(m.key, o))
	}
	doc := object{
		{"openapi", "3.1.0"},
		{"info", info(models, o)},
		{"servers", []any{object{{"url", "."}, {"description", "where this document comes from"}}}},
		{"tags", tags(models)},
		{"paths", append(paths, servicePaths()...)},
		{"components", object{
			{"schemas", schemas(models, o)},
			{"responses", problems()},
			{"headers", headers()},
			{"parameters", parameters()},
		}},
	}
	return append(appendJSON(nil, doc), '\n')
}

// withKeys gives each model a name that components may have, in a copy.
func withKeys(models []modelDoc) []modelDoc {
	models = slices.Clone(models)
	used := map[string]bool{}
	for i := range models {
		m := &models[i]
		m.key = strings.Map(func(r rune) rune {
			if r < 0x80 && (r == '-' || r == '_' || '0' <= r && r <= '9' || 'a' <= r|0x20 && r|0x20 <= 'z') {
				return r
			}
			return '_'
		}, m.name)
		if m.key == "" || used[m.key] {
			m.key += "_" + strconv.Itoa(i)
		}
		used[m.key] = true
	}
	return models
}

func info(models []modelDoc, o docOptions) object {
	title, text := "Copse", ""
	if len(models) > 0 {
		title = models[0].title()
		if d := models[0].schema.Document().Description; d != "" {
			text = d + "\n\n"
		}
	}
	limit := fmt.Sprintf("A body may have %d bytes, before and after inflating", o.maxBody)
	if o.maxRows > 0 {
		limit += fmt.Sprintf(", a batch %d rows", o.maxRows)
	}
	text += "Every request may be sent with `Content-Encoding: gzip`; a large batch reply is gzipped where `Accept-Encoding` takes it. " +
		limit + ". Every reply carries an `x-request-id`. Errors are `application/problem+json`; any other path answers 404, " +
		"and a method that a path does not have 405 with `Allow`."
	version := o.version
	if version == "" {
		version = "0"
	}
	return object{{"title", title}, {"version", version}, {"description", text}}
}

func (m *modelDoc) title() string {
	if t := m.schema.Document().Title; t != "" {
		return t
	}
	return m.name
}

func tags(models []modelDoc) []any {
	var list []any
	for i := range models {
		m := &models[i]
		list = append(list, object{{"name", m.name}, {"description", fmt.Sprintf("%s (%s)", m.title(), m.digest)}})
	}
	return append(list, object{{"name", "service"}, {"description", "The service itself"}})
}

// operation has what all of them have.
func operation(id, tag, summary string) object {
	return object{{"operationId", id}, {"tags", []any{tag}}, {"summary", summary},
		{"parameters", []any{ref("parameters", "RequestId")}}}
}

func suffix(id, key string) string {
	if key == "" {
		return id
	}
	return id + "_" + key
}

func (m *modelDoc) predictPath(key string, o docOptions) object {
	op := operation(suffix("predict", key), m.name, "Answer one row")
	examples := object{{"row", object{{"value", m.exampleRow()}}}}
	return object{{"post", op.
		with("requestBody", object{{"required", true}, {"content", object{
			{"application/json", object{{"schema", m.oneRow(o.byID)}, {"examples", examples}}},
		}}}).
		with("responses", object{{"200", ok("The prediction.", object{
			{"application/json", object{{"schema", ref("schemas", m.key+".Reply")}}},
		})}}.join(failures()))}}
}

func (m *modelDoc) batchPath(key string, o docOptions) object {
	op := operation(suffix("batchPredict", key), m.name, "Answer many rows at once").
		with("description", "Rows are answered in their order. A bad row is an error at its place and "+
			"leaves the others alone, unless `strict=true` asks for all or nothing. "+
			"`Accept` chooses the form of the answer; any form of body goes with any form of answer.")
	op[3].value = []any{ref("parameters", "RequestId"), ref("parameters", "Strict")}
	text := object{{"type", "string"}}
	names, cells := m.exampleColumns()
	return object{{"post", op.
		with("requestBody", object{{"required", true}, {"content", object{
			{"application/json", object{{"schema", m.batch(o.byID)}, {"examples", object{
				{"list", object{{"value", []any{m.exampleRow()}}}},
				{"rows", object{{"value", object{{"rows", []any{m.exampleRow()}}}}}},
				{"columns", object{{"value", object{{"columns", names}, {"data", []any{cells}}}}}},
			}}}},
			{"text/csv", object{{"schema", described("A header of feature names, then a row a line; an empty cell is missing.", text)},
				{"examples", object{{"csv", object{{"value", m.exampleCSV()}}}}}}},
			{"application/x-ndjson", object{{"schema", described("A row, a JSON object, a line.", text)},
				{"examples", object{{"ndjson", object{{"value", string(appendJSON(nil, m.exampleRow())) + "\n"}}}}}}},
		}}}).
		with("responses", object{{"200", ok("An answer or an error for each row.", object{
			{"application/json", object{{"schema", ref("schemas", m.key+".BatchReply")}}},
			{"text/csv", object{{"schema", text}}},
			{"application/x-ndjson", object{{"schema", text}}},
		})}}.join(failures()))}}
}

func (o object) join(p object) object { return append(o, p...) }

// exampleCSV is the example row as CSV.
func (m *modelDoc) exampleCSV() string {
	names, cells := m.exampleColumns()
	var b strings.Builder
	for _, line := range [][]any{names, cells} {
		for i, c := range line {
			if i > 0 {
				b.WriteByte(',')
			}
			text, isText := c.(string)
			if !isText {
				text = string(appendJSON(nil, c))
			}
			if strings.ContainsAny(text, ",\"\r\n") || text == "" {
				text = `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
			}
			b.WriteString(text)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func ok(text string, content object, more ...member) object {
	h := object{{"X-Request-Id", ref("headers", "RequestId")}}
	return object{{"description", text}, {"headers", append(h, more...)}, {"content", content}}
}

// failures are the error statuses of the routes that predict.
func failures() object {
	var o object
	for _, status := range statuses() {
		if status != 404 { // the path names a model that there is
			o = o.with(strconv.Itoa(status), problemRef(status))
		}
	}
	return o
}

func problemRef(status int) object { return ref("responses", "Problem"+strconv.Itoa(status)) }

// statuses are all that an error can have, in order.
func statuses() []int {
	var list []int
	for _, c := range fault.Codes() {
		if !slices.Contains(list, c.Status()) {
			list = append(list, c.Status())
		}
	}
	slices.Sort(list)
	return list
}

// problems are the error responses, one a status, each with its codes.
func problems() object {
	var o object
	for _, status := range statuses() {
		var lines []string
		for _, c := range fault.Codes() {
			if c.Status() == status {
				lines = append(lines, fmt.Sprintf("`%s`: %s", c, c.Title()))
			}
		}
		h := object{{"X-Request-Id", ref("headers", "RequestId")}}
		switch status {
		case 405:
			h = h.with("Allow", ref("headers", "Allow"))
		case 429, 503:
			h = h.with("Retry-After", ref("headers", "RetryAfter"))
		}
		o = o.with("Problem"+strconv.Itoa(status), object{
			{"description", strings.Join(lines, "; ")},
			{"headers", h},
			{"content", object{{"application/problem+json", object{{"schema", ref("schemas", "Problem")}}}}},
		})
	}
	return o
}

func headers() object {
	text := object{{"type", "string"}}
	return object{
		{"RequestId", object{{"required", true}, {"schema", text},
			{"description", "The request's id: the caller's own, the platform's, or one that was made."}}},
		{"RetryAfter", object{{"required", true}, {"schema", object{{"type", "string"}, {"pattern", "^[0-9]+$"}}},
			{"description", "Seconds to wait before trying again."}}},
		{"Allow", object{{"schema", text}, {"description", "The methods that the path has."}}},
		{"ETag", object{{"required", true}, {"schema", text}, {"description", "Send it back in If-None-Match."}}},
	}
}

func parameters() object {
	return object{
		{"RequestId", object{{"name", "x-request-id"}, {"in", "header"}, {"schema", object{{"type", "string"}}},
			{"description", "An id that comes back in the reply and stands in the logs."}}},
		{"Strict", object{{"name", "strict"}, {"in", "query"}, {"schema", object{{"type", "boolean"}, {"default", false}}},
			{"description", "Any bad row fails the request with 422, and no row is answered."}}},
		{"IfNoneMatch", object{{"name", "if-none-match"}, {"in", "header"}, {"schema", object{{"type", "string"}}},
			{"description", "An ETag: 304 where it is still the same."}}},
	}
}

func schemas(models []modelDoc, o docOptions) object {
	all := object{}
	for i := range models {
		m := &models[i]
		all = all.with(m.key+".Row", m.rowSchema()).
			with(m.key+".Reply", m.replySchema()).
			with(m.key+".BatchReply", m.batchSchema())
	}
	if o.byID {
		id := object{{"type", []any{"string", "integer"}}}
		all = all.with("Id", described("The row with this id, from the configured source.", closed(object{{"id", id}}, nil))).
			with("Ids", described("The rows with these ids, from the configured source.", closed(object{{"ids", listOf(id)}}, nil)))
	}
	return all.with("RowError", rowErrorSchema()).with("Problem", problemSchema()).with("Models", modelsSchema())
}
