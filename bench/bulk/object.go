package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"example.com/copse/pkg/ingest"
	"example.com/copse/pkg/ingest/objectscore"
	"example.com/copse/pkg/predict"
	"example.com/copse/pkg/registry"
)

// child is the first argument of a process that scores one object.
const child = "score"

// result is what such a process prints.
type result struct {
	Bytes     int64   // of the object
	Seconds   float64 // from its first byte to the last of the result
	Processor float64 // seconds of it, of all cores
	Resident  int64   // the most bytes that the process held
}

// modelLimit is the largest model file that is read, in bytes.
const modelLimit = 64 << 20

// score scores a file as an object of a store, times over as one object, and
// prints a result.
func score(model, path, times string, out io.Writer) error {
	n, err := strconv.Atoi(times)
	if err != nil {
		return err
	}
	m, err := registry.File(model, modelLimit, predict.Options{})(context.Background(), "bulk")
	if err != nil {
		return err
	}
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	object, err := repeat(in, n)
	if err != nil {
		return err
	}
	to, err := os.CreateTemp(filepath.Dir(path), "result-*.jsonl")
	if err != nil {
		return err
	}
	defer os.Remove(to.Name()) //nolint:errcheck // at worst it is left
	before := time.Now()
	used := processor()
	answers := io.Writer(to)
	if n > 1 { // the disk need not hold it
		answers = io.Discard
	}
	buffered := bufio.NewWriterSize(answers, 256<<10)
	sum, err := objectscore.Score(context.Background(), &ingest.Work{Model: m, Object: object, Name: path, Size: object.size,
		Out: buffered, Read: func(int64) {}})
	if err = errors.Join(err, buffered.Flush(), to.Close()); err != nil {
		return err
	}
	if sum.Rows != n*rows || sum.Bad > 0 {
		return fmt.Errorf("%d rows, of which %d bad (%s), want %d", sum.Rows, sum.Bad, sum.Why, n*rows)
	}
	r := result{Bytes: object.size, Seconds: time.Since(before).Seconds(), Processor: (processor() - used).Seconds()}
	if r.Resident, err = resident(); err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(r)
}

// processor is the time that this process used of all cores, user and system.
func processor() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// resident is the most memory that this process held.
func resident() (int64, error) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if value, found := strings.CutPrefix(line, "VmHWM:"); found {
			n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			return n << 10, err
		}
	}
	return 0, errors.New("/proc/self/status has no VmHWM")
}

// repeated is a CSV file whose rows stand several times behind its header.
type repeated struct {
	in         io.ReaderAt
	head, rows int64
	size       int64
}

// repeat is the file itself where times is 1.
func repeat(in *os.File, times int) (*repeated, error) {
	info, err := in.Stat()
	if err != nil {
		return nil, err
	}
	first := make([]byte, 4096)
	if _, err := in.ReadAt(first, 0); err != nil && err != io.EOF {
		return nil, err
	}
	head := int64(bytes.IndexByte(first, '\n') + 1)
	body := info.Size() - head
	return &repeated{in: in, head: head, rows: body, size: head + int64(times)*body}, nil
}

// Close and Object make it an ingest.Reader.
func (r *repeated) Close() error          { return nil }
func (r *repeated) Object() ingest.Object { return ingest.Object{Size: r.size} }

// ReadAt is io.ReaderAt's.
func (r *repeated) ReadAt(p []byte, at int64) (n int, err error) {
	for n < len(p) && at < r.size {
		from, most := at, r.head
		if at >= r.head {
			from, most = r.head+(at-r.head)%r.rows, r.head+r.rows
		}
		k, err := r.in.ReadAt(p[n:min(int64(len(p)), int64(n)+most-from)], from)
		n += k
		at += int64(k)
		if err != nil && err != io.EOF {
			return n, err
		}
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// run scores a file in a process of so many cores.
func run(ctx context.Context, cores int, path string, times int) (r result, err error) {
	self, err := os.Executable()
	if err != nil {
		return r, err
	}
	command := exec.CommandContext(ctx, self, child, filepath.Join(cache, "model.json"), path, strconv.Itoa(times))
	command.Env = append(os.Environ(), "GOMAXPROCS="+strconv.Itoa(cores))
	command.Stderr = os.Stderr
	text, err := command.Output()
	if err != nil {
		return r, fmt.Errorf("scoring %s: %w", path, err)
	}
	return r, json.Unmarshal(text, &r)
}

// atOnce scores a file in each of several processes of one core, and returns
// how long the longest took.
func atOnce(ctx context.Context, processes int, path string) (longest float64, err error) {
	results, errs := make([]result, processes), make([]error, processes)
	var all sync.WaitGroup
	for i := range processes {
		all.Go(func() { results[i], errs[i] = run(ctx, 1, path, 1) })
	}
	all.Wait()
	for _, r := range results {
		longest = max(longest, r.Seconds)
	}
	return longest, errors.Join(errs...)
}
