// Package endtoend sends the whole iris file, and rows between its plants,
// through every adapter, and wants the same answers everywhere, bit for bit:
// those of the model's slow reference evaluation, written down in
// testdata/answers.jsonl on one architecture and compared on all.
package endtoend

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"example.com/copse/functions/gcf"
	"example.com/copse/functions/internal/setup"
	"example.com/copse/functions/lambda"
	"example.com/copse/functions/local"
	"example.com/copse/pkg/config"
	"example.com/copse/pkg/format"
	"example.com/copse/pkg/ingest"
	"example.com/copse/pkg/wire"
)

var update = flag.Bool("update", false, "write testdata/answers.jsonl anew")

const root = "../../../"

var names = []string{"sepal_length", "sepal_width", "petal_length", "petal_width"}

// flowers are the rows of the iris file as they are written there, and 350
// made between and around them.
func flowers(t *testing.T) [][]string {
	t.Helper()
	f, err := os.Open(root + "testdata/iris/iris.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	rows = rows[1:]
	for i := range rows {
		rows[i] = rows[i][:4]
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 350 {
		row := make([]string, 4)
		for c := range row {
			row[c] = strconv.FormatFloat(0.1+rng.Float64()*[]float64{8, 5, 7, 2.5}[c], 'g', -1, 64)
		}
		rows = append(rows, row)
	}
	return rows
}

// reference answers the rows by ir.Eval on the trainer's own file.
func reference(t *testing.T, rows [][]string) []string {
	t.Helper()
	data, err := os.ReadFile(root + "model/iris.golearn")
	if err != nil {
		t.Fatal(err)
	}
	file, err := format.Read(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	m := file.IR
	w := wire.NewFormatter(wire.Shape{Outputs: m.Outputs, Labels: m.Labels})
	answers := make([]string, len(rows))
	margin, values, row := make([]float64, m.Outputs), make([]float64, m.Outputs), make([]float64, 4)
	for i := range rows {
		for c, text := range rows[i] {
			if row[c], err = strconv.ParseFloat(text, 64); err != nil {
				t.Fatal(err)
			}
		}
		m.Eval(row, margin, values)
		answers[i] = string(w.AppendAnswer(nil, values))
	}
	return answers
}

// golden holds the reference itself to what another architecture once gave.
func golden(t *testing.T, answers []string) {
	t.Helper()
	const path = "testdata/answers.jsonl"
	text := strings.Join(answers, "\n") + "\n"
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if text != string(want) {
		t.Errorf("the reference evaluation gives other answers than %s (after a new model: -update)", path)
	}
}

// sink keeps messages.
type sink struct {
	mu  sync.Mutex
	got []ingest.Message
}

func (s *sink) Put(_ context.Context, m ingest.Message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	m.Body = bytes.Clone(m.Body)
	s.got = append(s.got, m)
	return nil
}

// by finds the body that was written for a message.
func (s *sink) by(t *testing.T, id string) []byte {
	t.Helper()
	for _, m := range s.got {
		if m.Source.MessageID == id {
			return m.Body
		}
	}
	t.Fatalf("nothing was written for message %s", id)
	return nil
}

type house struct {
	app  *setup.App
	sink *sink
}

func open(t *testing.T, cache string, noDedup bool) house {
	t.Helper()
	c, err := config.Load([]string{"COPSE_CACHE=" + cache})
	if err != nil {
		t.Fatal(err)
	}
	h := house{sink: new(sink)}
	driver := func(context.Context, string, *slog.Logger) (ingest.Sink, error) { return h.sink, nil }
	h.app, err = setup.New(t.Context(), setup.Options{Config: c, Log: slog.New(slog.DiscardHandler), NoDedup: noDedup,
		Sinks: map[string]setup.Driver{"log": driver}})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func object(row []string) string {
	parts := make([]string, len(row))
	for c, x := range row {
		parts[c] = fmt.Sprintf("%q:%s", names[c], x)
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func list(rows [][]string) string {
	parts := make([]string, len(rows))
	for i, row := range rows {
		parts[i] = object(row)
	}
	return "[" + strings.Join(parts, ",") + "]"
}

func columns(rows [][]string) string {
	parts := make([]string, len(rows))
	for i, row := range rows {
		parts[i] = "[" + row[3] + "," + row[2] + "," + row[1] + "," + row[0] + "]"
	}
	return `{"columns":["petal_width","petal_length","sepal_width","sepal_length"],"data":[` + strings.Join(parts, ",") + "]}"
}

func lines(rows [][]string) string {
	var b strings.Builder
	for _, row := range rows {
		b.WriteString(object(row) + "\n")
	}
	return b.String()
}

func table(rows [][]string) string {
	var b strings.Builder
	b.WriteString(strings.Join(names, ",") + "\n")
	for _, row := range rows {
		b.WriteString(strings.Join(row, ",") + "\n")
	}
	return b.String()
}

// member is the text of the answer in a reply of /predict.
func member(t *testing.T, reply []byte) string {
	t.Helper()
	var r struct {
		Prediction    json.RawMessage
		Probabilities json.RawMessage
	}
	if err := json.Unmarshal(reply, &r); err != nil || r.Prediction == nil {
		t.Fatalf("no reply of /predict: %s: %v", reply, err)
	}
	return fmt.Sprintf(`{"prediction":%s,"probabilities":%s}`, r.Prediction, r.Probabilities)
}

// predictions are the texts of the answers in a reply of /batch-predict.
func predictions(t *testing.T, reply []byte) []string {
	t.Helper()
	var r struct{ Predictions []json.RawMessage }
	if err := json.Unmarshal(reply, &r); err != nil || r.Predictions == nil {
		t.Fatalf("no reply of /batch-predict: %.200s: %v", reply, err)
	}
	out := make([]string, len(r.Predictions))
	for i, p := range r.Predictions {
		out[i] = string(p)
	}
	return out
}

// envelope is a fixture of an HTTP event with another path and body.
func envelope(t *testing.T, name, path, body string) []byte {
	t.Helper()
	data, err := os.ReadFile(root + "testdata/events/aws/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var e map[string]any
	if err := json.Unmarshal(data, &e); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"path", "rawPath"} {
		if _, ok := e[key]; ok {
			e[key] = path
		}
	}
	if p, ok := e["pathParameters"].(map[string]any); ok {
		p["proxy"] = strings.TrimPrefix(path, "/")
	}
	delete(e, "queryStringParameters")
	delete(e, "multiValueQueryStringParameters")
	e["body"], e["isBase64Encoded"] = base64.StdEncoding.EncodeToString([]byte(body)), true
	out, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// opened is the body inside a reply's envelope, inflated where the fixture's
// client takes gzip.
func opened(t *testing.T, reply []byte) []byte {
	t.Helper()
	var e struct {
		StatusCode      int
		Body            string
		IsBase64Encoded bool
	}
	if err := json.Unmarshal(reply, &e); err != nil || e.StatusCode != http.StatusOK {
		t.Fatalf("reply %.300s: %v", reply, err)
	}
	if !e.IsBase64Encoded {
		return []byte(e.Body)
	}
	z, err := gzip.NewReader(base64.NewDecoder(base64.StdEncoding, strings.NewReader(e.Body)))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// way is one way through the house, for rows one by one or all at once.
type way struct {
	name string
	one  func(t *testing.T, row []string) string
	all  func(t *testing.T, rows [][]string) []string
}

func (h house) lambdaWays() []way {
	f := lambda.New(lambda.Options{API: h.app.HTTP, Records: h.app.Ingest, Log: h.app.Log})
	invoke := func(t *testing.T, payload []byte) []byte {
		t.Helper()
		reply, err := f.Invoke(t.Context(), payload)
		if err != nil {
			t.Fatal(err)
		}
		return reply
	}
	var ways []way
	for _, event := range []string{"rest.json", "http-api-v2.json", "function-url.json", "alb.json", "alb-multi-value.json"} {
		ways = append(ways, way{"lambda " + event,
			func(t *testing.T, row []string) string {
				return member(t, opened(t, invoke(t, envelope(t, event, "/predict", object(row)))))
			},
			func(t *testing.T, rows [][]string) []string {
				return predictions(t, opened(t, invoke(t, envelope(t, event, "/batch-predict", list(rows)))))
			}})
	}
	return append(ways,
		way{"lambda direct",
			func(t *testing.T, row []string) string { return member(t, invoke(t, []byte(object(row)))) },
			func(t *testing.T, rows [][]string) []string { return predictions(t, invoke(t, []byte(columns(rows)))) }},
		way{"lambda sqs", nil, func(t *testing.T, rows [][]string) []string { return h.sqs(t, invoke, rows) }})
}

// sqs sends rows as the messages of one event, every third one a batch of two.
func (h house) sqs(t *testing.T, invoke func(*testing.T, []byte) []byte, rows [][]string) []string {
	t.Helper()
	type message struct {
		MessageID      string `json:"messageId"`
		Body           string `json:"body"`
		EventSource    string `json:"eventSource"`
		EventSourceARN string `json:"eventSourceARN"`
	}
	var records []message
	for at := 0; at < len(rows); {
		n, body := 1, object(rows[at])
		if at%3 == 2 && at+1 < len(rows) {
			n, body = 2, list(rows[at:at+2])
		}
		records = append(records, message{fmt.Sprintf("m-%d-%d", at, n), body, "aws:sqs", "arn:aws:sqs:eu-west-1:123456789012:rows"})
		at += n
	}
	event, err := json.Marshal(map[string]any{"Records": records})
	if err != nil {
		t.Fatal(err)
	}
	h.sink.got = nil
	if reply := string(invoke(t, event)); !strings.Contains(reply, `"batchItemFailures":[]`) {
		t.Fatalf("reply %s", reply)
	}
	var out []string
	for _, r := range records {
		body := h.sink.by(t, r.MessageID)
		if strings.HasPrefix(r.Body, "[") {
			out = append(out, predictions(t, body)...)
		} else {
			out = append(out, member(t, body))
		}
	}
	return out
}

func (h house) serverWays() []way {
	f := gcf.New(h.app)
	post := func(t *testing.T, handler http.Handler, path, media, body string) []byte {
		t.Helper()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body))
		r.Header.Set("Content-Type", media)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code < 200 || w.Code > 299 {
			t.Fatalf("%s: %d %s", path, w.Code, w.Body)
		}
		return w.Body.Bytes()
	}
	ways := []way{{"gcf predict",
		func(t *testing.T, row []string) string {
			return member(t, post(t, f.Handler("Predict"), "/predict", "application/json", object(row)))
		},
		func(t *testing.T, rows [][]string) []string {
			return predictions(t, post(t, f.Handler("Predict"), "/batch-predict", "text/csv", table(rows)))
		}}}
	for media, write := range map[string]func([][]string) string{
		"application/json": list, "text/csv": table, "application/x-ndjson": lines, "application/json; charset=utf-8": columns} {
		ways = append(ways, way{"http " + media, nil, func(t *testing.T, rows [][]string) []string {
			return predictions(t, post(t, h.app.HTTP, "/models/iris/batch-predict", media, write(rows)))
		}})
	}
	return append(ways, way{"gcf pub/sub", nil, func(t *testing.T, rows [][]string) []string {
		push, err := json.Marshal(map[string]any{"subscription": "projects/p/subscriptions/rows",
			"message": map[string]any{"messageId": "17", "data": []byte(list(rows))}})
		if err != nil {
			t.Fatal(err)
		}
		h.sink.got = nil
		post(t, f.Handler("OnEvent"), "/", "application/json", string(push))
		return predictions(t, h.sink.by(t, "17"))
	}})
}

// scoreWays run the copse command on a file.
func scoreWays(t *testing.T) []way {
	folder := t.TempDir()
	score := func(t *testing.T, name, text string, args ...string) string {
		t.Helper()
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var out, errs bytes.Buffer
		if status := local.Main(append([]string{"score", path}, args...), strings.NewReader(""), &out, &errs); status != 0 {
			t.Fatalf("exit status %d: %s", status, errs.String())
		}
		return out.String()
	}
	return []way{
		{"score csv", nil, func(t *testing.T, rows [][]string) []string {
			return fromLines(t, score(t, "rows.csv", table(rows), "--format", "jsonl"))
		}},
		{"score jsonl", nil, func(t *testing.T, rows [][]string) []string {
			return fromTable(t, score(t, "rows.jsonl", lines(rows)))
		}},
	}
}

func fromLines(t *testing.T, text string) []string {
	t.Helper()
	var out []string
	for line := range strings.Lines(text) {
		out = append(out, member(t, []byte(line)))
	}
	return out
}

func fromTable(t *testing.T, text string) []string {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, row := range rows[1:] {
		parts := make([]string, 3)
		for i, x := range row[1:4] {
			parts[i] = fmt.Sprintf("%q:%s", strings.TrimPrefix(rows[0][i+1], "probability_"), x)
		}
		out = append(out, fmt.Sprintf(`{"prediction":%q,"probabilities":{%s}}`, row[0], strings.Join(parts, ",")))
	}
	return out
}

func TestEveryAdapterGivesTheSameAnswers(t *testing.T) {
	rows := flowers(t)
	want := reference(t, rows)
	golden(t, want)
	for _, cache := range []string{"off", "on"} {
		for _, noDedup := range []bool{false, true} {
			h := open(t, cache, noDedup)
			ways := append(append(h.lambdaWays(), h.serverWays()...), scoreWays(t)...)
			for _, w := range ways {
				t.Run(fmt.Sprintf("%s, cache %s, no dedup %v", w.name, cache, noDedup), func(t *testing.T) {
					if w.one != nil {
						for i, row := range rows {
							if got := w.one(t, row); got != want[i] {
								t.Fatalf("row %d alone: got %s, want %s", i, got, want[i])
							}
						}
					}
					same(t, w.all(t, rows), want)
					same(t, w.all(t, rows[:7]), want[:7])
				})
			}
		}
	}
}

func same(t *testing.T, got, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("got %d answers, want %d", len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("row %d: got %s, want %s", i, got[i], want[i])
		}
	}
}
