// Package faulttest runs the deployed events function between pollers of
// queues, streams and asynchronous events on the one side and S3, SQS,
// EventBridge and a callback on the other, while calls fail, processes are
// killed and events are repeated, and counts at the end: every record is
// answered once or dead-lettered once.
//
// Question: real services, or models of them? Choice: models, strict in what
// the function relies on, and held against moto by a test. A schedule takes a
// dozen calls, of which each can be made to fail at its place, before or after
// it had its effect, and a thousand schedules take a minute with nothing but
// Go. What would change it: a server in Go that has conditional writes of
// multipart uploads and FIFO queues.
package faulttest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
)

// Plan is what happens in one schedule. It follows from its seed alone; which
// call meets a fault depends, besides, on the order in which the function's
// writers come to make theirs.
type Plan struct {
	Seed      uint64
	Source    string // where events come from
	Sink      string // where results go
	Dead      string // where dead letters go, or "" for none
	Sandboxes int    // processes at the same time
	Loops     int    // events that a process answers at the same time
	Faults    map[int]Kind
	Killed    map[int]bool // invocations whose process is killed before its reply
	Ended     map[int]bool // invocations whose process is killed after its reply, as Lambda may
	Repeats   int          // deliveries for no reason
	Outage    bool         // the sink does not work any more
	Defect    Defect
}

// scenario is a way through the function.
type scenario struct{ source, sink, dead string }

// scenarios are all ways that are tried, each with every place of the first
// fault and every kind of it: seeds walk through them in turn.
func scenarios() (all []scenario) {
	deads := []string{"", "fifo", "s3", "sqs", "callback"}
	for _, source := range sources {
		for _, sink := range sinks {
			// Every second is enough to meet each pair of source or sink and dead.
			all = append(all, scenario{source, sink, deads[(2*len(all)+len(all)/len(sinks))%len(deads)]})
		}
	}
	return append(all, scenario{"large objects", "s3", "s3"}, scenario{"large objects", "s3", ""})
}

var (
	sources = []string{"sqs", "fifo", "kinesis", "bridge", "s3 in sqs"}
	sinks   = []string{"s3", "fifo", "sqs", "events", "callback"}
)

// places is how many calls a schedule makes at least, more or less: the first
// fault is at each of them in turn.
const places = 12

// newPlan makes the plan of a seed.
func newPlan(seed uint64) *Plan {
	r := rand.New(rand.NewPCG(seed, 5))
	all := scenarios()
	n := uint64(len(all))
	s := all[seed%n]
	p := &Plan{
		Seed: seed, Source: s.source, Sink: s.sink, Dead: s.dead, Sandboxes: 1 + r.IntN(3), Loops: 1,
		Faults: map[int]Kind{}, Killed: map[int]bool{}, Ended: map[int]bool{}, Repeats: r.IntN(3),
	}
	if r.IntN(4) == 0 {
		p.Loops = 2
	}
	if p.Loops == 1 && r.IntN(2) == 0 {
		p.Ended[r.IntN(4)] = true
	}
	turn := seed / n
	p.Faults[int(turn%places)] = Kind(1 + (turn/places+seed%n)%uint64(numKinds-1))
	if p.single() {
		// Two more deliveries are all that there are.
		if r.IntN(2) == 0 {
			p.Faults[r.IntN(2*places)] = Kind(1 + r.IntN(int(numKinds-1)))
		}
		return p
	}
	for range r.IntN(3) {
		p.Faults[r.IntN(2*places)] = Kind(1 + r.IntN(int(numKinds-1)))
	}
	for range r.IntN(3) {
		p.Killed[r.IntN(5)] = true
	}
	p.Outage = r.IntN(30) == 0
	return p
}

// single says that events are delivered one by one, three times at most.
func (p *Plan) single() bool { return p.Source == "bridge" }

// tries is how often something must be delivered so that all that is planned
// cannot exhaust it. A few more are for a machine so slow that time runs out.
func (p *Plan) tries() int {
	if p.Outage {
		return 3
	}
	return len(p.Faults) + len(p.Killed) + 4
}

// once says whether what is answered twice is found once.
func (p *Plan) once() bool {
	// A stream's answers are named by the batch, which is cut anew.
	return p.Sink == "fifo" || p.Sink == "s3" && p.Source != "kinesis"
}

// letterOnce is once for dead letters, which have each its own name.
func (p *Plan) letterOnce() bool { return p.Dead == "fifo" || p.Dead == "s3" }

func (p *Plan) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d: %s → %s, dead letters %q, %d sandboxes of %d loops, %d repeats", p.Seed, p.Source, p.Sink, p.Dead, p.Sandboxes, p.Loops, p.Repeats)
	if p.Outage {
		b.WriteString(", the sink is down")
	}
	for _, at := range slices.Sorted(maps.Keys(p.Faults)) {
		fmt.Fprintf(&b, "; call %d: %s", at, p.Faults[at])
	}
	for _, at := range slices.Sorted(maps.Keys(p.Killed)) {
		fmt.Fprintf(&b, "; invocation %d: killed before its reply", at)
	}
	for _, at := range slices.Sorted(maps.Keys(p.Ended)) {
		fmt.Fprintf(&b, "; invocation %d: killed after its reply", at)
	}
	return b.String()
}
