package faulttest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// answer is what a place has for a record.
type answer struct {
	id    string // of the record
	group string
	key   string // by which a receiver can tell it from others; "" for none
	rows  []string
}

// sourceMember is the member "source" of results and dead letters.
type sourceMember struct {
	MessageID   string `json:"message_id"`
	Bucket, Key string
}

// id is that of an item.
func (s *sourceMember) id() string {
	if s.Key != "" {
		return s.Bucket + "/" + s.Key
	}
	return s.MessageID
}

// reply is a result, a line of one, or a dead letter.
type reply struct {
	ID          string
	Row         *int
	Prediction  string
	Predictions []reply
	Error       *struct{ Code string }
	Reason      *struct{ Code string }
	Source      *sourceMember
}

func (r *reply) answer() string {
	if r.Error != nil {
		return r.Error.Code
	}
	return r.Prediction
}

// readMessage reads the body of a message.
func readMessage(body string) (answer, error) {
	var r reply
	if err := json.Unmarshal([]byte(body), &r); err != nil {
		return answer{}, fmt.Errorf("%w: %.200s", err, body)
	}
	if r.Source == nil {
		return answer{}, fmt.Errorf("no source: %.200s", body)
	}
	a := answer{id: r.Source.id(), key: r.ID}
	switch {
	case r.Reason != nil:
		a.rows = []string{r.Reason.Code}
	case r.Predictions != nil:
		for i := range r.Predictions {
			a.rows = append(a.rows, r.Predictions[i].answer())
		}
	default:
		a.rows = []string{r.answer()}
	}
	return a, nil
}

// readLines reads a result object: the answers to one record, or, of a stream,
// to several, each line with its source.
func readLines(name string, o *Object) ([]answer, error) {
	var whole sourceMember
	if err := json.Unmarshal([]byte(o.Header.Get("X-Amz-Meta-Copse-Source")), &whole); err != nil {
		return nil, fmt.Errorf("what is noted beside it: %w", err)
	}
	stream := strings.HasPrefix(name, "kinesis/")
	if first, last, ok := strings.Cut(whole.MessageID, "-"); ok && first == last && stream {
		whole.MessageID = first
	}
	var all []answer
	if len(o.Body) == 0 && !stream {
		all = append(all, answer{id: whole.id(), key: name}) // no rows
	}
	for line := range strings.Lines(string(o.Body)) {
		var r reply
		if err := json.Unmarshal([]byte(line), &r); err != nil || r.Row == nil {
			return nil, fmt.Errorf("%w: %q", err, line)
		}
		if r.Source == nil {
			r.Source = &whole
		}
		if *r.Row == 0 {
			key := name
			if r.Source != &whole {
				key = r.Source.id() // the name is of all of them
			}
			all = append(all, answer{id: r.Source.id(), key: key})
		}
		last := &all[max(len(all), 1)-1]
		if last.id != r.Source.id() || len(last.rows) != *r.Row {
			return nil, fmt.Errorf("row %d of %s after row %d of %s", *r.Row, r.Source.id(), len(last.rows)-1, last.id)
		}
		last.rows = append(last.rows, r.answer())
	}
	return all, nil
}

// found is what is in a place at the end.
func (c *Cloud) found(place, name string, complain func(string, ...any)) (all []answer) {
	keep := func(body, group, key string) {
		a, err := readMessage(body)
		if err != nil {
			complain("%s: %v", name, err)
			return
		}
		if a.group = group; key != "" {
			a.key = key
		}
		all = append(all, a)
	}
	switch place {
	case "fifo":
		for _, m := range c.queues[name+".fifo"].got {
			keep(m.Body, m.Group, m.Dedup)
		}
	case "sqs":
		for _, m := range c.queues[name].got {
			keep(m.Body, m.Group, m.Key)
		}
	case "events":
		for _, detail := range c.events {
			keep(detail, "", "")
		}
	case "callback":
		for _, p := range c.posted {
			if p.dead == (name == "dead") {
				keep(p.body, "", p.key)
			}
		}
	case "s3":
		for _, key := range slices.Sorted(maps.Keys(c.buckets[name])) {
			o := c.buckets[name][key]
			if o.Writes != 1 {
				complain("%s/%s was written %d times", name, key, o.Writes)
			}
			if name == "dead" {
				keep(string(o.Body), "", key)
				continue
			}
			answers, err := readLines(key, o)
			if err != nil {
				complain("%s/%s: %v", name, key, err)
			}
			all = append(all, answers...)
		}
	}
	return all
}
