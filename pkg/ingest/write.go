package ingest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"unicode/utf8"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/frame"
	"example.com/copse/pkg/predict"
	"example.com/copse/pkg/wire"
)

// writers bounds the writes at the same time: a standard batch of SQS has ten
// messages, and a sink takes that many without throttling anyone.
const writers = 10

// write writes a block's replies and dead letters, and sets the outcomes.
// Records of one group are written one after the other, in order.
func (e *event) write(ctx context.Context, b *block) {
	chains := b.chains()
	done := make([]bool, len(chains))
	slots := make(chan struct{}, writers)
	var wg sync.WaitGroup
	for i, chain := range chains {
		group := e.records[chain[0].record].Group
		if e.stopped[group] {
			continue // its records stay Failed
		}
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			done[i] = e.writeChain(ctx, b, chain)
		})
	}
	wg.Wait()
	for i, chain := range chains {
		if group := e.records[chain[0].record].Group; group != "" && !done[i] {
			e.stopped[group] = true
		}
	}
}

// chains parts the block's records by group; a record without one is alone.
func (b *block) chains() [][]*item {
	var chains [][]*item
	groups := map[string]int{}
	for i := range b.items {
		it := &b.items[i]
		group := b.e.records[it.record].Group
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
	r := &e.records[it.record]
	defer func() {
		if p := recover(); p != nil {
			e.log(ctx, slog.LevelError, "panic", r, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			done = false
		}
	}()
	fe := it.verdict()
	if fe == nil {
		fe = e.put(ctx, b, it)
		if fe == nil {
			return true
		}
	}
	e.note(it, fe)
	if fe.Code.Outcome() == fault.Retry || e.h.o.DeadLetter == nil {
		e.log(ctx, slog.LevelWarn, "record left to be delivered again", r, "code", fe.Code.String(), "error", fe.Error())
		return false
	}
	if err := e.h.o.DeadLetter.Put(ctx, deadLetter(r, fe, it)); err != nil {
		e.log(ctx, slog.LevelError, "dead letter not written: the record is left to be delivered again", r, "error", err.Error())
		return false
	}
	e.log(ctx, slog.LevelWarn, "record written to the dead-letter sink", r, "code", fe.Code.String(), "error", fe.Error())
	return true
}

func (e *event) log(ctx context.Context, level slog.Level, text string, r *Record, args ...any) {
	e.h.o.Log.Log(ctx, level, text, append(args, "source", r.Source.Kind, "message_id", r.Source.MessageID)...)
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

// put writes the reply that HTTP would have given, with its source.
func (e *event) put(ctx context.Context, b *block, it *item) *fault.Error {
	r := &e.records[it.record]
	source, err := json.Marshal(r.Source)
	if err != nil {
		return asFault(err)
	}
	req := predict.Get()
	defer req.Release()
	extra := append([]byte(`"source":`), source...)
	if f, a, w := &b.req.Frame, &b.req.Answers, e.model.Formatter(); it.batch {
		out := bytes.NewBuffer(req.Out[:0])
		part := wire.Part{From: it.row, To: it.row + it.rows, Scored: b.req.Scored(), Extra: extra}
		if err := req.Encoder.Reply(out, w, f, a, part); err != nil {
			return asFault(err)
		}
		req.Out = out.Bytes()
	} else {
		one := frame.Answers{Outputs: a.Outputs, Values: a.Values, Index: a.Index[it.row : it.row+1]}
		reply := req.Encoder.AppendReply(req.Out[:0], w, &one)
		req.Out = append(append(append(reply[:len(reply)-1], ','), extra...), '}')
	}
	err = e.h.o.Sink.Put(ctx, Message{Source: r.Source, Group: r.Group, ID: stableID(r), Body: req.Out})
	if err == nil {
		e.keep(it, req.Out, extra)
		return nil
	}
	if fe, ok := errors.AsType[*fault.Error](err); ok {
		return fe
	}
	return fault.Wrap(fault.Unavailable, err, "the result could not be written")
}

// letter is a dead letter: where the record came from, why no one can answer
// it, and what it said.
type letter struct {
	Source Source `json:"source"`
	Reason reason `json:"reason"`
	Body   string `json:"body,omitempty"`
	// Base64 stands in Body's place where the body is no text.
	Base64 []byte `json:"body_base64,omitempty"`
}

type reason struct {
	Code    string     `json:"code"`
	Message string     `json:"message"`
	Errors  []rowError `json:"errors,omitempty"`
}

type rowError struct {
	Row     int    `json:"row"`
	Code    string `json:"code"`
	Field   string `json:"field,omitempty"`
	Rule    string `json:"rule,omitempty"`
	Message string `json:"message"`
}

// maxErrors caps the errors of a dead letter, as of a reply.
const maxErrors = 100

func deadLetter(r *Record, fe *fault.Error, it *item) Message {
	l := letter{Source: r.Source, Reason: reason{Code: fe.Code.String(), Message: fe.Message}}
	for i := range it.faults[:min(len(it.faults), maxErrors)] {
		f := &it.faults[i]
		l.Reason.Errors = append(l.Reason.Errors, rowError{f.Row - it.row, f.Code.String(), f.Field, f.Rule, f.Message})
	}
	if utf8.Valid(r.Body) {
		l.Body = string(r.Body)
	} else {
		l.Base64 = r.Body
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	// Strings and numbers only: it cannot fail.
	_ = enc.Encode(l)
	return Message{Source: r.Source, Group: r.Group, ID: stableID(r), Dead: true, Body: bytes.TrimRight(out.Bytes(), "\n")}
}

// stableID names a record by its source's own name for it, which is the same
// at each delivery, or else by its content.
func stableID(r *Record) string {
	if r.Source.MessageID != "" {
		return r.Source.MessageID
	}
	sum := sha256.Sum256(r.Body)
	return hex.EncodeToString(sum[:])
}
