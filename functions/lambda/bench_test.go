package lambda

import (
	"context"
	"io"
	"net/http"
	"testing"

	"example.com/copse/pkg/ingest"
)

var oneRow = []byte(`{"prediction":"setosa","probabilities":{"setosa":1,"versicolor":0,"virginica":0},"model":{"name":"iris","digest":"sha256:9e107d9d372bb6826bd81d3542a419d6a3c1f7d1a5e9a8b4c2d0e1f203142536"}}`)

// fixed reads the body and answers as /predict would, for the cost of the
// adapter alone.
func fixed(w http.ResponseWriter, r *http.Request) {
	var buf [512]byte
	if _, err := r.Body.Read(buf[:]); err != nil && err != io.EOF {
		panic(err)
	}
	h := w.Header()
	h["Content-Type"] = []string{"application/json"}
	h["Cache-Control"] = []string{"no-store"}
	h["X-Request-Id"] = []string{"1-66f1a2b3-0123456789abcdef01234567"}
	_, _ = w.Write(oneRow)
}

// BenchmarkAdapter is event bytes → reply bytes without the core, for one row.
// The whole way, with the core, is BenchmarkPredict.
func BenchmarkAdapter(b *testing.B) {
	for _, file := range []string{"http-api-v2.json", "rest.json", "function-url.json", "alb-multi-value.json"} {
		b.Run(file, func(b *testing.B) {
			benchmarkInvoke(b, New(Options{API: api{http: fixed}, Log: discard()}), readEvent(b, file))
		})
	}
	b.Run("sqs.json", func(b *testing.B) {
		done := batch(func(_ context.Context, r []ingest.Record) []ingest.Outcome { return make([]ingest.Outcome, len(r)) })
		benchmarkInvoke(b, New(Options{Records: done, Log: discard()}), readEvent(b, "sqs.json"))
	})
}

func benchmarkInvoke(b *testing.B, f *Function, payload []byte) {
	b.Helper()
	b.ReportAllocs()
	b.SetBytes(int64(len(payload)))
	for b.Loop() {
		if _, err := f.Invoke(b.Context(), payload); err != nil {
			b.Fatal(err)
		}
	}
}
