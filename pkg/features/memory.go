package features

import (
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// memory keeps rows for a while, bounded by bytes, and knows which ids are
// being asked for right now. golang-lru's own expirable LRU starts a goroutine
// that never ends, so age is checked here, when a row is looked up.
type memory struct {
	ttl   time.Duration // 0: nothing is kept
	bound int           // bytes
	now   func() time.Time

	mu      sync.Mutex
	rows    *simplelru.LRU[string, kept]
	bytes   int
	flights map[string]*flight
}

type kept struct {
	row   Row
	until time.Time
}

// flight is a call under way that others wait for.
type flight struct {
	done chan struct{} // closed after row and err are written
	row  Row
	err  error
	// abandoned: the caller gave up for reasons of its own, so its error says
	// nothing about the id.
	abandoned bool
}

// overhead is what a kept row costs beside its id and body, about.
const overhead = 200

func newMemory(o Options) *memory {
	m := &memory{ttl: o.TTL, bound: o.CacheBytes, now: time.Now, flights: map[string]*flight{}}
	rows, err := simplelru.NewLRU(o.Remember, func(id string, k kept) { m.bytes -= size(id, k.row) })
	if err != nil { // only for a size that is not positive
		panic(err)
	}
	m.rows = rows
	return m
}

func size(id string, r Row) int { return len(id) + cap(r.Body) + overhead }

// get returns a row that is kept and young enough; without one, the flight of
// the id: with lead, the caller's own, which it must land.
func (m *memory) get(id string) (row Row, ok bool, f *flight, lead bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if k, found := m.rows.Get(id); found {
		if m.now().Before(k.until) {
			return k.row, true, nil, false
		}
		m.rows.Remove(id)
	}
	if f, found := m.flights[id]; found {
		return Row{}, false, f, false
	}
	f = &flight{done: make(chan struct{})}
	m.flights[id] = f
	return Row{}, false, f, true
}

// land ends a flight and hands its result to all who wait.
func (m *memory) land(id string, f *flight) {
	m.mu.Lock()
	delete(m.flights, id)
	m.mu.Unlock()
	close(f.done)
}

// keep remembers a row that was found good.
func (m *memory) keep(id string, row Row) {
	n := size(id, row)
	if m.ttl <= 0 || n > m.bound {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rows.Remove(id) // so that its bytes are counted off
	m.rows.Add(id, kept{row, m.now().Add(m.ttl)})
	m.bytes += n
	for m.bytes > m.bound {
		m.rows.RemoveOldest()
	}
}
