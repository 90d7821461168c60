package ingest

import (
	"context"
	"log/slog"
	"time"

	"example.com/copse/pkg/fault"
)

const (
	// firstShare is the part of the time by which the rate is known well enough
	// to give up: a tenth. A store's first bytes come slowly.
	firstShare = 10
	// What is read ahead of the work comes fast, so that from half of that time
	// on the rate is measured anew, once so many bytes tell it; they come in
	// parts, of which one may be about to come.
	enough  = 32 << 20
	onePart = 8 << 20
	// endTime is kept back for the end of an upload, or for giving it up, but of
	// a short time no more than a tenth.
	endTime = 2 * time.Second
)

// pace watches over the reading of an object: work that will not end in the
// time left is stopped early, so that the platform's failure path has it while
// there is time, and the time is not paid for.
type pace struct {
	now      func() time.Time
	start    time.Time
	deadline time.Time // the work's; zero where there is none
	bytes    int64     // to be read
	read     int64
	// base is where the rate is measured from: after the first reading ahead.
	base     int64
	baseTime time.Time
	stop     context.CancelFunc
	late     bool // it was stopped
}

// begin starts the watch over an object's work, whose context ends a little
// before ctx, or by stop, which must be called.
func (e *event) begin(ctx context.Context) (context.Context, *pace) {
	p := &pace{now: e.h.o.Now, start: e.h.o.Now()}
	deadline, ok := ctx.Deadline()
	if !ok {
		ctx, p.stop = context.WithCancel(ctx)
		return ctx, p
	}
	left := deadline.Sub(p.start)
	p.deadline = deadline.Add(-min(endTime, left/10))
	ctx, p.stop = context.WithDeadline(ctx, p.deadline)
	return ctx, p
}

// note is told how many bytes have been read, by one goroutine.
func (p *pace) note(read int64) {
	p.read = read
	if p.deadline.IsZero() || p.late || read <= 0 || read >= p.bytes {
		return
	}
	now := p.now()
	spent, left := now.Sub(p.start), p.deadline.Sub(now)
	share := p.deadline.Sub(p.start) / firstShare
	if p.baseTime.IsZero() && spent >= share/2 {
		p.base, p.baseTime = read, now
	}
	if spent < share {
		return
	}
	done, in := float64(read), spent
	if read-p.base >= enough {
		done, in = float64(read-p.base+onePart), now.Sub(p.baseTime)
	}
	need := float64(p.bytes-read) / done * float64(in)
	if p.late = need > float64(left); p.late {
		p.stop()
	}
}

func tooSlow() *fault.Error {
	return fault.New(fault.TooSlow, "the object's work would not end in the time left: the log says how fast it was")
}

// rate is in MB (10⁶ bytes) a second.
func rate(bytes int64, d time.Duration) float64 {
	if d <= 0 {
		return 0
	}
	return float64(bytes) / 1e6 / d.Seconds()
}

const lateAdvice = "give the function more memory, and so more processors, or more time; or cut the object into ranges of bytes (from, to), as the state machine in deploy/distributed-map does"

// logLate says why the work was given up, for whoever has to choose a size. The
// error is what ended it: a store that is down is slow too.
func (e *event) logLate(ctx context.Context, it *item, p *pace, err error) {
	spent := p.now().Sub(p.start)
	e.log(ctx, slog.LevelWarn, "object given up: it would not end in the time left", it,
		"bytes", p.bytes, "bytes_read", p.read, "seconds", round(spent.Seconds()), "mb_per_s", round(rate(p.read, spent)),
		"seconds_left", round(p.deadline.Sub(p.now()).Seconds()), "error", err.Error(), "advice", lateAdvice)
}

// round keeps three digits behind the point: a log is for people.
func round(x float64) float64 { return float64(int64(x*1000+0.5)) / 1000 }
