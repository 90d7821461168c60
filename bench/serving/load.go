package main

import (
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// load says what is asked of a server.
type load struct {
	path        string
	connections int
	requests    int
	// body returns the maker of one connection's bodies.
	body func(seed uint64) func() []byte
}

// seeds give every connection of every run rows of its own.
var seeds atomic.Uint64

// run puts a load on a server and returns the processor time that the server
// used for a request.
func (l load) run(s *server) (cpu time.Duration, err error) {
	before, err := s.cpu()
	if err != nil {
		return 0, err
	}
	if err := l.send(s); err != nil {
		return 0, fmt.Errorf("%s: %w", s.name, err)
	}
	after, err := s.cpu()
	return (after - before) / time.Duration(l.requests), err
}

// send sends all requests over all connections.
func (l load) send(s *server) error {
	var all errgroup.Group
	var left atomic.Int64
	left.Store(int64(l.requests))
	for range l.connections {
		all.Go(func() error { return l.drive(s, &left) })
	}
	return all.Wait()
}

// drive sends requests over one connection while there are any left.
func (l load) drive(s *server, left *atomic.Int64) error {
	c, err := dial(s, l.path)
	if err != nil {
		return err
	}
	defer c.conn.Close()
	body := l.body(seeds.Add(1))
	for left.Add(-1) >= 0 {
		if _, _, err := c.post(body(), false); err != nil {
			return err
		}
	}
	return nil
}
