package httpapi

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"example.com/copse/pkg/frame"
)

// metrics counts what the handler does, for GET /metrics in Prometheus' text
// format (version 0.0.4).
//
// Question: the Prometheus client library? Choice: these few counters as
// atomics. The library's registry and its dependencies would add a third to a
// function's cold start for a page that functions are hardly ever asked for.
// What would change it: users who register their own metrics.
type metrics struct {
	inflight atomic.Int64
	statuses [numRoutes][len(statusClasses)]atomic.Int64
	seconds  [numRoutes]histogram
	counts   [len(rowKinds)]atomic.Int64
}

var statusClasses = [...]string{"1xx", "2xx", "3xx", "4xx", "5xx"}

// rowKinds are the fields of frame.Stats, as a label.
var rowKinds = [...]string{"valid", "invalid", "duplicate", "cached", "scored"}

// histogram has cumulative buckets like Prometheus' own.
type histogram struct {
	buckets [len(bounds)]atomic.Int64
	nanos   atomic.Int64
	count   atomic.Int64
}

// bounds in seconds: from a warm single row to the time-out.
var bounds = [...]float64{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30}

func (m *metrics) request(r route, status int, d time.Duration) {
	m.statuses[r][min(max(status/100, 1), 5)-1].Add(1)
	h := &m.seconds[r]
	h.count.Add(1)
	h.nanos.Add(int64(d))
	s := d.Seconds()
	for i := range bounds {
		if s <= bounds[i] {
			h.buckets[i].Add(1)
			break
		}
	}
}

func (m *metrics) rows(s *frame.Stats) {
	for i, n := range [...]int{s.Valid, s.Rows - s.Valid, s.Valid - s.Unique, s.Cached, s.Scored} {
		if n > 0 {
			m.counts[i].Add(int64(n))
		}
	}
}

// exposition answers GET /metrics.
func (h *Handler) exposition(x *exchange) {
	var b strings.Builder
	m := &h.metrics
	b.WriteString("# HELP copse_requests_total Requests answered, by route and class of status.\n# TYPE copse_requests_total counter\n")
	for r := range m.statuses {
		for c := range m.statuses[r] {
			if n := m.statuses[r][c].Load(); n > 0 {
				fmt.Fprintf(&b, "copse_requests_total{route=%q,status=%q} %d\n", route(r), statusClasses[c], n)
			}
		}
	}
	b.WriteString("# HELP copse_request_seconds Time from a request's head to the end of its answer.\n# TYPE copse_request_seconds histogram\n")
	for r := range m.seconds {
		m.seconds[r].write(&b, route(r))
	}
	b.WriteString("# HELP copse_rows_total Rows, by what happened to them.\n# TYPE copse_rows_total counter\n")
	for i, kind := range rowKinds {
		fmt.Fprintf(&b, "copse_rows_total{result=%q} %d\n", kind, m.counts[i].Load())
	}
	fmt.Fprintf(&b, "# HELP copse_requests_in_flight Requests being answered now.\n# TYPE copse_requests_in_flight gauge\ncopse_requests_in_flight %d\n", m.inflight.Load())
	fmt.Fprintf(&b, "# HELP copse_body_bytes Bytes of request bodies in memory now.\n# TYPE copse_body_bytes gauge\ncopse_body_bytes %d\n", h.held.Load())
	b.WriteString("# HELP copse_model_info Models served, value 1.\n# TYPE copse_model_info gauge\n")
	for _, d := range h.describe(x.r.Context()) {
		fmt.Fprintf(&b, "copse_model_info{name=%q,digest=%q} 1\n", d.Name, d.Digest)
	}
	x.text(http.StatusOK, metricsType, b.String())
}

func (h *histogram) write(b *strings.Builder, r route) {
	count := h.count.Load()
	if count == 0 {
		return
	}
	sum := int64(0)
	for i, le := range bounds {
		sum += h.buckets[i].Load()
		fmt.Fprintf(b, "copse_request_seconds_bucket{route=%q,le=%q} %d\n", r, strconv.FormatFloat(le, 'g', -1, 64), sum)
	}
	fmt.Fprintf(b, "copse_request_seconds_bucket{route=%q,le=\"+Inf\"} %d\n", r, count)
	fmt.Fprintf(b, "copse_request_seconds_sum{route=%q} %g\n", r, time.Duration(h.nanos.Load()).Seconds())
	fmt.Fprintf(b, "copse_request_seconds_count{route=%q} %d\n", r, count)
}
