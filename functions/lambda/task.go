package lambda

import (
	"bytes"
	"context"
	"encoding/json"
	"strconv"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/ingest"
)

// jsonType is the content type of what is in a payload, which is JSON.
const jsonType = "application/json"

// task answers a bare payload by the sink, and with the same as reply: an
// asynchronous invocation, whose destination hears it, a task of a state
// machine, or a schedule's constant input.
func (f *Function) task(ctx context.Context, payload []byte) ([]byte, error) {
	reports, err := f.report(ctx, []ingest.Record{{
		Source: ingest.Source{Kind: "invoke", MessageID: requestID(ctx)},
		Body:   payload, ContentType: jsonType,
	}})
	if err != nil {
		return nil, err
	}
	r := &reports[0]
	if r.Outcome == ingest.Failed {
		return nil, recordError(r.Fault)
	}
	out := appendReport(nil, r)
	if len(out) > replyCap {
		// The answers are in the sink: an error would have them made again.
		return appendError(nil, fault.New(fault.ReplyTooLarge, "the reply is over %d bytes: the answers are in the sink", replyCap), nil), nil
	}
	return out, nil
}

// report answers records, and keeps count.
func (f *Function) report(ctx context.Context, records []ingest.Record) ([]ingest.Report, error) {
	reports := f.o.Records.Report(ctx, records)
	if len(reports) != len(records) {
		return nil, new(InternalError)
	}
	return reports, nil
}

// recordError is the error that a record which is not done is returned as.
func recordError(fe *fault.Error) error {
	if fe == nil {
		fe = fault.New(fault.Unavailable, "the record was not answered: the log of the function says more")
	}
	return directError(fe)
}

// items answers a batch of a Distributed Map: {"Items":[…],"BatchInput":…},
// with one entry each, in order. The batch fails as a whole where trying again
// may help one of its items: the platform then does, by the state machine's
// Retry, and what was written already is not written again.
func (f *Function) items(ctx context.Context, raw []byte) ([]byte, error) {
	if f.o.Records == nil {
		// Rows in a list are a batch of their own.
		return f.direct(ctx, raw)
	}
	var records []ingest.Record
	id := requestID(ctx)
	walkList(raw, func(_, item []byte) {
		r := ingest.Record{Source: ingest.Source{Kind: "map"}, Body: item, ContentType: jsonType}
		if id != "" {
			r.Source.MessageID = id + "/" + strconv.Itoa(len(records))
		}
		records = append(records, r)
	})
	reports, err := f.report(ctx, records)
	if err != nil {
		return nil, err
	}
	for i := range reports {
		if r := &reports[i]; r.Outcome == ingest.Failed && (r.Fault == nil || r.Fault.Code.Outcome() == fault.Retry) {
			return nil, recordError(r.Fault)
		}
	}
	out := appendItems(nil, reports)
	if len(out) > replyCap {
		return nil, new(ReplyTooLarge)
	}
	return out, nil
}

// appendItems writes the reply to a batch: {"predictions":[…],"failed":0,
// "model":{…}}, with the model, which all replies have, once.
func appendItems(dst []byte, reports []ingest.Report) []byte {
	dst = append(dst, `{"predictions":[`...)
	var model []byte
	failed := 0
	for i := range reports {
		if i > 0 {
			dst = append(dst, ',')
		}
		r := &reports[i]
		if r.Fault != nil || r.Object != nil {
			if r.Fault != nil {
				failed++
			}
			dst = appendReport(dst, r)
			continue
		}
		from := len(dst)
		dst = append(dst, '{')
		walkObject(r.Reply, func(name, value []byte) {
			if string(name) == `"model"` {
				model = value
				return
			}
			if len(dst) > from+1 {
				dst = append(dst, ',')
			}
			dst = append(append(append(dst, name...), ':'), value...)
		})
		dst = append(dst, '}')
	}
	dst = append(dst, `],"failed":`...)
	dst = strconv.AppendInt(dst, int64(failed), 10)
	if model != nil {
		dst = append(append(dst, `,"model":`...), model...)
	}
	return append(dst, '}')
}

// appendReport writes what became of one record: its reply, the summary of an
// object, or why it went to the dead letters.
func appendReport(dst []byte, r *ingest.Report) []byte {
	switch {
	case r.Fault != nil:
		return appendError(dst, r.Fault, r.More)
	case r.Object != nil:
		return appendSummary(dst, r)
	}
	return append(dst, r.Reply...)
}

// rowError is an error in the form that rows have in replies.
type rowError struct {
	Code    string     `json:"code"`
	Field   string     `json:"field,omitempty"`
	Rule    string     `json:"rule,omitempty"`
	Message string     `json:"message"`
	More    []rowError `json:"more,omitempty"`
}

func rowErrorOf(fe *fault.Error) rowError {
	return rowError{Code: fe.Code.String(), Field: fe.Field, Rule: fe.Rule, Message: fe.Message}
}

// appendError writes what is wrong with a record, and what else of its row is.
func appendError(dst []byte, fe *fault.Error, more []fault.Error) []byte {
	first := rowErrorOf(fe)
	for i := range more {
		first.More = append(first.More, rowErrorOf(&more[i]))
	}
	return appendJSON(dst, struct {
		Error rowError `json:"error"`
	}{first})
}

// summary says of an object how many rows it has and where their answers are.
type summary struct {
	Object  string `json:"object"`
	Version string `json:"version,omitempty"`
	From    int64  `json:"from,omitempty"`
	To      int64  `json:"to,omitempty"`
	Rows    int    `json:"rows"`
	Bad     int    `json:"bad"`
	Result  string `json:"result,omitempty"`
}

func appendSummary(dst []byte, r *ingest.Report) []byte {
	o := r.Object
	return appendJSON(dst, summary{o.Scheme + "://" + o.Bucket + "/" + o.Key, o.Version, o.From, o.To, r.Rows, r.Bad, r.Result})
}

// appendJSON appends a struct of strings and numbers, which cannot fail, and
// with < and > as they are, as replies have them.
func appendJSON(dst []byte, v any) []byte {
	out := bytes.NewBuffer(dst)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v)
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}
