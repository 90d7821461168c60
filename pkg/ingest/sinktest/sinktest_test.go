package sinktest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/ingest"
)

// defect is what a driver does wrong: the suites must notice.
type defect string

// memory is a store in memory, as a driver should be but for its defect.
type memory struct {
	defect   defect
	versions bool

	mu      sync.Mutex
	objects map[string][]object // versions, the last one current; a nil body is a deletion
	pending int
}

type object struct {
	body []byte
	info ingest.Info
}

func (m *memory) current(key string) (o object, version int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := m.objects[key]
	if len(all) == 0 {
		return object{}, 0
	}
	return all[len(all)-1], len(all)
}

func (m *memory) put(key string, o object) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.objects[key] = append(m.objects[key], o)
	return len(m.objects[key])
}

func (m *memory) Create(ctx context.Context, name string, info ingest.Info) (ingest.Upload, error) {
	if m.defect != "goes on after the end" && ctx.Err() != nil {
		return nil, ctx.Err()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pending++
	if m.defect == "loses notes" {
		info.Meta = nil
	}
	return &upload{m: m, name: name, info: info, body: []byte{}}, nil
}

type upload struct {
	m    *memory
	name string
	info ingest.Info
	body []byte
	kept [][]byte
	over bool
}

func (u *upload) Write(p []byte) (int, error) {
	if u.m.defect == "keeps the writer's memory" {
		u.kept = append(u.kept, p)
	}
	u.body = append(u.body, p...)
	if u.m.defect == "shows parts" {
		u.m.put(u.name, object{bytes.Clone(u.body), u.info})
	}
	return len(p), nil
}

func (u *upload) Commit(ctx context.Context) (existed bool, err error) {
	if u.m.defect != "goes on after the end" && ctx.Err() != nil {
		return false, ctx.Err()
	}
	if u.kept != nil {
		u.body = bytes.Join(u.kept, nil)
	}
	defer u.Abort(ctx)
	u.m.mu.Lock()
	defer u.m.mu.Unlock()
	all := u.m.objects[u.name]
	existed = len(all) > 0 && all[len(all)-1].body != nil
	switch {
	case !existed:
	case u.m.defect == "fails on a name that is taken":
		return false, errors.New("there is one")
	case u.m.defect != "overwrites":
		return true, nil
	}
	u.m.objects[u.name] = append(all, object{u.body, u.info})
	return existed, nil
}

func (u *upload) Abort(context.Context) {
	if u.over || u.m.defect == "leaves uploads" {
		return
	}
	u.over = true
	u.m.mu.Lock()
	defer u.m.mu.Unlock()
	u.m.pending--
}

func (m *memory) Open(ctx context.Context, o ingest.Object) (ingest.Reader, error) {
	now, version := m.current(o.Key)
	if o.Version != "" {
		at, err := strconv.Atoi(o.Version)
		if err != nil {
			return nil, err
		}
		switch {
		case m.versions:
			now, version = m.objects[o.Key][at-1], at
		case at != version && now.body != nil && m.defect != "forgets the event's version":
			return nil, fault.New(fault.ObjectChanged, "replaced")
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if now.body == nil {
		return nil, fault.New(fault.ObjectNotFound, "none")
	}
	o.Version, o.Size = strconv.Itoa(version), int64(len(now.body))
	return &reader{ctx, m, o, version, now.body}, nil
}

type reader struct {
	ctx     context.Context
	m       *memory
	o       ingest.Object
	version int
	body    []byte
}

func (r *reader) Object() ingest.Object { return r.o }
func (r *reader) Close() error          { return nil }

func (r *reader) ReadAt(p []byte, from int64) (int, error) {
	if err := r.ctx.Err(); err != nil && r.m.defect != "goes on after the end" {
		return 0, err
	}
	body := r.body
	if now, version := r.m.current(r.o.Key); version != r.version && !r.m.versions {
		switch {
		case r.m.defect == "mixes versions" && now.body != nil:
			body = now.body
		case now.body == nil:
			return 0, fault.New(fault.ObjectNotFound, "deleted")
		default:
			return 0, fault.New(fault.ObjectChanged, "replaced")
		}
	}
	if r.m.defect == "no end" && from+int64(len(p)) > int64(len(body)) {
		return len(p), nil
	}
	return bytes.NewReader(body).ReadAt(p, from)
}

func (m *memory) bucket() Bucket {
	return Bucket{
		Store: m, Objects: m, Scheme: "memory", Name: "b", Large: 1000, Versions: m.versions,
		Put: func(_ testing.TB, key string, body []byte) ingest.Object {
			version := m.put(key, object{append([]byte{}, body...), ingest.Info{}})
			return ingest.Object{Scheme: "memory", Bucket: "b", Key: key, Size: int64(len(body)), Version: strconv.Itoa(version)}
		},
		Delete: func(_ testing.TB, key string) { m.put(key, object{}) },
		Get: func(_ testing.TB, key string) ([]byte, ingest.Info, bool) {
			o, _ := m.current(key)
			return o.body, ingest.Info{ContentType: o.info.ContentType, Meta: maps.Clone(o.info.Meta)}, o.body != nil
		},
		Pending: func(testing.TB) int {
			m.mu.Lock()
			defer m.mu.Unlock()
			return m.pending
		},
	}
}

// queue is a sink in memory.
type queue struct {
	defect defect
	mu     sync.Mutex
	seen   map[string]bool
	bodies [][]byte
}

const most = 10_000

func (q *queue) Put(ctx context.Context, m ingest.Message) error {
	if err := ctx.Err(); err != nil {
		if q.defect == "says done when it is not" {
			return nil
		}
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(m.Body) > most {
		if q.defect == "sends half" {
			q.bodies = append(q.bodies, bytes.Clone(m.Body[:most]))
		}
		if q.defect == "has no code" {
			return errors.New("too large")
		}
		return fault.New(fault.ReplyTooLarge, "too large")
	}
	id := m.ID
	if q.defect == "shortens ids" {
		id = id[:min(len(id), 100)]
	}
	if q.seen[id] && q.defect != "writes twice" {
		return nil
	}
	q.seen[id] = true
	body := bytes.Clone(m.Body)
	if q.defect == "keeps the body" {
		body = m.Body
	}
	q.bodies = append(q.bodies, body)
	return nil
}

func (q *queue) target() Target {
	return Target{Sink: q, Max: most, Once: true, Ordered: true, Received: func(testing.TB) [][]byte {
		q.mu.Lock()
		defer q.mu.Unlock()
		got := q.bodies
		q.bodies = nil
		if q.defect == "loses order" {
			slices.Reverse(got) // of every group, however they were put together
		}
		return got
	}}
}

// broken names, in a process of its own, the defect that is tested there.
const broken = "SINKTEST_DEFECT"

func TestStore(t *testing.T) {
	d := defect(os.Getenv(broken))
	for _, versions := range []bool{false, true} {
		t.Run(fmt.Sprintf("versions=%v", versions), func(t *testing.T) {
			Store(t, func(*testing.T) Bucket {
				return (&memory{defect: d, versions: versions, objects: map[string][]object{}}).bucket()
			})
		})
	}
}

func TestSink(t *testing.T) {
	d := defect(os.Getenv(broken))
	Sink(t, func(*testing.T) Target { return (&queue{defect: d, seen: map[string]bool{}}).target() })
}

// TestDefectsAreFound runs the suites on drivers of one defect each.
func TestDefectsAreFound(t *testing.T) {
	if os.Getenv(broken) != "" {
		t.Skip("this is the other process")
	}
	for _, c := range []struct{ defect, found string }{
		{"shows parts", "commit"}, {"overwrites", "existing"}, {"fails on a name that is taken", "existing"}, {"leaves uploads", "abort"},
		{"goes on after the end", "ended"}, {"loses notes", "commit"}, {"keeps the writer's memory", "commit"},
		{"forgets the event's version", "versions"}, {"mixes versions", "replaced"}, {"no end", "read"},
		{"says done when it is not", "ended"}, {"sends half", "limit"}, {"has no code", "limit"}, {"shortens ids", "identities"},
		{"writes twice", "again"}, {"keeps the body", "bodies"}, {"loses order", "order"},
	} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^(TestStore|TestSink)$")
		cmd.Env = append(os.Environ(), broken+"="+c.defect)
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), "--- FAIL") || !strings.Contains(string(out), "/"+c.found) {
			t.Errorf("%s: the suites pass it, or not by %q: %v\n%.2000s", c.defect, c.found, err, out)
		}
	}
}
