// Package objectscore scores objects with package bulk: what a main that reads
// objects hands to package ingest.
package objectscore

import (
	"context"

	"example.com/copse/pkg/bulk"
	"example.com/copse/pkg/ingest"
	"example.com/copse/pkg/wire"
)

// Score is an ingest.Score. Lines are those of copse score; rows are numbered
// from 0 in the object, or in its range.
func Score(ctx context.Context, w *ingest.Work) (ingest.Scored, error) {
	sum, err := bulk.Score(ctx,
		&bulk.File{Name: w.Name, Size: w.Size, At: w.Object},
		bulk.NewLines(w.Model, wire.Prediction, w.Out),
		bulk.Options{Model: w.Model, Kind: wire.Prediction, IgnoreExtra: w.IgnoreExtra, From: w.From, To: w.To, Read: w.Read})
	return ingest.Scored{Rows: sum.Rows, Bad: sum.Bad, Why: sum.Why, Stats: sum.Stats}, err
}
