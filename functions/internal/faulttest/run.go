package faulttest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
)

// outcome is what a schedule led to.
type outcome struct {
	plan  *Plan
	all   []*carrier
	cloud *Cloud
	given map[*carrier]bool // by the platform
	log   string            // of the function
}

const account = "https://sqs.eu-west-1.amazonaws.com/123456789012/"

// uri is the setting of a place for results or dead letters.
func uri(place, name, front string) string {
	switch place {
	case "s3":
		return "s3://" + name + "/"
	case "fifo":
		return "sqs:" + account + name + ".fifo"
	case "sqs":
		return "sqs:" + account + name
	case "callback":
		return front + "/callback/" + name
	case "events":
		return "events:" + name
	}
	return ""
}

// run runs a schedule.
func run(ctx context.Context, binary string, p *Plan) *outcome {
	r := rand.New(rand.NewPCG(p.Seed, 17))
	c := newCloud(p.Faults, p.Defect)
	if p.Outage {
		c.down = map[string]string{"fifo": "results.fifo"}[p.Sink]
		if c.down == "" {
			c.down = map[string]string{"callback": "callback", "events": "events"}[p.Sink]
		}
		if c.down == "" {
			c.down = "results"
		}
	}
	all, from := newSource(r, p, c)
	f := newFleet(binary, p, c, func(front string) []string {
		env := []string{"AWS_ENDPOINT_URL=" + front, "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b", "GOMAXPROCS=2",
			"COPSE_SINK=" + uri(p.Sink, "results", front), "AWS_LAMBDA_LOG_LEVEL=WARN"}
		if p.Dead != "" {
			env = append(env, "COPSE_DEAD_LETTER="+uri(p.Dead, "dead", front))
		}
		if p.Loops > 1 {
			env = append(env, fmt.Sprintf("AWS_LAMBDA_MAX_CONCURRENCY=%d", p.Loops))
		}
		return env
	})
	drain(from, p.Sandboxes*p.Loops, func(d *delivery) ([]byte, error) {
		reply, err := f.invoke(ctx, d.what, d.payload)
		if p.Defect == AcksAll {
			return []byte(`{"batchItemFailures":[]}`), nil
		}
		return reply, err
	})
	f.close()
	o := &outcome{plan: p, all: all, cloud: c, given: map[*carrier]bool{}}
	for _, c := range from.given() {
		o.given[c] = true
	}
	var log strings.Builder
	for _, s := range f.all {
		log.WriteString(s.log())
	}
	o.log = log.String()
	return o
}

// newSource makes the messages of a schedule, and the platform that has them.
func newSource(r *rand.Rand, p *Plan, c *Cloud) ([]*carrier, source) {
	n := 5 + r.IntN(8)
	all := make([]*carrier, n)
	queue := func(fifo bool) *queueSource {
		q := &queueSource{r: r, fifo: fifo, batch: 10, max: p.tries(), repeats: p.Repeats, locked: map[string]bool{}}
		q.add(all)
		return q
	}
	switch p.Source {
	case "sqs", "fifo":
		for i := range all {
			all[i] = newMessage(r, fmt.Sprintf("%s-%d", p.Source, i))
			if i%5 == 4 { // a message that points to an object
				it := newObject(r, c, i)
				all[i] = carry(all[i].id, jsonOf(map[string]string{"object": "s3://" + it.id}), it)
			}
			if p.Source == "fifo" {
				all[i].group = fmt.Sprintf("group-%d", r.IntN(3))
			}
		}
		return all, queue(p.Source == "fifo")
	case "large objects":
		all = all[:1+r.IntN(2)]
		for i := range all {
			it := newLarge(r, c, i)
			all[i] = carry(fmt.Sprintf("sqs-%d", i), notification(c, []*item{it}), it)
		}
		return all, queue(false)
	case "s3 in sqs":
		for i := range all {
			var items []*item
			for k := range 1 + r.IntN(2) {
				items = append(items, newObject(r, c, 2*i+k))
			}
			all[i] = carry(fmt.Sprintf("sqs-%d", i), notification(c, items), items...)
		}
		return all, queue(false)
	case "bridge":
		a := &async{r: r, repeats: p.Repeats}
		for i := range all {
			it := newObject(r, c, i)
			all[i] = carry(it.id, bridged(c, it, i), it)
			a.waiting = append(a.waiting, &asyncEvent{carrier: all[i]})
		}
		return all, a
	case "kinesis":
		var shards several
		for k := range 1 + r.IntN(2) {
			shards = append(shards, &stream{r: r, name: fmt.Sprintf("shardId-00000000000%d", k), batch: 8, retries: p.tries(), repeats: p.Repeats})
		}
		for i := range all {
			s, _ := shards[i%len(shards)].(*stream)
			all[i] = newMessage(r, fmt.Sprintf("4959033827149025660855969253836157109592157598913658%06d", i))
			all[i].group = s.name
			s.records = append(s.records, all[i])
		}
		return all, shards
	}
	panic("no such source: " + p.Source)
}
