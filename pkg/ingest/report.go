package ingest

import (
	"bytes"
	"context"
	"slices"

	"example.com/copse/pkg/fault"
)

// Report is what became of one record, for a caller that replies with it: a
// task of a state machine, or a direct invocation.
type Report struct {
	Outcome Outcome
	// Fault says why the record is not answered, whether it was left to the
	// platform (Failed) or written to the dead-letter sink (Done). Of a record
	// with a single row it is that row's first, and More has its others. Nil: the
	// record is answered.
	Fault *fault.Error
	More  []fault.Error
	// Reply is what HTTP would have answered to the record's body; nil where the
	// record is an object.
	Reply []byte
	// Object is what was read, as the store says; nil where the record is none.
	Object    *Object
	Rows, Bad int    // of the object
	Result    string // where the object's answers are: the URI of the result
}

// Report is Handle for a caller that replies with what became of each record.
func (h *Handler) Report(ctx context.Context, records []Record) []Report {
	reports := make([]Report, len(records))
	for i, outcome := range h.handle(ctx, records, reports) {
		reports[i].Outcome = outcome
	}
	return reports
}

// note keeps why a record is not answered.
func (e *event) note(it *item, fe *fault.Error) {
	if e.reports == nil {
		return
	}
	r := &e.reports[it.record]
	r.Fault, r.More, r.Reply = fe, nil, nil
	if fe.Code == fault.InvalidRows && !it.batch && len(it.faults) > 0 {
		own := slices.Clone(it.faults) // the block's do not last
		for i := range own {
			own[i].Row -= it.row
		}
		r.Fault, r.More = &own[0], own[1:]
	}
}

// keep keeps a reply without its source, which is its last member: extra.
func (e *event) keep(it *item, reply, extra []byte) {
	if e.reports == nil {
		return
	}
	bare := bytes.Clone(reply[:len(reply)-len(",")-len(extra)-len("}")])
	e.reports[it.record].Reply = append(bare, '}')
}

// reportObject keeps what became of an object.
func (e *event) reportObject(it *item, sum Scored, result string) {
	if e.reports == nil {
		return
	}
	r := &e.reports[it.record]
	o := *it.object
	r.Object, r.Rows, r.Bad, r.Result = &o, sum.Rows, sum.Bad, result
}
