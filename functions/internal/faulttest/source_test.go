package faulttest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// seeded is a source of chances that are always the same.
func seeded() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

// named makes messages, each in the group after its dash.
func named(ids ...string) (all []*carrier) {
	for _, id := range ids {
		c := carry(id, "{}", &item{id: id, rows: []string{"setosa"}})
		_, c.group, _ = strings.Cut(id, "-")
		all = append(all, c)
	}
	return all
}

func ids(all []*carrier) (names []string) {
	for _, c := range all {
		names = append(names, c.id)
	}
	return names
}

// reply names failed messages.
func failing(ids ...string) []byte {
	var list []map[string]string
	for _, id := range ids {
		list = append(list, map[string]string{"itemIdentifier": id})
	}
	return []byte(jsonOf(map[string]any{"batchItemFailures": list}))
}

// batch reads the ids of a delivery.
func batch(d *delivery) (ids []string) {
	for _, word := range strings.Fields(d.what) {
		if strings.Contains(word, "-") && !strings.HasPrefix(word, "(") {
			ids = append(ids, word)
		}
	}
	return ids
}

// TestFIFO: groups are locked while one of them is under way, keep their order
// after a failure, and what was received too often is given up.
func TestFIFO(t *testing.T) {
	q := &queueSource{r: seeded(), fifo: true, batch: 1, max: 2, locked: map[string]bool{}}
	q.add(named("1-a", "2-a", "3-b"))
	first, second := q.next(), q.next()
	if got := append(batch(first), batch(second)...); !slices.Equal(got, []string{"1-a", "3-b"}) || q.next() != nil {
		t.Fatalf("at the same time: %q", got)
	}
	first.settle(failing("1-a"), nil)
	second.settle(failing(), nil)
	again := q.next()
	if got := batch(again); !slices.Equal(got, []string{"1-a"}) {
		t.Fatalf("after a failure: %q", got)
	}
	again.settle(nil, errors.New("killed"))
	last := q.next()
	if got := batch(last); !slices.Equal(got, []string{"2-a"}) || !slices.Equal(ids(q.given()), []string{"1-a"}) {
		t.Fatalf("after the last time: %q, given up: %q", got, ids(q.given()))
	}
	last.settle(failing(), nil)
	if q.next() != nil {
		t.Error("something is left")
	}
}

// TestReplies: what a reply, or none, means to the poller of a queue.
func TestReplies(t *testing.T) {
	for _, c := range []struct {
		reply string
		err   error
		want  []string // deleted
	}{
		{`{"batchItemFailures":[]}`, nil, []string{"1-a", "2-b", "3-c"}},
		{`{}`, nil, []string{"1-a", "2-b", "3-c"}},
		{`{"batchItemFailures":null}`, nil, []string{"1-a", "2-b", "3-c"}},
		{`{"batchItemFailures":[{"itemIdentifier":"2-b"}]}`, nil, []string{"1-a", "3-c"}},
		{`{"batchItemFailures":[{"itemIdentifier":""}]}`, nil, nil},
		{`{"batchItemFailures":[{"itemIdentifier":"2-b"},{"itemIdentifier":"other"}]}`, nil, nil},
		{`no JSON`, nil, nil},
		{``, errLost, nil},
	} {
		q := &queueSource{r: seeded(), batch: 3, max: 9, locked: map[string]bool{}}
		all := named("1-a", "2-b", "3-c")
		for _, one := range all {
			q.waiting = append(q.waiting, &message{carrier: one})
		}
		taken := slices.Clone(q.waiting)
		q.waiting = nil
		q.settle(taken, []byte(c.reply), c.err)
		var deleted []string
		for _, one := range all {
			if !slices.ContainsFunc(q.waiting, func(m *message) bool { return m.carrier == one }) {
				deleted = append(deleted, one.id)
			}
		}
		if !slices.Equal(deleted, c.want) {
			t.Errorf("%s, %v: deleted are %q, want %q", c.reply, c.err, deleted, c.want)
		}
	}
}

// TestStream: the checkpoint goes to the first failed record, a batch that
// fails is cut in two, and what fails too often is passed over.
func TestStream(t *testing.T) {
	s := &stream{r: seeded(), name: "shard", batch: 1, retries: 2, records: named("1-", "2-", "3-", "4-", "5-")}
	s.end = 5
	var story []string
	for _, reply := range []string{"2-", "fail", "2-", "fail", "", "3-", ""} {
		d := s.next()
		if d == nil {
			t.Fatal("nothing is left")
		}
		if s.next() != nil {
			t.Fatal("a second batch while the first is under way")
		}
		story = append(story, fmt.Sprint(batch(d)))
		switch reply {
		case "fail":
			d.settle(nil, errLost)
		case "":
			d.settle(failing(), nil)
		default:
			d.settle(failing(reply), nil)
		}
	}
	want := []string{"[1- 2- 3- 4- 5-]", "[2- 3- 4- 5-]", "[2- 3-]", "[2-]", "[3-]", "[4-]", "[4-]"}
	if fmt.Sprint(story) != fmt.Sprint(want) {
		t.Errorf("got  %q\nwant %q; given up: %q", story, want, ids(s.given()))
	}
}

// TestAsync: an event is delivered three times at most.
func TestAsync(t *testing.T) {
	a := &async{r: seeded()}
	for _, c := range named("1-", "2-") {
		a.waiting = append(a.waiting, &asyncEvent{carrier: c})
	}
	times := map[string]int{}
	drain(a, 2, func(d *delivery) ([]byte, error) {
		id, _, _ := strings.Cut(d.what, " ")
		if times[id]++; id == "1-" && times[id] == 3 {
			return nil, nil
		}
		return nil, errLost
	})
	if times["1-"] != 3 || times["2-"] != 3 || !slices.Equal(ids(a.given()), []string{"2-"}) {
		t.Errorf("got %v, given up: %q", times, ids(a.given()))
	}
}

// TestPlans: a seed is one plan, and a thousand of them meet each scenario, each
// kind of fault and each place of the first one.
func TestPlans(t *testing.T) {
	seen := map[string]int{}
	for n := range uint64(1000) {
		p := newPlan(n)
		if again := newPlan(n); again.String() != p.String() {
			t.Fatalf("seed %d: %s\nand %s", n, p, again)
		}
		seen["source "+p.Source]++
		seen["sink "+p.Sink]++
		seen["dead "+p.Dead]++
		for at, kind := range p.Faults {
			seen[fmt.Sprint("place ", at)]++
			seen["kind "+kind.String()]++
		}
		if p.single() && len(p.Faults)+len(p.Killed) >= asyncAttempts {
			t.Errorf("more can fail than there are deliveries: %s", p)
		}
	}
	for kind := Kind(1); kind < numKinds; kind++ {
		if seen["kind "+kind.String()] == 0 {
			t.Errorf("no plan has the fault %q", kind)
		}
	}
	for at := range 2 * places {
		if seen[fmt.Sprint("place ", at)] == 0 {
			t.Errorf("no plan has a fault at call %d", at)
		}
	}
	for _, s := range scenarios() {
		if seen["source "+s.source] == 0 || seen["sink "+s.sink] == 0 || seen["dead "+s.dead] == 0 {
			t.Errorf("no plan goes %v", s)
		}
	}
}
