package setup

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"

	"example.com/copse/pkg/config"
	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/ingest"
)

// Driver opens a sink by its URI. A main chooses the drivers that it links. A
// store's driver returns an *ingest.Bucket.
type Driver func(ctx context.Context, uri string, log *slog.Logger) (ingest.Sink, error)

// ObjectsDriver opens a store whose objects are read. It is called when the
// first object of its scheme comes, and again after an error.
type ObjectsDriver func(ctx context.Context, log *slog.Logger) (ingest.Objects, error)

func schemes[T any](all map[string]T) string {
	return strings.Join(slices.Sorted(maps.Keys(all)), ", ")
}

// openSink opens a sink by the driver of its scheme. One that no driver of
// this binary serves is refused by name.
func openSink(ctx context.Context, setting, uri string, o *Options) (ingest.Sink, error) {
	scheme, _, _ := strings.Cut(uri, ":")
	driver, ok := o.Sinks[scheme]
	if !ok {
		where := ""
		if has := built[scheme].where; has != "" {
			where = fmt.Sprintf("; %s has it", has)
		}
		return nil, fmt.Errorf("%s: this function has no sink %q: it has %s%s", setting, fault.Quote([]byte(scheme)), schemes(o.Sinks), where)
	}
	sink, err := driver(ctx, uri, o.Log)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", setting, err)
	}
	return sink, nil
}

// places are the settings about objects, checked.
type places struct {
	readable []ingest.Location
	names    *ingest.Template
}

func readPlaces(c *config.Config) (p places, err error) {
	if p.readable, err = ingest.ParseLocations(c.Objects); err != nil {
		return p, fmt.Errorf("COPSE_OBJECTS: %w", err)
	}
	if p.names, err = ingest.ParseTemplate(c.ResultName); err != nil {
		return p, fmt.Errorf("COPSE_RESULT_NAME: %w", err)
	}
	one := len(p.readable) > 0
	for _, l := range p.readable {
		one = one && l.Bucket == p.readable[0].Bucket && l.Scheme == p.readable[0].Scheme
	}
	if !p.names.HasBucket() && !one {
		return p, errors.New("COPSE_RESULT_NAME: it has no {bucket}, and COPSE_OBJECTS does not name one bucket alone: objects of two buckets would share a name")
	}
	return p, nil
}

// maxPrefix is the longest prefix of results, in bytes: half of the longest key
// of S3 and Cloud Storage.
const maxPrefix = 512

// place gives a bucket its names, after a look at where it is.
func (p *places) place(setting string, s ingest.Sink) error {
	b, ok := s.(*ingest.Bucket)
	if !ok {
		return nil
	}
	if err := p.checkLocation(setting, b.Location()); err != nil {
		return err
	}
	b.Name(p.names)
	return nil
}

// checkLocation refuses a bucket's prefix that cannot be meant, and a place
// where a result would be an object that the function reads.
func (p *places) checkLocation(setting string, where ingest.Location) error {
	if strings.ContainsAny(where.Prefix, "{}") {
		return fmt.Errorf("%s: the prefix is as it is: placeholders such as {key} belong into COPSE_RESULT_NAME", setting)
	}
	if n := len(where.Prefix); n > maxPrefix {
		return fmt.Errorf("%s: the prefix has %d bytes, and at most %d leave room for the names of results", setting, n, maxPrefix)
	}
	for _, l := range p.readable {
		if l.Overlaps(where) {
			return fmt.Errorf("%s: results would trigger the function again: %s and %s of COPSE_OBJECTS overlap: write below another prefix", setting, where, l)
		}
	}
	return nil
}

// readableBy refuses a place that no store of this function has.
func (p *places) readableBy(stores map[string]ObjectsDriver) error {
	for _, l := range p.readable {
		if _, ok := stores[l.Scheme]; !ok && len(stores) > 0 {
			return fmt.Errorf("COPSE_OBJECTS: this function reads no objects of %s://: it reads those of %s", fault.Quote([]byte(l.Scheme)), schemes(stores))
		}
	}
	return nil
}

// openSinks opens the sinks that the settings name.
func openSinks(ctx context.Context, o *Options, p *places, io *ingest.Options) (err error) {
	if io.Sink, err = openSink(ctx, "COPSE_SINK", o.Config.Sink, o); err != nil {
		return err
	}
	if o.Config.DeadLetter != "" {
		if io.DeadLetter, err = openSink(ctx, "COPSE_DEAD_LETTER", o.Config.DeadLetter, o); err != nil {
			return err
		}
	}
	return errors.Join(p.place("COPSE_SINK", io.Sink), p.place("COPSE_DEAD_LETTER", io.DeadLetter))
}

// stores opens the stores that objects are read from, and keeps them.
type stores struct {
	ctx     context.Context // that of the start, without its end
	log     *slog.Logger
	drivers map[string]ObjectsDriver

	mu   sync.Mutex
	open map[string]ingest.Objects
}

func newStores(ctx context.Context, o *Options) *stores {
	return &stores{ctx: context.WithoutCancel(ctx), log: o.Log, drivers: o.Objects, open: make(map[string]ingest.Objects)}
}

func (s *stores) get(scheme string) (ingest.Objects, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if store, ok := s.open[scheme]; ok {
		return store, nil
	}
	driver, ok := s.drivers[scheme]
	if !ok {
		return nil, fault.New(fault.ObjectRefused, "this function reads no objects of %s://", fault.Quote([]byte(scheme)))
	}
	store, err := driver(s.ctx, s.log)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", scheme, err)
	}
	s.open[scheme] = store
	return store, nil
}
