// Package sinktest holds the conformance suites of sinks and stores: what the
// rest of the code relies on, of each driver alike. A driver's test calls Sink
// or Store with a function that opens the driver on something real, and gives
// the suite a way around the driver to look at what is there.
package sinktest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/ingest"
)

// Target is a sink of messages, and what the suite must know of it.
type Target struct {
	Sink ingest.Sink
	// Received returns the bodies of the messages that have arrived since it was
	// last called; as they were put, whatever the sink wraps them in.
	Received func(t testing.TB) [][]byte
	// Max is the largest body, in bytes, that is taken of a message whose id has
	// five letters, and whose source is of the kind "sqs"; 0 where none is too
	// large. Over, where it is not Max+1, is the least that is refused.
	Max, Over int
	// Once says that a message of an ID that was put before does not arrive
	// again, Ordered that those of a group arrive in the order of their Puts.
	Once, Ordered bool
}

// Sink checks a sink. Each subtest opens one of its own.
func Sink(t *testing.T, open func(t *testing.T) Target) {
	for _, c := range []struct {
		name string
		test func(*testing.T, Target)
	}{
		{"bodies", sinkBodies},
		{"identities", sinkIdentities},
		{"again", sinkAgain},
		{"together", sinkTogether},
		{"order", sinkOrder},
		{"limit", sinkLimit},
		{"ended", sinkEnded},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
	}
}

// message is a message as events give them.
func message(id, body string) ingest.Message {
	return ingest.Message{ID: id, Body: []byte(body), Source: ingest.Source{
		Kind: "sqs", MessageID: id, Attributes: map[string]string{"plant": "17", "note": "größe"}}}
}

// want compares what arrived with what was put, in any order.
func want(t *testing.T, target Target, bodies ...string) {
	t.Helper()
	var got []string
	for _, b := range target.Received(t) {
		got = append(got, string(b))
	}
	slices.Sort(got)
	slices.Sort(bodies)
	if !slices.Equal(got, bodies) {
		t.Errorf("%d messages arrived, want %d:\ngot  %.1000q\nwant %.1000q", len(got), len(bodies), got, bodies)
	}
}

// sinkBodies: a body arrives as it was put, and nothing of the message is
// kept: the caller writes the next one into the same memory.
func sinkBodies(t *testing.T, target Target) {
	bodies := []string{
		`{"prediction":"setosa","note":"50%d off <b> & \"quoted\" \\ größe 日本 🌳"}`,
		`{"source":{"kind":"sqs"},"reason":{"code":"malformed"},"body":"a\nb\u0000"}`,
		"{}",
	}
	reused := make([]byte, 0, 1000)
	for i, body := range bodies {
		m := message(fmt.Sprintf("body-%d", i), "")
		m.Body, m.Dead = append(reused[:0], body...), i == 1
		if err := target.Sink.Put(t.Context(), m); err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		for j := range m.Body {
			m.Body[j] = 'x'
		}
	}
	want(t, target, bodies...)
}

// sinkIdentities: ids and groups are whatever the sources call things, of any
// length and alphabet, and different ones are different messages.
func sinkIdentities(t *testing.T, target Target) {
	long := strings.Repeat("a-long-name/", 100)
	ids := []string{
		"059f36b4-87a3-44ab-83d2-661975830a7d", "s3://bucket/a key+%&?#.csv@3/L4kqtJlcpXroDTDmpUMLUo#0-1000",
		"größe", "größen", "日本語", "a b", "a_b", "a\"b\\c\n", long + "1", long + "2", "\xff\xfe", " ",
	}
	var bodies []string
	for i, id := range ids {
		body := fmt.Sprintf(`{"n":%d}`, i)
		bodies = append(bodies, body)
		m := message(id, body)
		m.Group = id
		if err := target.Sink.Put(t.Context(), m); err != nil {
			t.Errorf("id %.40q: %v", id, err)
		}
	}
	want(t, target, bodies...)
}

// sinkAgain: a record that is delivered again is put again, under the same id.
func sinkAgain(t *testing.T, target Target) {
	const body = `{"prediction":1}`
	for range 2 {
		if err := target.Sink.Put(t.Context(), message("again", body)); err != nil {
			t.Fatal(err)
		}
	}
	bodies := []string{body}
	if !target.Once {
		bodies = append(bodies, body)
	}
	want(t, target, bodies...)
}

// sinkTogether: many put at once, and each arrives once.
func sinkTogether(t *testing.T, target Target) {
	const many = 40
	var wg sync.WaitGroup
	bodies := make([]string, many)
	for i := range many {
		bodies[i] = fmt.Sprintf(`{"together":%d,"pad":"%s"}`, i, strings.Repeat("p", 100*i))
		wg.Go(func() {
			if err := target.Sink.Put(t.Context(), message(fmt.Sprintf("together-%d", i), bodies[i])); err != nil {
				t.Errorf("message %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	want(t, target, bodies...)
}

// sinkOrder: two groups at once, each in its own order.
func sinkOrder(t *testing.T, target Target) {
	if !target.Ordered {
		t.Skip("this sink has no order")
	}
	const many = 12
	var wg sync.WaitGroup
	for _, group := range []string{"even", "odd"} {
		wg.Go(func() {
			for i := range many {
				m := message(fmt.Sprintf("%s-%d", group, i), fmt.Sprintf(`{"group":%q,"n":%d}`, group, i))
				m.Group = group
				if err := target.Sink.Put(t.Context(), m); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	next := map[string]int{}
	for _, b := range target.Received(t) {
		var group string
		var n int
		if _, err := fmt.Sscanf(string(b), `{"group":%q,"n":%d}`, &group, &n); err != nil {
			t.Fatalf("%v: %s", err, b)
		}
		if n != next[group] {
			t.Errorf("group %s: message %d came where %d was due", group, n, next[group])
		}
		next[group] = n + 1
	}
	if next["even"] != many || next["odd"] != many {
		t.Errorf("got %v messages, want %d of each", next, many)
	}
}

// sized is a JSON object of n bytes, of the text that is longest on the wire.
func sized(n int) string {
	const frame = `{"pad":""}`
	return frame[:len(frame)-2] + strings.Repeat("é", (n-len(frame))/2) + strings.Repeat("e", (n-len(frame))%2) + frame[len(frame)-2:]
}

// sinkLimit: what is as large as the sink takes arrives; what is larger can
// never arrive, which the error's code says, and no part of it does.
func sinkLimit(t *testing.T, target Target) {
	if target.Max == 0 {
		t.Skip("this sink has no limit")
	}
	over := target.Over
	if over == 0 {
		over = target.Max + 1
	}
	if s, ok := target.Sink.(ingest.Limited); ok && s.MaxMessage() < target.Max {
		t.Errorf("it says that it takes %d bytes, and takes %d", s.MaxMessage(), target.Max)
	}
	body := sized(target.Max)
	if err := target.Sink.Put(t.Context(), message("limit", body)); err != nil {
		t.Errorf("%d bytes: %v", target.Max, err)
	}
	want(t, target, body)
	err := target.Sink.Put(t.Context(), message("above", sized(over)))
	if e, ok := errors.AsType[*fault.Error](err); !ok || e.Code != fault.ReplyTooLarge {
		t.Errorf("%d bytes: got %v, want the code %s", over, err, fault.ReplyTooLarge)
	}
	want(t, target)
}

// sinkEnded: where the time has ended, a Put does not wait; what it says was
// written is there.
func sinkEnded(t *testing.T, target Target) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	body := []byte(`{"ended":true}`)
	err := target.Sink.Put(ctx, message("ended", string(body)))
	if got := target.Received(t); err == nil && (len(got) != 1 || !bytes.Equal(got[0], body)) {
		t.Errorf("no error, and %q arrived", got)
	}
	const after = `{"after":true}`
	if err := target.Sink.Put(t.Context(), message("after", after)); err != nil {
		t.Errorf("the sink is of no use after a Put that was cancelled: %v", err)
	}
	want(t, target, after)
}
