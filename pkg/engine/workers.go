package engine

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// workerShare is the estimated work, in nanoseconds, from which a further
// goroutine is worth its start, which takes some microseconds, and the cold
// caches of another processor: 1,000 rows through 100 trees of depth 6 are
// scored by one goroutine, 2,000 by two.
const workerShare = 400_000

// workers is how many goroutines share n rows, at most limit, or GOMAXPROCS
// where limit is 0.
func (e *Engine) workers(n, limit int) int {
	worth := min(int(e.cost.row*float64(n)/workerShare), n/e.cost.block)
	if worth <= 1 || limit == 1 {
		return 1
	}
	if limit <= 0 {
		limit = runtime.GOMAXPROCS(0)
	}
	return min(worth, limit)
}

// team is goroutines that take blocks of one job until none is left. A row's
// answer does not depend on who computes it, so neither does any bit.
type team struct {
	job  job
	next atomic.Int64 // first row that nobody has taken
	wait sync.WaitGroup
	mu   sync.Mutex
	fail error
}

// share does a job, alone or with others. Every goroutine has ended when it
// returns; a panic in one of them is raised again here, on the caller's.
func (e *Engine) share(j job, s *Scratch) {
	workers := e.workers(j.n, s.Workers)
	if workers == 1 {
		j.run(s)
		return
	}
	for len(s.others) < workers-1 {
		s.others = append(s.others, new(Scratch))
	}
	t := &team{job: j}
	for _, other := range s.others[:workers-1] {
		t.wait.Go(func() { t.work(other) })
	}
	t.work(s)
	t.wait.Wait()
	if t.fail != nil {
		panic(t.fail)
	}
}

// work takes blocks and keeps a panic, with the stack that tells where.
func (t *team) work(s *Scratch) {
	defer func() {
		if p := recover(); p != nil {
			t.mu.Lock()
			defer t.mu.Unlock()
			t.fail = fmt.Errorf("engine: scoring: %v\n%s", p, debug.Stack())
		}
	}()
	size := t.job.e.cost.block
	for {
		from := int(t.next.Add(int64(size))) - size
		if from >= t.job.n {
			return
		}
		t.job.part(from, min(from+size, t.job.n)).block(s)
	}
}
