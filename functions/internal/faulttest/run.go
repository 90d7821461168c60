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
	all := make([]*carrier, 5+r.IntN(8))
	switch p.Source {
	case "kinesis":
		return all, newShards(r, p, all)
	case "bridge":
		a := &async{r: r, repeats: p.Repeats}
		for i := range all {
			it := newObject(r, c, i)
			all[i] = carry(it.id, bridged(c, it, i), it)
			a.waiting = append(a.waiting, &asyncEvent{carrier: all[i]})
		}
		return all, a
	case "large objects":
		all = all[:1+r.IntN(2)]
	}
	fifo := p.Source == "fifo"
	for i := range all {
		all[i] = newQueued(r, p.Source, c, i)
		if fifo {
			all[i].group = fmt.Sprintf("group-%d", r.IntN(3))
		}
	}
	q := &queueSource{r: r, fifo: fifo, batch: 10, max: p.tries(), repeats: p.Repeats, locked: map[string]bool{}}
	q.add(all)
	return all, q
}

// newQueued makes the i-th message of a queue.
func newQueued(r *rand.Rand, source string, c *Cloud, i int) *carrier {
	id := fmt.Sprintf("message-%d", i)
	switch {
	case source == "large objects":
		it := newLarge(r, c, i)
		return carry(id, notification(c, []*item{it}), it)
	case source == "s3 in sqs":
		var items []*item
		for k := range 1 + r.IntN(2) {
			items = append(items, newObject(r, c, 2*i+k))
		}
		return carry(id, notification(c, items), items...)
	case i%5 == 4: // a message that points to an object
		it := newObject(r, c, i)
		return carry(id, jsonOf(map[string]string{"object": "s3://" + it.id}), it)
	}
	return newMessage(r, id)
}

// newShards makes a stream of one or two shards.
func newShards(r *rand.Rand, p *Plan, all []*carrier) source {
	shards := make([]*stream, 1+r.IntN(2))
	var sides several
	for k := range shards {
		shards[k] = &stream{r: r, name: fmt.Sprintf("shardId-00000000000%d", k), batch: 8, retries: p.tries(), repeats: p.Repeats}
		sides = append(sides, shards[k])
	}
	for i := range all {
		s := shards[i%len(shards)]
		all[i] = newMessage(r, fmt.Sprintf("4959033827149025660855969253836157109592157598913658%06d", i))
		all[i].group = s.name
		s.records = append(s.records, all[i])
	}
	return sides
}
