package faulttest

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// item is a record of an event, and what must become of it.
type item struct {
	id   string   // by which results name their source
	rows []string // the answers: labels, or codes of errors; nil: hopeless
	in   *carrier
}

// carrier is a message: what the platform delivers and counts.
type carrier struct {
	id, group, body string
	items           []*item
}

func carry(id, body string, items ...*item) *carrier {
	c := &carrier{id: id, body: body, items: items}
	for _, it := range items {
		it.in = c
	}
	return c
}

// hopeless says whether the platform must be told that a message failed, where
// there is no place for dead letters.
func (c *carrier) hopeless() bool {
	return slices.ContainsFunc(c.items, func(it *item) bool { return it.rows == nil })
}

// sample are rows of the embedded model, with their answers.
var sample = []struct {
	values [4]float64
	answer string
}{
	{[4]float64{5.1, 3.5, 1.4, 0.2}, "setosa"},
	{[4]float64{6.0, 2.7, 4.1, 1.2}, "versicolor"},
	{[4]float64{6.9, 3.1, 5.8, 2.1}, "virginica"},
	{[4]float64{5.1, 99, 1.4, 0.2}, "out_of_range"},
}

const bad = 3 // the sample that is no valid row

var columns = []string{"sepal_length", "sepal_width", "petal_length", "petal_width"}

// pick chooses n samples, of which at least one is valid.
func pick(r *rand.Rand, n int) []int {
	rows := make([]int, n)
	for i := range rows {
		rows[i] = r.IntN(len(sample))
	}
	if !slices.ContainsFunc(rows, func(k int) bool { return k != bad }) {
		rows[r.IntN(n)] = r.IntN(bad)
	}
	return rows
}

func answers(rows []int) (all []string) {
	for _, k := range rows {
		all = append(all, sample[k].answer)
	}
	return all
}

func object(k int) map[string]float64 {
	row := map[string]float64{}
	for i, name := range columns {
		row[name] = sample[k].values[i]
	}
	return row
}

func jsonOf(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err) // of this package's own values only
	}
	return string(data)
}

func csvOf(rows []int) string {
	var b strings.Builder
	b.WriteString(strings.Join(columns, ",") + "\n")
	for _, k := range rows {
		v := sample[k].values
		fmt.Fprintf(&b, "%g,%g,%g,%g\n", v[0], v[1], v[2], v[3])
	}
	return b.String()
}

func linesOf(rows []int) string {
	var b strings.Builder
	for _, k := range rows {
		b.WriteString(jsonOf(object(k)) + "\n")
	}
	return b.String()
}

// newMessage makes a message with rows, in one of the forms that a body can
// have.
func newMessage(r *rand.Rand, id string) *carrier {
	it := &item{id: id}
	var body string
	switch rows := pick(r, 1+r.IntN(5)); r.IntN(10) {
	case 0: // what nobody can read
		body = []string{"no rows", `{"sepal_length":`, `{"a":1}`, jsonOf(object(bad))}[r.IntN(4)]
	case 1:
		body, it.rows = csvOf(rows), answers(rows)
	case 2:
		list := make([]any, len(rows))
		for i, k := range rows {
			list[i] = object(k)
		}
		body, it.rows = jsonOf(list), answers(rows)
	case 3:
		data := make([][4]float64, len(rows))
		for i, k := range rows {
			data[i] = sample[k].values
		}
		body, it.rows = jsonOf(map[string]any{"columns": columns, "data": data}), answers(rows)
	case 4:
		body, it.rows = "[]", []string{} // no rows, all of which are answered
	default:
		k := r.IntN(bad)
		body, it.rows = jsonOf(object(k)), answers([]int{k})
	}
	return carry(id, body, it)
}

// newObject puts the n-th object with rows into the bucket of inputs.
func newObject(r *rand.Rand, c *Cloud, n int) *item {
	rows := pick(r, 1+r.IntN(40))
	it := &item{rows: answers(rows)}
	var text, extension string
	switch r.IntN(10) {
	case 0: // what nobody can read
		text, extension = []string{"", "PAR1 and no more", csvOf([]int{bad, bad}), gone}[r.IntN(4)], ".data"
		it.rows = nil
	case 1, 2:
		text, extension = linesOf(rows), ".jsonl"
	case 3, 4:
		text, extension = gzipOf(csvOf(rows)), ".csv.gz"
	case 5:
		text = csvOf(rows) // told by its content
	default:
		text, extension = csvOf(rows), ".csv"
	}
	key := fmt.Sprintf(keys[r.IntN(len(keys))], n) + extension
	it.id = "in/" + key
	o := &Object{Body: []byte(text), ETag: etag([]byte(text)), Header: http.Header{}}
	if c.etags[key] = o.ETag; text != gone {
		c.buckets["in"][key] = o
	}
	return it
}

// newLarge puts an object into the bucket of inputs whose answers are of several
// parts: over 8 MiB.
func newLarge(r *rand.Rand, c *Cloud, n int) *item {
	rows := slices.Repeat(pick(r, 100), 1000)
	key := fmt.Sprintf("large-%d.csv", n)
	body := []byte(csvOf(rows))
	c.etags[key] = etag(body)
	c.buckets["in"][key] = &Object{Body: body, ETag: c.etags[key], Header: http.Header{}}
	return &item{id: "in/" + key, rows: answers(rows)}
}

// gone is the content of an object that was deleted since its event.
const gone = "gone"

func gzipOf(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write([]byte(text))
	if err := errors.Join(err, z.Close()); err != nil {
		panic(err) // into memory
	}
	return b.String()
}

// keys are names that objects can have; each gets a number.
var keys = []string{"plain-%d", "a folder/with space %d", "plus+and%%25-%d", "größe/%d"}

// notification is what S3 says of new objects.
func notification(c *Cloud, items []*item) string {
	var records []any
	for i, it := range items {
		key := strings.TrimPrefix(it.id, "in/")
		records = append(records, map[string]any{
			"eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "eu-west-1", "eventTime": "2026-11-24T12:00:00.000Z",
			"eventName": "ObjectCreated:Put", "s3": map[string]any{"s3SchemaVersion": "1.0", "bucket": map[string]any{"name": "in", "arn": "arn:aws:s3:::in"},
				"object": map[string]any{"key": url.QueryEscape(key), "size": 1, "eTag": strings.Trim(c.etags[key], `"`), "sequencer": fmt.Sprintf("0055AED6DCD90281E%d", i)}},
		})
	}
	return jsonOf(map[string]any{"Records": records})
}

// bridged is what EventBridge says of a new object.
func bridged(c *Cloud, it *item, n int) string {
	key := strings.TrimPrefix(it.id, "in/")
	return jsonOf(map[string]any{
		"version": "0", "id": fmt.Sprintf("17793124-05d4-b198-2fde-7ededc63b1%02d", n), "detail-type": "Object Created", "source": "aws.s3",
		"account": "123456789012", "time": "2026-11-24T12:00:00Z", "region": "eu-west-1", "resources": []string{"arn:aws:s3:::in"},
		"detail": map[string]any{"version": "0", "bucket": map[string]any{"name": "in"}, "reason": "PutObject",
			"object": map[string]any{"key": key, "size": 1, "etag": strings.Trim(c.etags[key], `"`), "sequencer": "00617F08299329D189"}},
	})
}
