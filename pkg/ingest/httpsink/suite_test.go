package httpsink

import (
	"testing"

	"example.com/copse/pkg/ingest/sinktest"
)

// TestSuite: what all sinks have in common.
func TestSuite(t *testing.T) {
	sinktest.Sink(t, func(t *testing.T) sinktest.Target {
		got := &receiver{statuses: []int{200}}
		return sinktest.Target{Sink: secure(t, got, "/results"), Received: func(testing.TB) (bodies [][]byte) {
			got.mu.Lock()
			defer got.mu.Unlock()
			for _, body := range got.bodies {
				bodies = append(bodies, []byte(body))
			}
			got.bodies = nil
			return bodies
		}}
	})
}
