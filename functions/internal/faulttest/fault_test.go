package faulttest

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"example.com/copse/functions/lambda/runtimetest"
)

var (
	seed      = flag.Int64("seed", -1, "run only the schedule of this seed, and tell its story")
	first     = flag.Uint64("first", 0, "seed of the first schedule")
	schedules = flag.Int("schedules", 30, "number of schedules")
)

// events is the deployed bootstrap, built once.
var events func() (string, error)

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "copse-faults")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	events = sync.OnceValues(func() (string, error) {
		// Opens the folders that go build reads, so that go test sees what its own
		// memory of results depends on.
		for _, folder := range []string{"functions", "model", "pkg"} {
			err := filepath.WalkDir(filepath.Join("../../..", folder), func(_ string, _ fs.DirEntry, err error) error { return err })
			if err != nil {
				return "", err
			}
		}
		return runtimetest.Build(context.Background(), dir, "example.com/copse/functions/lambda/events")
	})
	flag.Parse()
	if err := checkSchedules(*schedules, *first); err != nil {
		fmt.Fprintln(os.Stderr, err)
		_ = os.RemoveAll(dir) // it is empty
		os.Exit(2)
	}
	code := m.Run()
	_ = os.RemoveAll(dir) // what is left of it is the system's to clean
	os.Exit(code)
}

func binary(t testing.TB) string {
	t.Helper()
	path, err := events()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// maxSchedules is far above what any machine ends.
const maxSchedules = 10_000_000

// checkSchedules refuses numbers by which nothing would run, or no end come.
func checkSchedules(n int, first uint64) error {
	if n < 1 || n > maxSchedules {
		return fmt.Errorf("-schedules (SCHEDULES of make check-faults) must be from 1 to %d", maxSchedules)
	}
	if first > math.MaxUint64-maxSchedules {
		return errors.New("-first is too large: seeds would begin again at 0")
	}
	return nil
}

func TestCheckSchedules(t *testing.T) {
	for _, c := range []struct {
		n     int
		first uint64
		ok    bool
	}{{1, 0, true}, {1500, 1 << 40, true}, {0, 0, false}, {-1, 0, false}, {maxSchedules + 1, 0, false}, {1, math.MaxUint64, false}} {
		if err := checkSchedules(c.n, c.first); (err == nil) != c.ok {
			t.Errorf("%d from %d: got %v", c.n, c.first, err)
		}
	}
}

// together is how many schedules run at once: most of their time they wait,
// as the SDKs do before they call again.
func together() int { return 12 * runtime.GOMAXPROCS(0) }

// TestSchedules: whatever fails, every record is answered once, or
// dead-lettered once.
func TestSchedules(t *testing.T) {
	t.Parallel()
	path := binary(t)
	if *seed >= 0 {
		p := newPlan(uint64(*seed))
		o := run(t.Context(), path, p)
		t.Logf("%s\n%s\n%s", p, strings.Join(o.cloud.steps, "\n"), o.log)
		for _, wrong := range o.check() {
			t.Error(wrong)
		}
		return
	}
	slots := make(chan struct{}, together())
	var wg sync.WaitGroup
	var mu sync.Mutex
	happened, failing := map[Kind]int{}, 0
	if testing.Short() {
		*schedules = min(*schedules, 10)
	}
	for n := *first; n < *first+uint64(*schedules); n++ {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			o := run(t.Context(), path, newPlan(n))
			wrong := o.check()
			mu.Lock()
			defer mu.Unlock()
			for kind, k := range o.cloud.breakage {
				happened[kind] += k
			}
			if len(wrong) == 0 {
				return
			}
			if failing++; failing > 3 {
				return // their seeds say enough
			}
			t.Errorf("%s\n%s\n\n%s\n%s\nreplay: go test ./functions/internal/faulttest -run TestSchedules -v -seed %d",
				o.plan, strings.Join(wrong, "\n"), strings.Join(o.cloud.steps, "\n"), o.log, n)
		})
	}
	wg.Wait()
	if failing > 0 {
		t.Errorf("%d of %d schedules failed", failing, *schedules)
	}
	for kind := Kind(1); kind < numKinds; kind++ {
		t.Logf("%4d × %s", happened[kind], kind)
		if happened[kind] == 0 && *schedules > 500 {
			t.Errorf("no call met the fault %q", kind)
		}
	}
}
