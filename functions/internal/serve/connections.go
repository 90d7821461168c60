package serve

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// MaxConnections bounds the open connections where no setting does: each costs
// 15 kB idle and 50 kB with a header under way.
const MaxConnections = 2500

// patience is how long a new connection may be silent before it makes room for
// others. ReadHeaderTimeout is for when there is room.
const patience = time.Second

// connections bounds the open connections. Over the bound the one that is idle
// longest makes room, else the oldest one that has not sent a whole header for
// a second; where all are at work, the next one waits.
//
// Question: golang.org/x/net's LimitListener? Choice: this. With that one a
// client that opens connections and is silent locks out all others for as long
// as an idle connection may live.
type connections struct {
	net.Listener
	limit int
	freed chan struct{} // told of a close, if anybody waits

	mu     sync.Mutex
	open   map[*connection]struct{}
	closed bool
}

// connection is one of them.
type connection struct {
	net.Conn
	all   *connections
	phase atomic.Int32 // an http.ConnState
	since atomic.Int64 // when the phase began, in nanoseconds
}

func limitConnections(l net.Listener, limit int) *connections {
	if limit <= 0 {
		limit = MaxConnections
	}
	return &connections{Listener: l, limit: limit, freed: make(chan struct{}, 1), open: map[*connection]struct{}{}}
}

// Accept returns the next connection once there is room for it.
func (l *connections) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	k := &connection{Conn: c, all: l}
	k.enter(http.StateNew)
	for !l.admit(k) {
		select {
		case <-l.freed:
		case <-time.After(patience):
		}
	}
	return k, nil
}

// admit adds a connection, if there is room or can be made.
func (l *connections) admit(k *connection) bool {
	l.mu.Lock()
	var victim *connection
	full := len(l.open) >= l.limit && !l.closed
	if full {
		if victim = l.victim(); victim == nil {
			l.mu.Unlock()
			return false
		}
		delete(l.open, victim)
	}
	l.open[k] = struct{}{}
	l.mu.Unlock()
	if victim != nil {
		_ = victim.Conn.Close() // it is gone either way
	}
	return true
}

// victim is the connection that can go with the least harm, or nil.
func (l *connections) victim() *connection {
	silent := time.Now().Add(-patience).UnixNano()
	var best *connection
	for k := range l.open {
		switch phase, since := http.ConnState(k.phase.Load()), k.since.Load(); {
		case phase != http.StateIdle && (phase != http.StateNew || since > silent):
		case best == nil, phase == http.StateIdle && best.phase.Load() != int32(http.StateIdle):
			best = k
		case phase == http.ConnState(best.phase.Load()) && since < best.since.Load():
			best = k
		}
	}
	return best
}

// Close stops listening. Who waits for room gets it at once.
func (l *connections) Close() error {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.wake()
	return l.Listener.Close()
}

// quiet returns when no connection is at work or about to send its first
// request, or when ctx ends.
func (l *connections) quiet(ctx context.Context) {
	for l.busy() {
		select {
		case <-l.freed:
		case <-time.After(patience / 20):
		case <-ctx.Done():
			return
		}
	}
}

func (l *connections) busy() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	silent := time.Now().Add(-patience).UnixNano()
	for k := range l.open {
		switch http.ConnState(k.phase.Load()) {
		case http.StateActive:
			return true
		case http.StateNew:
			if k.since.Load() > silent {
				return true
			}
		}
	}
	return false
}

func (l *connections) wake() {
	select {
	case l.freed <- struct{}{}:
	default:
	}
}

// observe is the server's hook for what its connections do.
func observe(c net.Conn, phase http.ConnState) {
	if k, ok := c.(*connection); ok {
		k.enter(phase)
	}
}

func (c *connection) enter(phase http.ConnState) {
	c.since.Store(time.Now().UnixNano())
	c.phase.Store(int32(phase))
}

func (c *connection) Close() error {
	c.all.mu.Lock()
	delete(c.all.open, c)
	c.all.mu.Unlock()
	c.all.wake()
	return c.Conn.Close()
}

// CloseWrite lets the server end its half first, as it does with an ordinary
// connection, so that a reply is not lost to a client that still sends.
func (c *connection) CloseWrite() error {
	if w, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return nil
}
