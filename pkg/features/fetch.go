package features

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// The pause before a second try is drawn from this range, so that many calls
// that failed together do not come back together.
const (
	minPause = 5 * time.Millisecond
	maxPause = 50 * time.Millisecond
)

// lookup returns an id's row from memory, from a call that is under way
// already, or from the source. fresh says that the row is not kept yet.
func (f *Fetcher) lookup(ctx context.Context, id string) (row Row, fresh bool, err error) {
	for {
		row, ok, flight, lead := f.memory.get(id)
		if ok {
			return row, false, nil
		}
		if lead {
			flight.row, flight.err = f.fetch(ctx, id)
			flight.abandoned = flight.err != nil && ctx.Err() != nil
			f.memory.land(id, flight)
			return flight.row, true, flight.err
		}
		select {
		case <-flight.done:
			if !flight.abandoned {
				return flight.row, false, flight.err
			}
		case <-ctx.Done():
			return Row{}, false, ctx.Err()
		}
	}
}

// fetch asks the source, twice where that may help.
func (f *Fetcher) fetch(ctx context.Context, id string) (Row, error) {
	select {
	case f.slots <- struct{}{}:
		defer func() { <-f.slots }()
	case <-ctx.Done():
		return Row{}, ctx.Err()
	}
	row, err := f.try(ctx, id)
	if err == nil || errors.Is(err, ErrNotFound) || errors.Is(err, ErrFinal) || !pause(ctx) {
		return row, err
	}
	return f.try(ctx, id)
}

// try calls the source once. A panic in it is an error of this id.
func (f *Fetcher) try(ctx context.Context, id string) (row Row, err error) {
	ctx, cancel := context.WithTimeout(ctx, f.options.Timeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			row, err = Row{}, fmt.Errorf("%w: the source panicked: %v", ErrFinal, p)
		}
	}()
	return f.source.Fetch(ctx, id)
}

// pause waits a little and says whether there is time left.
func pause(ctx context.Context) bool {
	t := time.NewTimer(minPause + rand.N(maxPause-minPause))
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
