package lambda

import (
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"sync"
)

// exchange is all the memory of one request and its reply, pooled.
type exchange struct {
	event event

	text      []byte // what the request's strings are made of
	pairs     []pair
	queryFrom int
	header    http.Header
	values    []string
	url       url.URL
	bodyBytes []byte
	body      body

	reply reply
	names []string // of the reply's headers, sorted
}

var exchanges = sync.Pool{New: func() any {
	return &exchange{header: make(http.Header, 32), reply: reply{header: make(http.Header, 8)}}
}}

// keepBytes is the most memory that a buffer keeps in the pool: what thousands
// of ordinary rows need.
const keepBytes = 1 << 20

// keepRecords is the same for the records of events; a stream may bring 10,000.
const keepRecords = 1000

// release gives x back, and lets go of what belongs to the request. A huge
// request's memory is left to the collector.
func (x *exchange) release() {
	if cap(x.text)+cap(x.bodyBytes)+cap(x.reply.body)+cap(x.event.delivery.text) > 2*keepBytes || cap(x.event.delivery.records) > keepRecords {
		return
	}
	x.event.reset()
	clear(x.header)
	clear(x.values)
	clear(x.names)
	x.url = url.URL{}
	x.body.Reset(nil)
	x.reply.reset()
	exchanges.Put(x)
}

// reply is the http.ResponseWriter: status, headers and body in memory.
type reply struct {
	header http.Header
	status int
	body   []byte
	over   bool // the body alone is larger than any reply may be
}

func (w *reply) reset() {
	clear(w.header)
	w.status, w.body, w.over = 0, w.body[:0], false
}

// Header is http.ResponseWriter's.
func (w *reply) Header() http.Header { return w.header }

// WriteHeader is http.ResponseWriter's. Informational answers cannot be sent.
func (w *reply) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status = status
	}
}

// errOver ends a handler's writing early.
var errOver = errors.New("lambda: the reply is larger than the platform carries")

// Write is http.ResponseWriter's. It fails when the body outgrows every cap.
func (w *reply) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if w.over || len(w.body)+len(p) > replyCap {
		w.over = true
		return 0, errOver
	}
	w.body = append(w.body, p...)
	return len(p), nil
}

// sortedNames lists the headers that go out. The platform frames the reply
// itself.
func (x *exchange) sortedNames() []string {
	x.names = slices.AppendSeq(x.names[:0], maps.Keys(x.reply.header))
	x.names = slices.DeleteFunc(x.names, func(n string) bool {
		return n == "Content-Length" || n == "Transfer-Encoding" || n == "Connection" || len(x.reply.header[n]) == 0
	})
	slices.Sort(x.names)
	return x.names
}
