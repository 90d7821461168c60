package copsebeam

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"

	"example.com/copse/pkg/bulk"
	"example.com/copse/pkg/predict"
	"example.com/copse/pkg/wire"
)

func init() {
	beam.RegisterDoFn(reflect.TypeFor[linesFn]())
	register.Emitter2[string, []byte]()
}

// FileOptions say how files are read, and what is answered.
type FileOptions struct {
	// Output is what is answered: "prediction" (also ""), "values", "margin" or
	// "leaf", as in copse score --output.
	Output string
	// InputFormat is "csv", "jsonl" or "parquet"; "" is told by name and content.
	InputFormat string
	// IgnoreExtra passes over columns and members that are no feature.
	IgnoreExtra bool
	// NoHeader reads CSV columns by position.
	NoHeader bool
}

func (o *FileOptions) kind() (wire.Kind, error) {
	for _, k := range []wire.Kind{wire.Prediction, wire.Values, wire.Margin, wire.Leaf} {
		if k.String() == o.Output || o.Output == "" {
			return k, nil
		}
	}
	return 0, errors.New("output: must be prediction, values, margin or leaf")
}

func (o *FileOptions) check() error {
	if !bulk.KnowsFormat(o.InputFormat) {
		return errors.New("input format: must be csv, jsonl or parquet")
	}
	_, err := o.kind()
	return err
}

// hasKind refuses what a model does not have.
func hasKind(m *predict.Model, kind wire.Kind) error {
	switch e := m.Engine(); {
	case kind == wire.Margin && !e.HasMargin():
		return errors.New("output margin: this model has no raw scores (use values)")
	case kind == wire.Leaf && !e.HasLeaves():
		return errors.New("output leaf: this model is no set of trees, so there are no leaves")
	}
	return nil
}

// Files answers the rows of files: a PCollection<string> of their names (paths,
// gs://… or s3://…, no patterns) gives a PCollection<KV<string, []byte>> of
// each row's answer by the file's name, as a line of copse score --format jsonl,
// with the row's number and without the line's end. A file is read by one
// worker, in bounded memory and on all its cores; its lines have its timestamp
// and windows. A file that cannot be read fails its bundle.
//
// WriteFiles is for files so large that several workers should share them, and
// keeps the order of rows.
func Files(s beam.Scope, m *Model, names beam.PCollection, o FileOptions) beam.PCollection {
	s = s.Scope("copse.Files")
	return beam.ParDo(s, &linesFn{Model: m, Options: o}, beam.Reshuffle(s, names))
}

// linesFn answers the rows of files.
type linesFn struct {
	Model   *Model
	Options FileOptions

	scorer *scorer
}

func (f *linesFn) Setup(ctx context.Context) (err error) {
	f.scorer, err = newScorer(ctx, f.Model, &f.Options, bulk.JSONL)
	return err
}

func (f *linesFn) ProcessElement(ctx context.Context, name string, emit func(string, []byte)) error {
	in, err := input{Name: name}.open(ctx)
	if err != nil {
		return of(name, err)
	}
	sum, err := f.lines(ctx, in, func(line []byte) { emit(name, line) })
	if err := errors.Join(err, in.close()); err != nil {
		return of(name, err)
	}
	count(ctx, sum)
	return nil
}

// lines gives each line of a file's answers, in this goroutine, which is the
// one that may emit.
func (f *linesFn) lines(ctx context.Context, in *opened, each func(line []byte)) (sum bulk.Summary, err error) {
	ctx, stop := context.WithCancel(ctx)
	r, w := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		sum, err = f.scorer.score(ctx, &in.File, w, bulk.Options{})
		_ = w.CloseWithError(err) // it returns nil
	}()
	defer func() { // also when each panics, as Beam's emitters do
		stop()
		_ = r.Close()
		<-done
	}()
	text := bufio.NewReaderSize(r, 64<<10)
	for {
		line, e := text.ReadBytes('\n')
		if e != nil {
			break // the end, or what score returns, too
		}
		each(bytes.TrimSuffix(line, []byte{'\n'}))
	}
	<-done
	return sum, err
}

// scorer scores files with one model and form. It may be used by several
// goroutines.
type scorer struct {
	model   *predict.Model
	options bulk.Options
	form    bulk.Form
}

func newScorer(ctx context.Context, m *Model, o *FileOptions, form bulk.Form) (*scorer, error) {
	opened, err := m.load(ctx)
	if err != nil {
		return nil, err
	}
	kind, err := o.kind()
	if err != nil {
		return nil, err
	}
	if err := hasKind(opened, kind); err != nil {
		return nil, err
	}
	return &scorer{opened, bulk.Options{
		Model: opened, Kind: kind, IgnoreExtra: o.IgnoreExtra, NoHeader: o.NoHeader, Format: o.InputFormat, Spool: true,
	}, form}, nil
}

// score writes a file's answers; of part, the range and the cores are taken.
func (s *scorer) score(ctx context.Context, f *bulk.File, w io.Writer, part bulk.Options) (bulk.Summary, error) {
	o := s.options
	o.From, o.To, o.Cores = part.From, part.To, part.Cores
	out := bufio.NewWriterSize(w, 256<<10)
	sum, err := bulk.Score(ctx, f, bulk.NewOutput(s.model, o.Kind, s.form, out), o)
	if err != nil {
		return sum, err
	}
	if err := out.Flush(); err != nil {
		return sum, fmt.Errorf("the answers cannot be written: %w", err)
	}
	return sum, nil
}

// count adds to the counters what was written of a file.
func count(ctx context.Context, sum bulk.Summary) {
	filesDone.Inc(ctx, 1)
	rowsSeen.Inc(ctx, int64(sum.Rows))
	badRows.Inc(ctx, int64(sum.Bad))
}
