// Package features fetches the features of rows that come by id, all rows of
// a request at once.
//
// A Fetcher stands between a request and a Source. It asks for every distinct
// id once, keeps a bounded number of calls under way, tries a call that failed
// once more, and remembers what it got for a while. An id that fails is a
// fault of its row only.
//
// Question: are failures remembered? Choice: no. An id that is unknown now may
// be written a second later, and a source that is down should be seen to be up
// again at the next request. What would change it: callers that ask for many
// unknown ids again and again.
package features

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"example.com/copse/pkg/schema"
	"example.com/copse/pkg/wire"
)

// Row is one id's features as its source has them.
type Row struct {
	// Media is wire.JSON (one object) or wire.CSV (a header and one line).
	Media wire.Media
	Body  []byte
}

// Source knows the features of ids. It is called by many goroutines at once
// and returns when its context is done. ErrNotFound, and errors that wrap
// ErrFinal, are not tried again.
type Source interface {
	Fetch(ctx context.Context, id string) (Row, error)
}

var (
	// ErrNotFound says that the source has no such id.
	ErrNotFound = errors.New("no such id")
	// ErrFinal says that another try would end the same way.
	ErrFinal = errors.New("not worth another try")
)

// Defaults of Options.
const (
	// DefaultConcurrency lets 100 ids be asked for in one round; each call
	// holds a connection, and a function may hold 1,024 files.
	DefaultConcurrency = 100
	// DefaultTimeout of one try is long for a key-value store and leaves room
	// for a second try within the shortest usual request time (10 s).
	DefaultTimeout = 2 * time.Second
	// DefaultRemember is a few megabytes of ordinary rows.
	DefaultRemember = 10_000
	// DefaultCacheBytes holds that many rows of 60 features.
	DefaultCacheBytes = 16 << 20
	// DefaultMaxBody is room for 1,000 features with long names.
	DefaultMaxBody = 64 << 10
)

// maxID is the longest id, in bytes; keys of the usual stores are shorter, and
// an id has to fit a URL.
const maxID = 512

// Options configure a Fetcher. Zero values but TTL's mean the defaults
// above.
type Options struct {
	Concurrency int           // calls under way at once, over all requests
	Timeout     time.Duration // of one try, within the request's deadline
	TTL         time.Duration // age at which a row is forgotten; 0: nothing is remembered
	Remember    int           // rows that are remembered
	CacheBytes  int           // bytes that are remembered, ids and upkeep included
	MaxBody     int64         // bytes of one answer
	Limits      wire.Limits   // bounds of what is decoded; Rows and Values also bound one request
	Log         *slog.Logger  // hears of failures, once a request; nil: nobody does
}

func (o *Options) setDefaults() {
	if o.Concurrency <= 0 {
		o.Concurrency = DefaultConcurrency
	}
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Remember <= 0 {
		o.Remember = DefaultRemember
	}
	if o.CacheBytes <= 0 {
		o.CacheBytes = DefaultCacheBytes
	}
	if o.MaxBody <= 0 {
		o.MaxBody = DefaultMaxBody
	}
}

// Fetcher fills frames from a Source. It is safe for concurrent use.
type Fetcher struct {
	source  Source
	options Options
	memory  *memory
	slots   chan struct{} // one per call under way
}

// New returns a Fetcher of any Source.
func New(source Source, o Options) *Fetcher {
	o.setDefaults()
	return &Fetcher{
		source:  source,
		options: o,
		memory:  newMemory(o),
		slots:   make(chan struct{}, o.Concurrency),
	}
}

// Open returns a Fetcher for a source named by a URI: "https://host/path/{id}"
// or "file:PATH" of a CSV file.
func Open(uri string, o Options) (*Fetcher, error) {
	o.setDefaults()
	scheme, rest, _ := strings.Cut(uri, ":")
	switch scheme {
	case "https", "http":
		source, err := newHTTPSource(uri, o)
		if err != nil {
			return nil, err
		}
		return New(source, o), nil
	case "file":
		source, err := openCSV(strings.TrimPrefix(rest, "//"))
		if err != nil {
			return nil, err
		}
		// The file is in memory already: nothing to wait for or to remember.
		o.Concurrency, o.TTL = 1, 0
		return New(source, o), nil
	}
	return nil, errors.New("features: a source is https://host/path/{id} or file:PATH of a CSV file")
}

// Check refuses a schema whose rows could be taken for requests by id.
func Check(s *schema.Schema) error {
	for _, name := range []string{"id", "ids"} {
		if _, ok := s.Index([]byte(name)); ok {
			return fmt.Errorf("features: the model has a feature called %q, so rows by id cannot be told from rows: rename the feature or configure no feature source", name)
		}
	}
	return nil
}

// Close lets go of idle connections. Calls under way are not disturbed.
func (f *Fetcher) Close() {
	if c, ok := f.source.(interface{ close() }); ok {
		c.close()
	}
}
