package faulttest

import (
	"fmt"
	"slices"
	"strings"
)

// check says what is wrong with what a schedule led to.
func (o *outcome) check() (wrong []string) {
	complain := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	p := o.plan
	results := o.cloud.found(p.Sink, "results", complain)
	letters := o.cloud.found(p.Dead, "dead", complain)
	known, keys := map[string]bool{}, map[string]string{}
	for _, c := range o.all {
		for _, it := range c.items {
			known[it.id] = true
			o.checkItem(complain, it, of(results, it.id), of(letters, it.id))
		}
	}
	for _, a := range slices.Concat(results, letters) {
		if !known[a.id] {
			complain("an answer to %q, which was never asked", a.id)
		}
		if other, seen := keys[a.key]; a.key == "" {
			complain("%s: no stable id", a.id)
		} else if seen && other != a.id {
			complain("%s and %s have the same stable id %q", other, a.id, a.key)
		}
		keys[a.key] = a.id
	}
	if strings.Contains(o.log, "panic") {
		complain("the function panicked")
	}
	if p.Source == "fifo" && p.Sink == "fifo" {
		o.checkOrder(complain, results)
	}
	return wrong
}

// of are the answers to one record.
func of(all []answer, id string) (own []answer) {
	for _, a := range all {
		if a.id == id {
			own = append(own, a)
		}
	}
	return own
}

// checkItem holds one record to the promise: answered once, or dead-lettered
// once, or given up by the platform, and never two of these. Where a place
// takes everything as often as it comes, all copies are equal, and have one
// stable id.
func (o *outcome) checkItem(complain func(string, ...any), it *item, results, letters []answer) {
	p, given := o.plan, o.given[it.in]
	o.checkCopies(complain, it, results, letters)
	if it.rows == nil {
		o.checkHopeless(complain, it, len(results), len(letters), given)
		return
	}
	switch {
	case len(letters) > 0:
		complain("%s: a dead letter for what can be answered: %q", it.id, letters[0].rows)
	case len(results) == 0 && len(it.rows) == 0 && p.Source == "kinesis" && p.Sink == "s3":
		// No rows are no lines in the object that a batch shares.
	case len(results) == 0 && !given:
		complain("%s: lost", it.id)
	case o.plan.Outage || given && o.heldUp(it.in):
	case given && !(p.Dead == "" && it.in.hopeless()):
		complain("%s: given up by the platform, %d results", it.id, len(results))
	case len(results) == 0:
		complain("%s: not answered", it.id)
	}
}

// checkCopies looks at what a place has of one record.
func (o *outcome) checkCopies(complain func(string, ...any), it *item, results, letters []answer) {
	p := o.plan
	for _, a := range results {
		if !slices.Equal(a.rows, it.rows) {
			complain("%s: answered with %q, want %q", it.id, a.rows, it.rows)
		}
		if a.key != results[0].key && !(p.Source == "kinesis" && p.Sink == "s3") {
			complain("%s: stable ids %q and %q", it.id, a.key, results[0].key)
		}
	}
	if n := len(results); n > 1 && p.once() {
		complain("%s: %d results", it.id, n)
	}
	if n := len(letters); n > 1 && p.letterOnce() {
		complain("%s: %d dead letters", it.id, n)
	}
}

func (o *outcome) checkHopeless(complain func(string, ...any), it *item, results, letters int, given bool) {
	switch {
	case results > 0:
		complain("%s: hopeless, and answered", it.id)
	case o.plan.Dead == "" && !given:
		complain("%s: hopeless, and the platform was told that it was done", it.id)
	case o.plan.Outage && given:
	case o.plan.Dead != "" && (letters == 0 || given):
		complain("%s: hopeless: %d dead letters, given up: %v", it.id, letters, given)
	}
}

// heldUp says that a message stands behind a hopeless one of its group, which
// nobody but the queue gives up: it is received, and not done, as often as that
// one, and may end with it.
func (o *outcome) heldUp(c *carrier) bool {
	if o.plan.Source != "fifo" || o.plan.Dead != "" {
		return false
	}
	for _, before := range o.all {
		if before == c {
			return false
		}
		if before.group == c.group && before.hopeless() {
			return true
		}
	}
	return false
}

// checkOrder holds results to the order of their group's messages.
func (o *outcome) checkOrder(complain func(string, ...any), results []answer) {
	place := map[string]int{}
	for i, c := range o.all {
		for _, it := range c.items {
			place[it.id] = i
		}
	}
	last := map[string]int{}
	for _, a := range results {
		if at, seen := last[a.group]; seen && place[a.id] < at {
			complain("%s comes after a later one of its group", a.id)
		}
		last[a.group] = place[a.id]
	}
}
