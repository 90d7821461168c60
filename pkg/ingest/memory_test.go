package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"example.com/copse/pkg/bulk"
	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/wire"
)

// errDown is an error that may pass.
var errDown = errors.New("down")

// store holds objects of one scheme in memory: those that are read, and those
// that are written. fail says whether a call fails: "open", "read", "create",
// "write", "commit", "commit lost" (done, but the answer is lost), "exists".
type store struct {
	mu      sync.Mutex
	objects map[string]*stored // by "bucket/key"
	results map[string]kept    // by name
	pending int                // uploads begun, neither committed nor aborted
	calls   []string
	fail    func(call, name string) error
}

// stored is an object: its content, and what it is called by now.
type stored struct {
	body    string
	version string
	etag    string
}

// kept is a result, and what is noted beside it.
type kept struct {
	body string
	info Info
}

func newStore() *store {
	return &store{objects: map[string]*stored{}, results: map[string]kept{}, fail: func(string, string) error { return nil }}
}

// put makes an object, and returns what an event says of it.
func (s *store) put(key, body string) *Object {
	s.mu.Lock()
	defer s.mu.Unlock()
	etag := fmt.Sprintf("e%d", len(s.calls)+len(s.objects))
	s.objects["in/"+key] = &stored{body: body, etag: etag}
	return &Object{Scheme: "mem", Bucket: "in", Key: key, ETag: etag, Size: int64(len(body))}
}

func (s *store) call(call, name string) error {
	s.mu.Lock()
	s.calls = append(s.calls, call)
	s.mu.Unlock()
	return s.fail(call, name)
}

func (s *store) Open(ctx context.Context, o Object) (Reader, error) {
	if err := s.call("open", o.Key); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	is, ok := s.objects[o.Bucket+"/"+o.Key]
	switch {
	case !ok:
		return nil, fault.New(fault.ObjectNotFound, "there is no such object")
	case o.ETag != "" && o.ETag != is.etag:
		return nil, fault.New(fault.ObjectChanged, "the object was replaced")
	}
	o.ETag, o.Version, o.Size = is.etag, is.version, int64(len(is.body))
	return &reader{s, ctx, o, is}, nil
}

type reader struct {
	s   *store
	ctx context.Context
	o   Object
	is  *stored
}

func (r *reader) Object() Object { return r.o }
func (r *reader) Close() error   { return r.s.call("close", r.o.Key) }

func (r *reader) ReadAt(p []byte, at int64) (int, error) {
	if err := errors.Join(r.s.call("read", r.o.Key), r.ctx.Err()); err != nil {
		return 0, err
	}
	r.s.mu.Lock()
	now := r.s.objects[r.o.Bucket+"/"+r.o.Key]
	r.s.mu.Unlock()
	if now != r.is {
		return 0, fault.New(fault.ObjectChanged, "the object was replaced while it was read")
	}
	return strings.NewReader(r.is.body).ReadAt(p, at)
}

func (s *store) Create(ctx context.Context, name string, info Info) (Upload, error) {
	if err := errors.Join(s.call("create", name), ctx.Err()); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending++
	return &uploading{s: s, name: name, info: info}, nil
}

func (s *store) Exists(_ context.Context, name string) (bool, error) {
	if err := s.call("exists", name); err != nil {
		return false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, there := s.results[name]
	return there, nil
}

type uploading struct {
	s     *store
	name  string
	info  Info
	body  bytes.Buffer
	ended bool
}

func (u *uploading) Write(p []byte) (int, error) {
	if err := u.s.call("write", u.name); err != nil {
		return 0, err
	}
	return u.body.Write(p)
}

func (u *uploading) Commit(ctx context.Context) (existed bool, err error) {
	if err := errors.Join(u.s.call("commit", u.name), ctx.Err()); err != nil {
		return false, err
	}
	u.s.mu.Lock()
	_, existed = u.s.results[u.name]
	if !existed {
		u.s.results[u.name] = kept{u.body.String(), u.info}
	}
	u.end()
	u.s.mu.Unlock()
	return existed, u.s.call("commit lost", u.name)
}

func (u *uploading) Abort(ctx context.Context) {
	_ = u.s.call("abort", u.name)
	if ctx.Err() != nil {
		return
	}
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	u.end()
}

func (u *uploading) end() {
	if !u.ended {
		u.ended = true
		u.s.pending--
	}
}

// score is what objectscore.Score is, which this package's tests cannot import.
func score(ctx context.Context, w *Work) (Scored, error) {
	sum, err := bulk.Score(ctx, &bulk.File{Name: w.Name, Size: w.Size, At: w.Object},
		bulk.NewOutput(w.Model, wire.Prediction, bulk.JSONL, w.Out),
		bulk.Options{Model: w.Model, IgnoreExtra: w.IgnoreExtra, From: w.From, To: w.To, Cores: 2, Read: w.Read})
	return Scored{Rows: sum.Rows, Bad: sum.Bad, Why: sum.Why, Stats: sum.Stats}, err
}

// withObjects lets a handler read a store's objects.
func withObjects(o Options, s *store) Options {
	o.Score = score
	o.Objects = func(scheme string) (Objects, error) {
		if scheme != "mem" {
			return nil, fault.New(fault.ObjectRefused, "no store of this scheme")
		}
		return s, nil
	}
	return o
}

// object is a record that is an object.
func object(id string, o *Object) Record {
	return Record{Source: Source{Kind: "test", MessageID: id}, Object: o, Body: []byte(`{"event":"` + id + `"}`)}
}
