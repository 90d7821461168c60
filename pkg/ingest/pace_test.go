package ingest

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"example.com/copse/pkg/fault"
)

// TestGivingUp: work that cannot end in the time left is stopped by the first
// moment at which that is known, and nothing of it is seen. The clock is the
// test's own: a second passes with each of the work's steps.
func TestGivingUp(t *testing.T) {
	const size = 1000 // bytes
	for _, c := range []struct {
		name     string
		time     int           // seconds of the event; 0: without end
		speed    func(int) int // bytes in the n-th second
		from, to int64
		want     int // the second in which it is given up; 0: it is answered
	}{
		{"fast enough", 100, func(int) int { return 20 }, 0, 0, 0},
		{"just fast enough", 100, func(int) int { return 11 }, 0, 0, 0},
		{"too slow", 100, func(int) int { return 5 }, 0, 0, 10},
		{"far too slow", 100, func(int) int { return 1 }, 0, 0, 10},
		{"without a deadline", 0, func(int) int { return 1 }, 0, 0, 0},
		{"slow at first", 100, func(n int) int { return min(3*n, 30) }, 0, 0, 0},
		{"slow later on", 100, func(n int) int { return max(20-n, 2) }, 0, 0, 19},
		{"a range, of which there is less", 100, func(int) int { return 5 }, 500, 900, 0},
		{"a range to the end", 100, func(int) int { return 5 }, 100, 0, 10},
		{"slower than a byte", 100, func(n int) int { return n / 15 }, 0, 0, 15},
	} {
		now := time.Now()
		ctx := t.Context()
		if c.time > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithDeadline(ctx, now.Add(time.Duration(c.time)*time.Second))
			defer cancel()
		}
		s, letters := newStore(), new(memory)
		var log bytes.Buffer
		o := withObjects(options(t, NewBucket(s, "mem", "out", "", BucketOptions{}), letters), s)
		o.Now = func() time.Time { return now }
		o.Log = slog.New(slog.NewTextHandler(&log, nil))
		second := 0
		o.Score = func(ctx context.Context, w *Work) (Scored, error) {
			var read int64
			for read < size-c.from && (c.to == 0 || read < c.to-c.from) {
				second++
				now = now.Add(time.Second)
				read += int64(c.speed(second))
				if _, err := w.Out.Write([]byte("line\n")); err != nil {
					return Scored{}, err
				}
				w.Read(read)
				if ctx.Err() != nil {
					return Scored{}, ctx.Err()
				}
			}
			return Scored{Rows: second}, nil
		}
		object := *s.put("a.csv", strings.Repeat("x", size))
		object.From, object.To = c.from, c.to
		got := New(o).Report(ctx, []Record{{Source: Source{Kind: "test"}, Object: &object}})[0]
		if c.want == 0 {
			if got.Outcome != Done || len(s.results) != 1 {
				t.Errorf("%s: got %+v after %d s", c.name, got, second)
			}
			continue
		}
		if got.Outcome != Failed || got.Fault == nil || got.Fault.Code != fault.TooSlow || second != c.want ||
			len(s.results)+len(letters.got) != 0 || s.pending != 0 {
			t.Errorf("%s: got %+v after %d s, want to give up after %d; %d results, %d uploads open", c.name, got, second, c.want, len(s.results), s.pending)
		}
		for _, part := range []string{"given up", "bytes=", "bytes_read=", "seconds=", "mb_per_s=", "seconds_left=", "error=", "more memory", "ranges of bytes"} {
			if !strings.Contains(log.String(), part) {
				t.Errorf("%s: the log lacks %q: %s", c.name, part, log.String())
			}
		}
	}
}

// TestReadAhead: what is read ahead of the work does not hide for long how slow
// it is, nor do parts that come at once make it seem slower than it is.
func TestReadAhead(t *testing.T) {
	const mb, ahead = 1 << 20, 24 << 20
	for speed := 1; speed < 100; speed++ { // MiB a second
		for _, seconds := range []float64{30, 100, 900} {
			for _, size := range []int64{20 * mb, 100 * mb, 200 * mb, 1000 * mb, 5000 * mb} {
				now := time.Now()
				stopped, late := false, 0.0
				p := &pace{now: func() time.Time { return now }, start: now, deadline: now.Add(time.Duration(seconds) * time.Second), bytes: size,
					stop: func() { stopped = true }}
				for late < min(seconds, float64(size)/float64(speed*mb)) && !stopped {
					now = now.Add(time.Second / 10)
					late += 0.1
					p.note(min(size, (int64(late*float64(speed*mb))+ahead)/onePart*onePart))
				}
				needs := float64(size) / float64(speed*mb)
				tells := seconds*float64(speed*mb)/4 > enough && size > 4*ahead
				if needs <= seconds && stopped || needs > 1.3*seconds && tells && (!stopped || late > 0.3*seconds) {
					t.Errorf("%d MiB at %d MiB/s need %.0f s of %.0f: given up %v, after %.1f", size/mb, speed, needs, seconds, stopped, late)
				}
			}
		}
	}
}

// dated is an event that says when it will end, and does not.
type dated struct {
	context.Context
	end time.Time
}

func (d dated) Deadline() (time.Time, bool) { return d.end, true }

// TestOutOfTime: where the time ends before it is known, the work ends a
// little before the event, so that its upload can be given up.
func TestOutOfTime(t *testing.T) {
	s := newStore()
	o := withObjects(options(t, NewBucket(s, "mem", "out", "", BucketOptions{}), new(memory)), s)
	event := dated{t.Context(), time.Now().Add(50 * time.Millisecond)}
	o.Score = func(work context.Context, w *Work) (Scored, error) {
		if end, ok := work.Deadline(); !ok || !end.Before(event.end) {
			t.Errorf("the work ends at %v, the event at %v", end, event.end)
		}
		if _, err := w.Out.Write([]byte("line\n")); err != nil {
			return Scored{}, err
		}
		<-work.Done()
		return Scored{}, work.Err()
	}
	got := New(o).Report(event, []Record{object("m", s.put("a.csv", "x\n1\n"))})[0]
	if got.Outcome != Failed || got.Fault.Code != fault.TooSlow || len(s.results) != 0 || s.pending != 0 {
		t.Errorf("got %+v, %d results, %d open", got, len(s.results), s.pending)
	}
}

// TestEventEnds: an event that is ended from outside, as by SIGTERM, leaves
// nothing, and its upload is given up all the same.
func TestEventEnds(t *testing.T) {
	for _, ended := range []bool{false, true} { // the work hears of it or has just ended
		s := newStore()
		o := withObjects(options(t, NewBucket(s, "mem", "out", "", BucketOptions{}), new(memory)), s)
		ctx, cancel := context.WithCancel(t.Context())
		o.Score = func(work context.Context, w *Work) (Scored, error) {
			if _, err := w.Out.Write([]byte("line\n")); err != nil {
				return Scored{}, err
			}
			cancel()
			<-work.Done()
			if ended {
				return Scored{Rows: 1}, nil
			}
			return Scored{}, work.Err()
		}
		got := New(o).Report(ctx, []Record{object("m", s.put("a.csv", "x\n1\n"))})[0]
		if got.Outcome != Failed || got.Fault.Code != fault.Deadline || len(s.results) != 0 || s.pending != 0 {
			t.Errorf("ended %v: got %+v, %d results, %d open", ended, got, len(s.results), s.pending)
		}
	}
}
