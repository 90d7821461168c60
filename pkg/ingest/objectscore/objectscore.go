// Package objectscore scores objects with package bulk: what a main that reads
// objects hands to package ingest.
package objectscore

import (
	"context"
	"errors"
	"strings"

	"example.com/copse/pkg/bulk"
	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/ingest"
	"example.com/copse/pkg/wire"
)

// Score is an ingest.Score. Lines are those of copse score; rows are numbered
// from 0 in the object, or in its range.
func Score(ctx context.Context, w *ingest.Work) (ingest.Scored, error) {
	defer boundMemory(w.Size)()
	sum, err := bulk.Score(ctx,
		&bulk.File{Name: w.Name, Size: w.Size, At: w.Object},
		bulk.NewLines(w.Model, wire.Prediction, w.Out),
		bulk.Options{Model: w.Model, Kind: wire.Prediction, IgnoreExtra: w.IgnoreExtra, From: w.From, To: w.To, Read: w.Read})
	return ingest.Scored{Rows: sum.Rows, Bad: sum.Bad, Why: sum.Why, Stats: sum.Stats}, named(err)
}

// named makes a sentence of what package bulk says of a file behind its name,
// "is a picture": a reply and a dead letter have the name elsewhere.
func named(err error) error {
	fe, ok := errors.AsType[*fault.Error](err)
	if !ok || !strings.HasPrefix(fe.Message, "is ") {
		return err
	}
	whole := *fe
	whole.Message = "the object " + fe.Message
	return &whole
}
