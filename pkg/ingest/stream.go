package ingest

import (
	"context"
	"encoding/json"
	"log/slog"

	"example.com/copse/pkg/predict"
)

// streamed says whether a record is of a stream, where the platform goes on
// after the first record of a shard that is not done.
func (r *Record) streamed() bool { return r.Source.Kind == "kinesis" || r.Source.Kind == "dynamodb" }

// writeStream writes the records of a shard in order into a bucket: the
// answers to all of them are one object. It says whether all are done.
//
// A dead letter is written before the object that has the answers around it:
// where the object then fails, the letter is written again under its own name.
func (e *event) writeStream(ctx context.Context, b *block, chain []*item) bool {
	var open []*item // answered, or dead letters; not done before the object is written
	for _, it := range chain {
		var done bool
		switch {
		case it.object != nil: // has a result of its own, in its place in the order
			if !e.writePart(ctx, b, open) {
				return false
			}
			open = open[:0]
			if done = e.writeOne(ctx, b, it); done {
				e.outcomes[it.record] = Done
			}
		case it.verdict() == nil:
			open, done = append(open, it), true
		default:
			if done = e.buryContained(ctx, it); done {
				open = append(open, it)
			}
		}
		if !done {
			e.writePart(ctx, b, open)
			return false
		}
	}
	return e.writePart(ctx, b, open)
}

func (e *event) buryContained(ctx context.Context, it *item) (done bool) {
	defer e.contain(ctx, it, &done)
	return e.bury(ctx, it, it.verdict())
}

// writePart writes the answers to some records of a shard as one object, after
// which all of them are done, those with dead letters too.
func (e *event) writePart(ctx context.Context, b *block, part []*item) (done bool) {
	if len(part) == 0 {
		return true
	}
	defer e.contain(ctx, part[0], &done)
	var answered []*item
	for _, it := range part {
		if it.verdict() == nil {
			answered = append(answered, it)
		}
	}
	if len(answered) > 0 {
		if err := e.putPart(ctx, b, answered); err != nil {
			fe := unwritten(err)
			for _, it := range answered {
				e.note(it, fe)
			}
			e.log(ctx, slog.LevelWarn, "records of a stream left to be delivered again", part[0],
				"records", len(part), "code", fe.Code.String(), "error", fe.Error())
			return false
		}
	}
	for _, it := range part {
		e.outcomes[it.record] = Done
	}
	return true
}

// putPart writes the object: lines as copse score writes them, numbered from 0
// in each record, with its source where there are several.
func (e *event) putPart(ctx context.Context, b *block, part []*item) error {
	req := predict.Get()
	defer req.Release()
	out := req.Out[:0]
	for _, it := range part {
		source, err := json.Marshal(e.source(it))
		if err != nil {
			return err
		}
		extra := append([]byte(`"source":`), source...)
		if e.reports != nil {
			one := predict.Get()
			err = e.reply(b, it, one, extra)
			e.keep(it, one.Out, extra)
			one.Release()
			if err != nil {
				return err
			}
		}
		if len(part) == 1 {
			extra = nil
		}
		if out, err = e.lines(out, b, it, req, extra); err != nil {
			return err
		}
	}
	req.Out = out
	first, last := e.source(part[0]), e.source(part[len(part)-1])
	name := e.h.bucket.nameOfParts(first.Kind, first.Shard, first.MessageID, last.MessageID)
	whole := Source{Kind: first.Kind, Shard: first.Shard, MessageID: first.MessageID + "-" + last.MessageID}
	return e.h.bucket.write(ctx, name, Info{contentLines, meta(&whole, e.model.Name(), e.model.Digest())}, out)
}
