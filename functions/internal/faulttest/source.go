package faulttest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
)

// delivery is an event that the platform hands to the function.
type delivery struct {
	what    string // for people
	payload []byte
	settle  func(reply []byte, err error) // by the platform's rules
}

// source is a source of events with the platform's rules of success and
// failure. It is not safe for concurrent use.
type source interface {
	// next is what can be delivered now, or nil: nothing, before what is under
	// way is settled.
	next() *delivery
	// given is what the platform gave up: its own dead letters.
	given() []*carrier
}

// message is a message in a queue.
type message struct {
	*carrier
	seq      int // its place in the queue
	received int
}

// queueSource is a queue of SQS with a redrive policy, and Lambda's poller of
// it with ReportBatchItemFailures.
//
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
type queueSource struct {
	r          *rand.Rand
	fifo       bool
	batch      int
	max        int // maxReceiveCount
	repeats    int // how many more times something is delivered again for no reason
	waiting    []*message
	locked     map[string]bool // groups of which something is under way
	dead       []*carrier
	deliveries int
}

func (q *queueSource) given() []*carrier { return q.dead }

func (q *queueSource) add(all []*carrier) {
	for i, c := range all {
		q.waiting = append(q.waiting, &message{carrier: c, seq: i})
	}
}

func (q *queueSource) next() *delivery {
	if !q.fifo {
		// Standard queues keep no order, and batches are cut anew each time.
		q.r.Shuffle(len(q.waiting), func(i, j int) { q.waiting[i], q.waiting[j] = q.waiting[j], q.waiting[i] })
	}
	size := 1 + q.r.IntN(q.batch)
	var taken, left []*message
	blocked := map[string]bool{} // groups that are locked, or of which one is passed over
	for _, m := range q.waiting {
		if q.fifo && (q.locked[m.group] || blocked[m.group]) || len(taken) == size {
			blocked[m.group] = true
			left = append(left, m)
			continue
		}
		if m.received++; m.received > q.max {
			q.dead = append(q.dead, m.carrier)
			continue
		}
		taken = append(taken, m)
	}
	q.waiting = left
	if len(taken) == 0 {
		return nil
	}
	for _, m := range taken {
		q.locked[m.group] = q.fifo
	}
	if !q.fifo && q.repeats > 0 && q.r.IntN(4) == 0 {
		// At least once: a message is delivered again, maybe at the same time.
		q.repeats--
		again := *taken[q.r.IntN(len(taken))]
		q.waiting = append(q.waiting, &again)
	}
	return &delivery{what: q.list(taken), payload: q.event(taken), settle: func(reply []byte, err error) { q.settle(taken, reply, err) }}
}

func (q *queueSource) list(taken []*message) string {
	q.deliveries++
	text := ""
	for _, m := range taken {
		text += fmt.Sprintf(" %s (%s, time %d)", m.id, m.group, m.received)
	}
	return text
}

// settle deletes what was done; the rest is visible again.
func (q *queueSource) settle(taken []*message, reply []byte, err error) {
	for _, m := range taken {
		q.locked[m.group] = false
	}
	failed := failures(reply, err, func(id string) bool {
		return slices.ContainsFunc(taken, func(m *message) bool { return m.id == id })
	})
	lost := q.fifo && q.repeats > 0 && q.r.IntN(4) == 0
	if lost {
		q.repeats-- // the poller was not heard when it deleted them
	}
	for _, m := range taken {
		if failed == nil || failed[m.id] || lost {
			q.waiting = append(q.waiting, m)
		}
	}
	if q.fifo {
		slices.SortStableFunc(q.waiting, func(a, b *message) int { return a.seq - b.seq })
	}
}

// failures reads the identifiers of a reply. Nil is: all failed, as where one
// is empty, or of no record of the batch.
func failures(reply []byte, err error, known func(id string) bool) map[string]bool {
	var out struct {
		BatchItemFailures []struct{ ItemIdentifier string }
	}
	if err != nil || json.Unmarshal(reply, &out) != nil {
		return nil
	}
	failed := map[string]bool{}
	for _, f := range out.BatchItemFailures {
		if !known(f.ItemIdentifier) {
			return nil
		}
		failed[f.ItemIdentifier] = true
	}
	return failed
}

func (q *queueSource) event(taken []*message) []byte {
	name := "rows"
	if q.fifo {
		name = "rows.fifo"
	}
	var records []any
	for _, m := range taken {
		attributes := map[string]string{"ApproximateReceiveCount": fmt.Sprint(m.received), "SentTimestamp": "1523232000000",
			"SenderId": "123456789012", "ApproximateFirstReceiveTimestamp": "1523232000001"}
		if q.fifo {
			attributes["MessageGroupId"], attributes["MessageDeduplicationId"], attributes["SequenceNumber"] = m.group, m.id, fmt.Sprint(m.seq)
		}
		records = append(records, map[string]any{"messageId": m.id, "receiptHandle": fmt.Sprintf("%s-%d", m.id, m.received), "body": m.body,
			"attributes": attributes, "messageAttributes": map[string]any{}, "eventSource": "aws:sqs",
			"eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:" + name, "awsRegion": "eu-west-1"})
	}
	return []byte(jsonOf(map[string]any{"Records": records}))
}

// stream is a shard of Kinesis and Lambda's poller of it, with
// ReportBatchItemFailures, BisectBatchOnFunctionError, a number of retries and
// a destination for what fails.
//
// https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-parameters.html
type stream struct {
	r        *rand.Rand
	name     string
	records  []*carrier
	batch    int
	retries  int
	repeats  int
	at, end  int // the batch that is tried; end 0: a new one
	attempts int
	flying   bool
	dead     []*carrier
}

func (s *stream) given() []*carrier { return s.dead }

func (s *stream) next() *delivery {
	if s.flying || s.at == len(s.records) {
		return nil
	}
	if s.end <= s.at {
		s.end, s.attempts = min(s.at+1+s.r.IntN(s.batch), len(s.records)), 0
	}
	s.flying = true
	var records []any
	what := s.name
	for _, it := range s.records[s.at:s.end] {
		what += " " + it.id
		records = append(records, map[string]any{
			"kinesis": map[string]any{"kinesisSchemaVersion": "1.0", "partitionKey": "k", "sequenceNumber": it.id,
				"data": base64.StdEncoding.EncodeToString([]byte(it.body)), "approximateArrivalTimestamp": 1545084650.987},
			"eventSource": "aws:kinesis", "eventVersion": "1.0", "eventID": s.name + ":" + it.id, "eventName": "aws:kinesis:record",
			"invokeIdentityArn": "arn:aws:iam::123456789012:role/r", "awsRegion": "eu-west-1",
			"eventSourceARN": "arn:aws:kinesis:eu-west-1:123456789012:stream/rows",
		})
	}
	return &delivery{what: what, payload: []byte(jsonOf(map[string]any{"Records": records})), settle: s.settle}
}

// settle moves the checkpoint, or cuts the batch.
func (s *stream) settle(reply []byte, err error) {
	s.flying = false
	failed := failures(reply, err, func(id string) bool {
		return slices.ContainsFunc(s.records[s.at:s.end], func(c *carrier) bool { return c.id == id })
	})
	first := s.at
	for ; failed != nil && first < s.end && !failed[s.records[first].id]; first++ {
	}
	switch {
	case first == s.end && s.repeats > 0 && s.r.IntN(4) == 0:
		s.repeats-- // the checkpoint was lost: from its beginning, in batches cut anew
		s.end = 0
	case first == s.end:
		s.at, s.end = s.end, 0
	case first > s.at:
		s.at, s.attempts = first, 0 // the rest of the batch is tried again
	case s.attempts >= s.retries:
		s.dead = append(s.dead, s.records[s.at:s.end]...)
		s.at, s.end = s.end, 0
	default:
		s.attempts++
		s.end = s.at + (s.end-s.at+1)/2 // bisect
	}
}

// async is events that are delivered each on its own: twice more after a
// failure, then to the destination of failures.
//
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
type async struct {
	r       *rand.Rand
	waiting []*asyncEvent
	repeats int
	dead    []*carrier
}

type asyncEvent struct {
	*carrier
	attempts int
}

const asyncAttempts = 3

func (a *async) given() []*carrier { return a.dead }

func (a *async) next() *delivery {
	if len(a.waiting) == 0 {
		return nil
	}
	i := a.r.IntN(len(a.waiting))
	e := a.waiting[i]
	a.waiting = slices.Delete(a.waiting, i, i+1)
	e.attempts++
	if a.repeats > 0 && a.r.IntN(4) == 0 {
		a.repeats--
		again := *e
		again.attempts = 0
		a.waiting = append(a.waiting, &again)
	}
	return &delivery{what: fmt.Sprintf("%s (time %d)", e.id, e.attempts), payload: []byte(e.body), settle: func(_ []byte, err error) {
		switch {
		case err == nil:
		case e.attempts < asyncAttempts:
			a.waiting = append(a.waiting, e)
		default:
			a.dead = append(a.dead, e.carrier)
		}
	}}
}

// several are sources side by side.
type several []source

func (s several) next() *delivery {
	for _, one := range s {
		if d := one.next(); d != nil {
			return d
		}
	}
	return nil
}

func (s several) given() (all []*carrier) {
	for _, one := range s {
		all = append(all, one.given()...)
	}
	return all
}

// drain delivers all that a source has, workers at a time.
func drain(s source, workers int, invoke func(d *delivery) ([]byte, error)) {
	var mu sync.Mutex
	changed := sync.NewCond(&mu)
	flying := 0
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			mu.Lock()
			defer mu.Unlock()
			for {
				d := s.next()
				if d == nil && flying == 0 {
					changed.Broadcast()
					return
				}
				if d == nil {
					changed.Wait()
					continue
				}
				flying++
				mu.Unlock()
				reply, err := invoke(d)
				mu.Lock()
				flying--
				d.settle(reply, err)
				changed.Broadcast()
			}
		})
	}
	wg.Wait()
}
