// Package mutation breaks every model file of the tests in seeded ways and
// demands of each a clean error, or a model that scores without a panic and
// with the reference's bits, in bounded time and memory.
//
//	go test ./pkg/format/mutation                      a sample
//	go test ./pkg/format/mutation -mutations 10000     all (make check-mutations)
package mutation_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"example.com/copse/pkg/bundle"
	"example.com/copse/pkg/format"
	"example.com/copse/pkg/format/mlflow"
	"example.com/copse/pkg/predict"
)

// mutations is how many ways each model file is broken in; bundles and files
// that are refused in a tenth of them. A sample takes seconds, all of them
// (10,000) minutes.
var mutations = flag.Int("mutations", 12, "how many ways each file is broken in")

const root = "../../.."

// gcPercent lets garbage stand for longer: nearly all of it is.
const gcPercent = 800

// subject is a file that is broken, and what is demanded then.
type subject struct {
	name string
	data []byte
	hold func(data []byte) error
	// seal, if it is not nil, makes a file of the broken data.
	seal func(data []byte) []byte
	kind string // files of one kind are spliced
	few  bool   // see mutations
	// model says that the file is one of testdata/models, and is read.
	model bool
}

// TestMutations tries them all, on all cores: each worker takes a file, breaks
// it in every way, and takes the next.
func TestMutations(t *testing.T) {
	subjects := collect(t)
	defer debug.SetGCPercent(debug.SetGCPercent(gcPercent))
	var next, tried atomic.Int64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(subjects) {
					return
				}
				tried.Add(int64(breakAll(t, subjects, i)))
			}
		})
	}
	wg.Wait()
	t.Logf("%d files, %d broken ones", len(subjects), tried.Load())
}

// breakAll breaks subject i in every way and returns how many it tried.
func breakAll(t *testing.T, subjects []subject, i int) int {
	s := &subjects[i]
	if err := try(s.file(s.data), s.hold); err != nil {
		t.Errorf("%s, as it is: %v", s.name, err)
		return 0
	}
	name := fnv.New64a()
	_, _ = io.WriteString(name, s.name)
	ways := *mutations
	if s.few {
		ways = max(1, ways/10)
	}
	for seed := range ways {
		rng := rand.New(rand.NewPCG(name.Sum64(), uint64(seed)))
		data := s.file(mutate(rng, s.data, s.other(subjects, rng)))
		if err := try(data, s.hold); err != nil {
			t.Errorf("%s, seed %d: %v\n(the file is at %s)", s.name, seed, err, keep(s.name, seed, data))
			return seed
		}
	}
	return ways
}

func (s *subject) file(data []byte) []byte {
	if s.seal != nil {
		return s.seal(data)
	}
	return data
}

// other is another file of the same kind.
func (s *subject) other(subjects []subject, rng *rand.Rand) []byte {
	for range 8 {
		if o := &subjects[rng.IntN(len(subjects))]; o.kind == s.kind {
			return o.data
		}
	}
	return s.data
}

// keep writes a file that broke something, to look at.
func keep(name string, seed int, data []byte) string {
	path := filepath.Join(os.TempDir(), fmt.Sprintf("broken-%s-%d", strings.ReplaceAll(name, "/", "-"), seed))
	if err := os.WriteFile(path, data, 0o600); err != nil {
		return err.Error()
	}
	return path
}

func collect(t *testing.T) (subjects []subject) {
	t.Helper()
	seen := make(map[[sha256.Size]byte]bool)
	add := func(pattern string, make func(path string, data []byte) []subject) {
		paths, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(paths) == 0 {
			t.Fatalf("no files of %s: %v", pattern, err)
		}
		for _, path := range paths {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			// Many cases ask the same model in several ways.
			if sum := sha256.Sum256(data); !seen[sum] {
				seen[sum] = true
				subjects = append(subjects, make(path, data)...)
			}
		}
	}
	add("testdata/models/*/*/model.*", func(path string, data []byte) []subject {
		kind := filepath.Base(filepath.Dir(filepath.Dir(path))) + filepath.Ext(path)
		return []subject{{name: kind + "/" + filepath.Base(filepath.Dir(path)), kind: kind, model: true, data: data, hold: holdModel(readFile)}}
	})
	add("testdata/refused/*", func(path string, data []byte) []subject {
		return []subject{{name: "refused/" + filepath.Base(path), kind: "refused", few: true, data: data, hold: holdModel(readFile)}}
	})
	add("testdata/golearn/*.golearn", archived)
	add("model/iris.golearn", archived)
	add("model/iris.copse", func(path string, data []byte) []subject { return bundled(t, "iris", data) })
	add("testdata/mlflow/*/MLmodel", func(path string, text []byte) []subject { return folder(t, filepath.Dir(path), text) })
	return append(subjects, compiled(t, subjects)...)
}

func readFile(data []byte) (*format.Model, error) { return format.Read(bytes.NewReader(data)) }

// archived is an archive broken as it is, and broken inside.
func archived(path string, data []byte) []subject {
	name := "golearn/" + filepath.Base(path)
	whole := subject{name: name, kind: "golearn", data: data, hold: holdModel(readFile)}
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return []subject{whole}
	}
	inside, err := io.ReadAll(z)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return []subject{whole}
	}
	return []subject{whole, {name: name + " inside", kind: "golearn inside", data: inside, hold: holdModel(readFile), seal: pack}}
}

func pack(data []byte) []byte {
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.HuffmanOnly)
	if err == nil {
		_, err = z.Write(data)
	}
	if err = errors.Join(err, z.Close()); err != nil {
		panic(err)
	}
	return out.Bytes()
}

// folder breaks each file of an MLflow folder, the others as they are. A tar
// holds them for the while.
func folder(t *testing.T, dir string, _ []byte) (subjects []subject) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := make(fstest.MapFS)
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = &fstest.MapFile{Data: data}
	}
	for _, name := range []string{mlflow.Name, "input_example.json"} {
		subjects = append(subjects, subject{
			name: "mlflow/" + filepath.Base(dir) + "/" + name, kind: "mlflow " + name, data: files[name].Data,
			hold: holdModel(func(data []byte) (*format.Model, error) {
				broken := make(fstest.MapFS, len(files))
				for n, f := range files {
					broken[n] = f
				}
				broken[name] = &fstest.MapFile{Data: data}
				m, err := mlflow.Read(broken, 1<<30)
				if err != nil {
					return nil, err
				}
				return m.Model, nil
			}),
		})
	}
	return subjects
}

// compiled makes bundles of one case in five, so that each kind of section is
// there.
func compiled(t *testing.T, models []subject) (subjects []subject) {
	t.Helper()
	for i, s := range models {
		if i%5 != 0 || !s.model {
			continue
		}
		m, err := readFile(s.data)
		if err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		data, err := predict.Compile(m.IR, m.Schema, predict.Info{Name: "case"}, probes(len(m.IR.FeatureNames)))
		if err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		subjects = append(subjects, bundled(t, s.name, data)...)
	}
	return subjects
}

// bundled is a bundle broken as it is, which its checksums notice, and one
// broken in its sections, with new checksums.
func bundled(t *testing.T, name string, data []byte) []subject {
	t.Helper()
	hold := func(data []byte) error {
		_, _ = predict.Open("", data, predict.Options{}) // any error is one line; panics and bounds count
		return nil
	}
	file, err := bundle.Open(data)
	if err != nil {
		t.Fatal(err)
	}
	sections := file.Sections()
	var all []byte
	for _, s := range sections {
		all = append(all, s.Data...)
	}
	seal := func(broken []byte) []byte {
		again := make([]bundle.Section, len(sections))
		for i, s := range sections {
			n := min(len(s.Data), len(broken))
			n -= n % max(1, s.Element)
			again[i] = s
			again[i].Data, broken = broken[:n], broken[n:]
		}
		out, err := bundle.Write(again)
		if err != nil {
			return broken
		}
		return out
	}
	return []subject{
		{name: "bundle/" + name, kind: "bundle", few: true, data: data, hold: hold},
		{name: "bundle/" + name + " sealed", kind: "bundle sections", few: true, data: all, hold: hold, seal: seal},
	}
}

// TestArchiveIsATar keeps the inside of an archive what archived takes it for.
func TestArchiveIsATar(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(root, "testdata/golearn/forest-iris.golearn"))
	if err != nil {
		t.Fatal(err)
	}
	both := archived("forest-iris.golearn", data)
	if len(both) != 2 {
		t.Fatal("the archive is not gzipped")
	}
	if _, err := tar.NewReader(bytes.NewReader(both[1].data)).Next(); err != nil {
		t.Error(err)
	}
}
