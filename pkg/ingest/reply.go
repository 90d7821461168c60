package ingest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/frame"
	"example.com/copse/pkg/predict"
	"example.com/copse/pkg/wire"
)

// put writes what a record is answered with.
func (e *event) put(ctx context.Context, b *block, it *item) *fault.Error {
	source, err := json.Marshal(e.source(it))
	if err != nil {
		return asFault(err)
	}
	req := predict.Get()
	defer req.Release()
	extra := append([]byte(`"source":`), source...)
	if e.h.bucket == nil || e.reports != nil {
		if err := e.reply(b, it, req, extra); err != nil {
			return asFault(err)
		}
		e.keep(it, req.Out, extra)
	}
	if e.h.bucket != nil {
		if req.Out, err = e.lines(req.Out[:0], b, it, req, nil); err != nil {
			return asFault(err)
		}
	}
	return e.send(ctx, it, req.Out)
}

// reply writes the reply that HTTP would have given, with its source, to
// req.Out.
func (e *event) reply(b *block, it *item, req *predict.Request, extra []byte) error {
	f, a, w := &b.req.Frame, &b.req.Answers, e.model.Formatter()
	if !it.batch {
		one := frame.Answers{Outputs: a.Outputs, Values: a.Values, Index: a.Index[it.row : it.row+1]}
		reply := req.Encoder.AppendReply(req.Out[:0], w, &one)
		req.Out = append(append(append(reply[:len(reply)-1], ','), extra...), '}')
		return nil
	}
	out := bytes.NewBuffer(req.Out[:0])
	part := wire.Part{From: it.row, To: it.row + it.rows, Scored: b.req.Scored(), Extra: extra}
	err := req.Encoder.Reply(out, w, f, a, part)
	req.Out = out.Bytes()
	return err
}

// lines appends the answers to a record's rows as copse score writes them,
// numbered from 0, with extra members in each.
func (e *event) lines(dst []byte, b *block, it *item, req *predict.Request, extra []byte) ([]byte, error) {
	out := bytes.NewBuffer(dst)
	err := req.Encoder.Lines(out, wire.NDJSON, wire.Prediction, e.model.Formatter(), &b.req.Frame, &b.req.Answers,
		wire.Part{From: it.row, To: it.row + it.rows, Extra: extra})
	return out.Bytes(), err
}

// send puts a record's answer into the sink.
func (e *event) send(ctx context.Context, it *item, body []byte) *fault.Error {
	err := e.h.o.Sink.Put(ctx, Message{Source: e.source(it), Group: e.records[it.record].Group, ID: e.id(it), Body: body,
		Model: e.model.Name(), Digest: e.model.Digest()})
	return unwritten(err)
}

// unwritten is the fault of a result that could not be written.
func unwritten(err error) *fault.Error {
	if err == nil {
		return nil
	}
	if fe, ok := errors.AsType[*fault.Error](err); ok {
		return fe
	}
	return fault.Wrap(fault.Unavailable, err, "the result could not be written")
}

// source is where a record comes from, with the object that it points to.
func (e *event) source(it *item) Source {
	s := e.records[it.record].Source
	if o := it.object; o != nil {
		s.Bucket, s.Key, s.Version = o.Bucket, o.Key, o.identity()
	}
	return s
}

// id names a record the same at each delivery. An object of which nobody said
// a version is named by its message, where there is one: another message may
// mean other content, or ask again for what was not there, and its dead letter
// is one of its own.
func (e *event) id(it *item) string {
	r := &e.records[it.record]
	if o := it.object; o != nil && (o.identity() != "" || r.Source.MessageID == "") {
		return o.id()
	}
	return stableID(r)
}

// stableID names a record by its source's own name for it, which is the same
// at each delivery, or else by its content.
func stableID(r *Record) string {
	switch id, shard := r.Source.MessageID, r.Source.Shard; {
	case id != "" && shard != "":
		return shard + "/" + id // sequence numbers are a shard's own
	case id != "":
		return id
	}
	sum := sha256.Sum256(r.Body)
	return hex.EncodeToString(sum[:])
}

// id is SCHEME://BUCKET/KEY@VERSION, and #FROM-TO for a range.
func (o *Object) id() string {
	id := append([]byte(o.Scheme+"://"+o.Bucket+"/"+o.Key+"@"), o.identity()...)
	if n := len(id); o.From != 0 || o.To != 0 {
		id = o.appendRange(id)
		id[n] = '#'
	}
	return string(id)
}

// shown is id for people: without the sign of a version that nobody named.
func (o *Object) shown() string {
	if o.identity() != "" {
		return o.id()
	}
	return strings.Replace(o.id(), o.Key+"@", o.Key, 1)
}
