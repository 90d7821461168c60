package httpapi

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"example.com/copse/model"
	"example.com/copse/pkg/frame"
	"example.com/copse/pkg/predict"
	"example.com/copse/pkg/registry"
	"example.com/copse/pkg/schema"
	"example.com/copse/pkg/wire"
)

const flower = `{"sepal_length":5.1,"sepal_width":3.5,"petal_length":1.4,"petal_width":0.2}`

// byName gives every id the same row.
type byName struct{}

func (byName) Fill(_ context.Context, ids []string, s *schema.Schema, f *frame.Frame) error {
	f.Reset(s.NumFeatures())
	for range ids {
		copy(f.Append(), []float64{5.1, 3.5, 1.4, 0.2})
	}
	return nil
}

func irisHandler(t *testing.T, timeout time.Duration) *Handler {
	t.Helper()
	models, err := registry.Open(t.Context(), []registry.Source{{Name: "iris", Load: registry.Bundle(model.Bundle(), predict.Options{})}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	return New(Options{Models: models, Features: byName{}, Wire: wire.Limits{Rows: 100_000, Values: 1 << 22, Depth: 16, Text: 4096},
		MaxBody: 16 << 20, MaxInflight: 64 << 20, Timeout: timeout, Log: slog.New(slog.DiscardHandler)})
}

func batchOf(h *Handler, media, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/batch-predict", strings.NewReader(body))
	r.Header.Set("Content-Type", media)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// TestRowBounds holds the look at a body against what is read of it: no more
// rows than the most, and for rows of the form they should have no more than
// the likely number.
func TestRowBounds(t *testing.T) {
	m := irisModel(t)
	tests := []struct {
		name  string
		media wire.Media
		body  string
		form  bool // rows are of the form they should have
	}{
		{"objects", wire.JSON, "[" + strings.Repeat(flower+",", 9) + flower + "]", true},
		{"empty objects", wire.JSON, "[" + strings.Repeat("{},", 99) + "{}]", true},
		{"rows", wire.JSON, `{"rows":[` + strings.Repeat("{},", 99) + "{}]}", true},
		{"data", wire.JSON, `{"columns":["sepal_length"],"data":[` + strings.Repeat("[1],", 99) + "[1]]}", true},
		{"data of nothing", wire.JSON, `{"columns":[],"data":[` + strings.Repeat("[],", 99) + "[]]}", true},
		{"data before columns", wire.JSON, `{"data":[[5],[6]],"columns":["sepal_length"]}`, true},
		{"scalars", wire.JSON, "[" + strings.Repeat("0,", 99) + "0]", false},
		{"one scalar", wire.JSON, "[0]", true},
		{"none", wire.JSON, "[]", true},
		{"texts of brackets", wire.JSON, `["{{{{","[[[["]`, true},
		{"lines", wire.NDJSON, strings.Repeat("0\n", 100) + "0", true},
		{"csv", wire.CSV, "sepal_length\n" + strings.Repeat("1\n", 100) + "1", true},
		{"csv with carriage returns", wire.CSV, "sepal_length\r\n" + strings.Repeat("1\r\n", 100), true},
		{"csv of quoted lines", wire.CSV, "sepal_length\n" + strings.Repeat("\"1\n\"\n", 100), true},
	}
	for _, tt := range tests {
		likely, most := likelyRows([]byte(tt.body), tt.media), mostRows([]byte(tt.body), tt.media)
		var d wire.Decoder
		var f frame.Frame
		if _, fe := d.Batch([]byte(tt.body), tt.media, m.Schema(), new(wire.Options), &f); fe != nil {
			t.Errorf("%s: %v", tt.name, fe)
		}
		if f.Rows > most || likely > most {
			t.Errorf("%s: %d rows, likely %d, at most %d", tt.name, f.Rows, likely, most)
		}
		if tt.form && f.Rows > likely {
			t.Errorf("%s: %d rows are more than likely, %d", tt.name, f.Rows, likely)
		}
	}
}

func irisModel(t *testing.T) *predict.Model {
	t.Helper()
	m, err := predict.Open("iris", model.Bundle(), predict.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestUnlikelyRows: rows beyond the likely number are read all the same, up to
// the limit that the caller knows.
func TestUnlikelyRows(t *testing.T) {
	h := irisHandler(t, 0)
	tests := []struct {
		name, body string
		status     int
		want       string
	}{
		{"scalars", "[" + strings.Repeat("0,", 499) + "0]", 200, `"rows":500,"valid":0`},
		{"scalars and objects", "[0,0,0,0,0,0,0," + flower + "]", 200, `"rows":8,"valid":1`},
		{"ids", `{"ids":[` + strings.Repeat(`"a",`, 499) + `"b"]}`, 200, `"rows":500,"valid":500,"unique":1`},
		{"too many scalars", "[" + strings.Repeat("0,", 100_000) + "0]", 413, "more than 100000 rows"},
		{"too many ids", `{"ids":[` + strings.Repeat(`1,`, 100_000) + `1]}`, 413, "more than 100000 ids"},
	}
	for _, tt := range tests {
		w := batchOf(h, "application/json", tt.body)
		if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.want) {
			t.Errorf("%s: got %d, want %d with %s: %.200s", tt.name, w.Code, tt.status, tt.want, w.Body)
		}
	}
	if !h.work.TryAcquire(workBudget) || !h.small.TryAcquire(smallBudget) {
		t.Error("memory was set aside and not given back")
	}
}

// TestWeight: no batch that a client can send needs more than was set aside for
// it, by what the request holds afterwards.
func TestWeight(t *testing.T) {
	h := irisHandler(t, 0)
	m := irisModel(t)
	for name, body := range map[string]string{
		"good":    "[" + strings.Repeat(flower+",", 49_999) + flower + "]",
		"missing": "[" + strings.Repeat("{},", 99_999) + "{}]",
		"unknown": "[" + strings.Repeat(`{"a":1,"b":2,"c":3},`, 99_999) + "{}]",
		"scalars": "[" + strings.Repeat("0,", 99_999) + "0]",
		"few":     "[" + flower + "]",
	} {
		memory := admission{h: h}
		req := new(predict.Request)
		req.Body = []byte(body)
		if _, fe := h.decode(t.Context(), m, req, wire.JSON, &memory); fe != nil {
			t.Fatal(fe)
		}
		if err := m.Predict(t.Context(), req); err != nil {
			t.Fatal(err)
		}
		if got := int64(req.Memory()); got > memory.n+16<<10 {
			t.Errorf("%s: holds %d bytes, %d were set aside", name, got, memory.n)
		}
		memory.release()
	}
}

// TestMemoryInUse: while large batches hold all memory, small ones are answered,
// and a large one is told to come back when its time is over.
func TestMemoryInUse(t *testing.T) {
	h := irisHandler(t, time.Millisecond)
	if !h.work.TryAcquire(workBudget) {
		t.Fatal("the budget is not free")
	}
	small := "[" + strings.Repeat(flower+",", 99) + flower + "]"
	if w := batchOf(h, "application/json", small); w.Code == http.StatusServiceUnavailable {
		t.Errorf("a small batch: got %d %s", w.Code, w.Body)
	}
	large := "[" + strings.Repeat("{},", 99_999) + "{}]"
	w := batchOf(h, "application/json", large)
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("a large batch: got %d %s", w.Code, w.Body)
	}
	h.work.Release(workBudget)
	if !h.work.TryAcquire(workBudget) || !h.small.TryAcquire(smallBudget) {
		t.Error("memory was set aside and not given back")
	}
}
