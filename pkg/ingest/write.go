package ingest

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"

	"example.com/copse/pkg/fault"
)

// writers bounds the writes at the same time: a standard batch of SQS has ten
// messages, and a sink takes that many without throttling anyone.
const writers = 10

// write writes a block's replies and dead letters, and sets the outcomes.
// Records of one group are written one after the other, in order; objects too,
// since each is worked on by all cores.
func (e *event) write(ctx context.Context, b *block) {
	chains := b.chains()
	done := make([]bool, len(chains))
	slots := make(chan struct{}, writers)
	var objects []int // chains that have some
	var wg sync.WaitGroup
	for i, chain := range chains {
		if e.stopped[e.group(chain[0].record)] {
			continue // its records stay Failed
		}
		if slices.ContainsFunc(chain, func(it *item) bool { return it.object != nil }) {
			objects = append(objects, i)
			continue
		}
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			done[i] = e.writeChain(ctx, b, chain)
		})
	}
	for _, i := range objects {
		done[i] = e.writeChain(ctx, b, chains[i])
	}
	wg.Wait()
	for i, chain := range chains {
		if group := e.group(chain[0].record); group != "" && !done[i] {
			e.stopped[group] = true
		}
	}
}

// group is a record's: a stream's shard has an order of its own.
func (e *event) group(record int) string {
	r := &e.records[record]
	if r.Group == "" && r.streamed() {
		return "shard " + r.Source.Shard
	}
	return r.Group
}

// chains parts the block's records by group; a record without one is alone.
func (b *block) chains() [][]*item {
	var chains [][]*item
	groups := map[string]int{}
	for i := range b.items {
		it := &b.items[i]
		group := b.e.group(it.record)
		at, seen := groups[group]
		if group == "" || !seen {
			at = len(chains)
			groups[group] = at
			chains = append(chains, nil)
		}
		chains[at] = append(chains[at], it)
	}
	return chains
}

// writeChain writes the records of one group in order, and says whether all
// are done. After one that is not, none is: the others stay Failed.
func (e *event) writeChain(ctx context.Context, b *block, chain []*item) bool {
	if e.h.bucket != nil && e.records[chain[0].record].streamed() {
		return e.writeStream(ctx, b, chain)
	}
	for _, it := range chain {
		if !e.writeOne(ctx, b, it) {
			return false
		}
		e.outcomes[it.record] = Done
	}
	return true
}

// writeOne writes one record's reply or dead letter and says whether it is
// done.
func (e *event) writeOne(ctx context.Context, b *block, it *item) (done bool) {
	defer e.contain(ctx, it, &done)
	fe := it.verdict()
	switch {
	case fe != nil:
	case it.object != nil:
		fe = e.answerObject(ctx, it)
	default:
		fe = e.put(ctx, b, it)
	}
	return fe == nil || e.bury(ctx, it, fe)
}

// contain turns a panic into a record that is not done.
func (e *event) contain(ctx context.Context, it *item, done *bool) {
	if p := recover(); p != nil {
		e.log(ctx, slog.LevelError, "panic", it, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		*done = false
	}
}

// bury writes the dead letter of a record that can never be answered, and says
// whether the record is done.
func (e *event) bury(ctx context.Context, it *item, fe *fault.Error) bool {
	e.note(it, fe)
	if fe.Code.Outcome() == fault.Retry || e.h.o.DeadLetter == nil {
		e.log(ctx, slog.LevelWarn, leftText(e.records[it.record].Source.Kind, fe), it, it.why(fe)...)
		return false
	}
	if err := e.h.o.DeadLetter.Put(ctx, e.deadLetter(it, fe)); err != nil {
		e.log(ctx, slog.LevelError, "dead letter not written: the record is left to be delivered again", it, "error", err.Error())
		return false
	}
	e.log(ctx, slog.LevelWarn, "record written to the dead-letter sink", it, it.why(fe)...)
	return true
}

// leftText says what comes of a record that is not done. Nobody delivers a
// payload or an item of a map again: who sent it is told.
func leftText(kind string, fe *fault.Error) string {
	retry := fe.Code.Outcome() == fault.Retry
	switch {
	case retry && (kind == "map" || kind == "invoke"):
		return "record not answered now: the invocation fails, and may be tried again"
	case retry:
		return "record left to be delivered again"
	case kind == "map":
		return "item can never be answered: the error is its entry in the reply"
	case kind == "invoke":
		return "payload can never be answered: the invocation fails"
	}
	return "record can never be answered, and there is no dead-letter sink: it is left to the platform"
}

// why is what the log says of a fault, and of the first row's where all rows
// are bad.
func (it *item) why(fe *fault.Error) []any {
	args := []any{"code", fe.Code.String(), "error", fe.Error()}
	if fe.Code != fault.InvalidRows || len(it.faults) == 0 {
		return args
	}
	f := &it.faults[0]
	args = append(args, "row", f.Row-it.row)
	for _, each := range []struct{ name, text string }{{"field", fault.Quote([]byte(f.Field))}, {"rule", f.Rule}, {"row_error", f.Message}} {
		if each.text != "" {
			args = append(args, each.name, each.text)
		}
	}
	return args
}

func (e *event) log(ctx context.Context, level slog.Level, text string, it *item, args ...any) {
	r := &e.records[it.record]
	args = append(args, "source", r.Source.Kind)
	if r.Source.MessageID != "" {
		args = append(args, "message_id", r.Source.MessageID)
	}
	if it.object != nil {
		args = append(args, "object", it.object.shown())
	}
	e.h.o.Log.Log(ctx, level, text, args...)
}

// verdict is nil for a record that is answered. A record that was read is
// answered, bad rows and all, unless all are bad, or one may be better next
// time.
func (it *item) verdict() *fault.Error {
	if it.fault != nil {
		return it.fault
	}
	for i := range it.faults {
		if f := &it.faults[i]; f.Code.Outcome() == fault.Retry {
			return f
		}
	}
	if it.bad {
		return fault.New(fault.InvalidRows, "no row of the record is valid")
	}
	return nil
}
