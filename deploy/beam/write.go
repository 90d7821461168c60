package copsebeam

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"

	"example.com/copse/pkg/bulk"
)

func init() {
	beam.RegisterDoFn(reflect.TypeFor[matchFn]())
	beam.RegisterDoFn(reflect.TypeFor[cutFn]())
	beam.RegisterDoFn(reflect.TypeFor[scoreFn]())
	beam.RegisterDoFn(reflect.TypeFor[joinFn]())
	beam.RegisterDoFn(reflect.TypeFor[removeFn]())
	register.Emitter2[string, string]()
	register.Emitter1[task]()
	register.Emitter2[string, part]()
	register.Emitter1[Report]()
	register.Emitter1[string]()
	register.Iter1[string]()
	register.Iter1[part]()
}

// DefaultRange is how many bytes of a file one worker scores at a time: some
// seconds of work, so that a shuffle and a file of its own cost little beside.
const DefaultRange = 64 << 20

// leastRange keeps ranges from being mere overhead, in bytes; there must be a
// row in some of them.
const leastRange = 64

// WriteOptions say what is written, and where.
type WriteOptions struct {
	FileOptions
	// Out is the folder of the results: a path, gs://bucket/prefix or
	// s3://bucket/prefix. All workers must reach it.
	Out string
	// Format is "csv" or "jsonl"; "" is csv.
	Format string
	// Range is how many bytes of a file are scored together; 0 is DefaultRange.
	Range int64
}

// Report is what became of one file.
type Report struct {
	File, Output string
	Rows, Bad    int64
	// Why is the first bad row, by number within the file or the range of it,
	// and what is wrong with it.
	Why string
	// Ranges is into how many parts the file was cut.
	Ranges int64
}

// work are WriteOptions as a pipeline carries them.
type work struct {
	WriteOptions
	Parts string // the folder of what is not joined yet
}

// Job is a WriteFiles that was put into a pipeline.
type Job struct {
	// Reports is a PCollection<Report>, one a file.
	Reports beam.PCollection

	parts string
}

// WriteFiles scores files and writes a file of answers for each. patterns is a
// PCollection<string> of names that may have *, ? and […] in them, as Beam's
// filesystems match them, or end in "/" for all files of a folder; each must
// match a file.
//
// A file's answers are what copse score writes for that file alone, byte for
// byte: in order, numbered from 0, bad rows in their place. They are called
// OUT/NAME.FORMAT, where NAME is the file's path below the folder of its
// pattern. A file is seen whole or not at all, and one of its name is replaced.
// A file that cannot be read fails the pipeline, which then names it; files that
// were done by then stay.
//
// Files are cut into ranges, which workers score in parallel into files of
// their own, in a folder .copse-parts-… of OUT; one worker then joins those of a
// file, and removes them. A file that is packed, or whose records cannot be
// told from any place within it, is scored by one worker.
func WriteFiles(s beam.Scope, m *Model, patterns beam.PCollection, o WriteOptions) (*Job, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	s = s.Scope("copse.WriteFiles")
	w := work{o, join(o.Out, ".copse-parts-"+strings.ToLower(rand.Text()))}
	named := beam.ParDo(s, &matchFn{w}, beam.Reshuffle(s, patterns))
	tasks := beam.ParDo(s, &cutFn{w}, beam.GroupByKey(s, named))
	parts := beam.ParDo(s, &scoreFn{Model: m, Work: w}, beam.Reshuffle(s, tasks))
	reports, used := beam.ParDo2(s, &joinFn{Model: m, Work: w}, beam.GroupByKey(s, parts))
	// Behind a shuffle, so that no join which is tried again misses a part.
	beam.ParDo0(s, &removeFn{w}, beam.Reshuffle(s, used))
	return &Job{reports, w.Parts}, nil
}

func (o *WriteOptions) check() error {
	if o.Out == "" {
		return errors.New("out: the folder of the results is missing")
	}
	if o.Range == 0 {
		o.Range = DefaultRange
	}
	if o.Range < leastRange {
		return fmt.Errorf("range: must be at least %d bytes", leastRange)
	}
	if o.Format == "" {
		o.Format = "csv"
	}
	if form, ok := bulk.FormByName(o.Format); !ok || form == bulk.Parquet {
		return errors.New("format: must be csv or jsonl")
	}
	return o.FileOptions.check()
}

func (o *WriteOptions) form() bulk.Form {
	form, _ := bulk.FormByName(o.Format) // check did
	return form
}

// Clean removes what is left of the parts of files: all of them where the
// pipeline failed or was stopped, else those that a worker wrote in vain. It is
// not to be called while the pipeline runs.
func (j *Job) Clean(ctx context.Context) error {
	fs, err := systemOf(ctx, j.parts)
	if err != nil {
		return err
	}
	names, err := fs.List(ctx, fs.escape(join(j.parts, "*")))
	if err != nil {
		return fmt.Errorf("%s: it cannot be seen whether parts of results are left there: %w", j.parts, err)
	}
	var errs []error
	for _, name := range names {
		errs = append(errs, fs.remove(ctx, name))
	}
	if _, folders := fs.Interface.(filesystem.Renamer); folders {
		_ = fs.remove(ctx, j.parts) // it may not be there
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%s: parts of results stay there: %w", j.parts, err)
	}
	return nil
}

// matchFn finds the files of a pattern, and names the outputs.
type matchFn struct{ Work work }

func (f *matchFn) ProcessElement(ctx context.Context, pattern string, emit func(output, file string)) error {
	fs, err := systemOf(ctx, pattern)
	if err != nil {
		return err
	}
	names, base, err := fs.match(ctx, pattern)
	if err != nil {
		return fmt.Errorf("%s: %w", pattern, err)
	}
	if len(names) == 0 {
		return fmt.Errorf("%s: no such file", pattern)
	}
	for _, name := range names {
		emit(join(f.Work.Out, strings.TrimPrefix(name, base))+"."+f.Work.Format, name)
	}
	return nil
}

// cutFn cuts a file into ranges.
type cutFn struct{ Work work }

// task is one range of a file.
type task struct {
	Input    input
	Output   string
	From, To int64
	At, Of   int64 // this is range At of Of, from 0
}

func (f *cutFn) ProcessElement(ctx context.Context, output string, files func(*string) bool, emit func(task)) error {
	var name, other string
	for files(&other) {
		if name != "" && name != other {
			return fmt.Errorf("%s and %s would both be written to %s: give them in pipelines of their own", min(name, other), max(name, other), output)
		}
		name = other // patterns may overlap
	}
	if name == output {
		return fmt.Errorf("%s would be written over: give another folder for the results", name)
	}
	in, err := input{Name: name}.open(ctx)
	if err != nil {
		return of(name, err)
	}
	n, err := in.ranges(f.Work.Range)
	if err := errors.Join(err, in.close()); err != nil {
		return of(name, err)
	}
	for i := range n {
		t := task{Input: in.is, Output: output, At: i, Of: n}
		if n > 1 {
			t.From = i * f.Work.Range
			t.To = min(t.From+f.Work.Range, in.Size)
		}
		emit(t)
	}
	return nil
}

// ranges is into how many ranges a file is cut.
func (o *opened) ranges(size int64) (int64, error) {
	if o.At == nil || o.Size <= size {
		return 1, nil
	}
	var head [4]byte
	if _, err := o.At.ReadAt(head[:], 0); err != nil {
		return 0, err
	}
	if packed(head[:]) {
		return 1, nil
	}
	return (o.Size + size - 1) / size, nil
}

// packed says whether a file that begins so is gzip (RFC 1952, section 2.3.1) or
// zstd (RFC 8878, section 3.1.1), of which no range can be read alone.
func packed(head []byte) bool {
	return bytes.HasPrefix(head, []byte{0x1f, 0x8b}) || bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd})
}
