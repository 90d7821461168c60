package copsebeam

import (
	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/metrics"
)

const namespace = "copse"

// Counters, as a runner's page and PipelineResult.Metrics show them, in the
// namespace "copse".
var (
	rowsSeen  = beam.NewCounter(namespace, "rows")     // rows that were answered
	badRows   = beam.NewCounter(namespace, "bad_rows") // of those, answered with an error
	bundles   = beam.NewCounter(namespace, "bundles")  // bundles with rows
	blocks    = beam.NewCounter(namespace, "blocks")   // rows that were scored together, how often
	loads     = beam.NewCounter(namespace, "models")   // models that a process opened
	filesDone = beam.NewCounter(namespace, "files")    // files that were scored and written
	ranges    = beam.NewCounter(namespace, "ranges")   // parts of files that were scored
	whole     = beam.NewCounter(namespace, "whole")    // files that could not be cut, and were scored again
)

// Count is what a pipeline did.
type Count struct {
	Files, Rows, Bad      int64
	Bundles, Blocks       int64
	Ranges, Whole, Models int64
}

// Counts reads the counters of a pipeline that ended, or of a runner that tells
// them later, zeros.
func Counts(result beam.PipelineResult) Count {
	var n Count
	if result == nil {
		return n
	}
	to := map[string]*int64{
		"files": &n.Files, "rows": &n.Rows, "bad_rows": &n.Bad, "bundles": &n.Bundles,
		"blocks": &n.Blocks, "ranges": &n.Ranges, "whole": &n.Whole, "models": &n.Models,
	}
	all := result.Metrics().Query(func(r metrics.SingleResult) bool { return r.Namespace() == namespace })
	for _, c := range all.Counters() {
		if n := to[c.Name()]; n != nil {
			*n += c.Result()
		}
	}
	return n
}
