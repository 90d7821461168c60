package lambda

import (
	"context"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/ingest"
)

// event answers the messages of an event, in the way that its source asks for.
func (f *Function) event(ctx context.Context, e *event, k kind, payload []byte) ([]byte, error) {
	if f.o.Records == nil {
		return nil, &UnsupportedEvent{"this function answers requests and direct invocations; events go to the function of functions/lambda/events"}
	}
	d := &e.delivery
	if k == bridge {
		d.readBridge(payload, &e.bridge)
	}
	if d.err != nil {
		return nil, d.err
	}
	switch d.source {
	case noSource, s3, sns:
		return f.deliverWhole(ctx, d)
	}
	outcomes := f.o.Records.Handle(ctx, d.records)
	if len(outcomes) != len(d.records) {
		return nil, new(InternalError)
	}
	return appendFailures(nil, d, outcomes), nil
}

// deliverWhole answers an event that is delivered asynchronously: it succeeds
// or fails as a whole. The platform tries a failed one twice more, then sends
// it to the function's dead-letter queue or destination; what was written
// already has the same names then.
func (f *Function) deliverWhole(ctx context.Context, d *delivery) ([]byte, error) {
	if len(d.records) == 0 {
		return []byte(doneReply), nil
	}
	reports, err := f.report(ctx, d.records)
	if err != nil {
		return nil, err
	}
	var final *ingest.Report
	for i := range reports {
		r := &reports[i]
		switch {
		case r.Outcome == ingest.Done:
		case r.Fault == nil || r.Fault.Code.Outcome() == fault.Retry:
			return nil, recordError(r.Fault) // it may help to try again: this is what counts
		case final == nil:
			final = r
		}
	}
	if final != nil {
		return nil, recordError(final.Fault)
	}
	return []byte(doneReply), nil
}

// doneReply says that nothing failed. Sources that ask for no list ignore it.
const doneReply = `{"batchItemFailures":[]}`

// appendFailures names the messages that are to be delivered again; the others
// are done. Of a stream the first one is named: the platform goes on from
// there, and no later one is done, since a shard is a group.
func appendFailures(dst []byte, d *delivery, outcomes []ingest.Outcome) []byte {
	dst = append(dst, `{"batchItemFailures":[`...)
	first := len(dst)
	for _, m := range d.messages {
		if allDone(outcomes[m.from:m.to]) {
			continue
		}
		if len(dst) > first {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"itemIdentifier":`...)
		dst = append(appendQuoted(dst, m.id), '}')
		if d.source != sqs {
			break
		}
	}
	return append(dst, "]}"...)
}

func allDone(outcomes []ingest.Outcome) bool {
	for _, o := range outcomes {
		if o != ingest.Done {
			return false
		}
	}
	return true
}
