package copsebeam

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/log"

	"example.com/copse/pkg/bulk"
	"example.com/copse/pkg/fault"
)

// part is the answers of one range of a file.
type part struct {
	Task      task
	Rows, Bad int64
	Why       string
	// Path is where they are; "" where they are the whole output already.
	Path string
	// Uncut says that the range alone cannot be scored: the file must be, as a
	// whole.
	Uncut bool
}

// scoreFn scores ranges of files.
type scoreFn struct {
	Model *Model
	Work  work

	scorer *scorer
}

func (f *scoreFn) Setup(ctx context.Context) (err error) {
	f.scorer, err = newScorer(ctx, f.Model, &f.Work.FileOptions, f.Work.form())
	return err
}

func (f *scoreFn) ProcessElement(ctx context.Context, t task, emit func(output string, p part)) error {
	p := part{Task: t}
	to := t.Output
	if t.Of > 1 {
		p.Path = f.Work.partName(&t)
		to = p.Path
	}
	// The ranges of a file share a worker's cores. A file that is one range may
	// be a large one that is packed.
	cores := 1
	if t.Of == 1 {
		cores = 0
	}
	sum, err := f.scorer.write(ctx, t.Input, to, bulk.Options{From: t.From, To: t.To, Cores: cores})
	switch {
	case err == nil:
		p.Rows, p.Bad, p.Why = int64(sum.Rows), int64(sum.Bad), sum.Why
	case t.Of > 1 && ofContent(err):
		// Either the file can be read only as a whole, or not at all; reading it as
		// a whole tells which, and says where it is broken.
		p.Path, p.Uncut = "", true
	default:
		return of(t.Input.Name, err)
	}
	ranges.Inc(ctx, 1)
	emit(t.Output, p)
	return nil
}

// ofContent says whether an error is about what a file holds.
func ofContent(err error) bool {
	e, ok := errors.AsType[*fault.Error](err)
	return ok && e.Code.Outcome() == fault.DeadLetter && e.Code != fault.ObjectNotFound && e.Code != fault.ObjectChanged
}

// partName is a new name for each try: one that was given up, or is being
// repeated on another worker, is in nobody's way.
func (w *work) partName(t *task) string {
	return join(w.Parts, fmt.Sprintf("%x-%d-%s", sha256.Sum256([]byte(t.Output)), t.At, rand.Text()))
}

// write scores a range of a file into a file.
func (s *scorer) write(ctx context.Context, from input, to string, part bulk.Options) (sum bulk.Summary, err error) {
	in, err := from.open(ctx)
	if err != nil {
		return sum, err
	}
	err = writeFile(ctx, to, func(w io.Writer) (err error) {
		sum, err = s.score(ctx, &in.File, w, part)
		return err
	})
	return sum, errors.Join(err, in.close())
}

// joinFn puts the parts of a file together, in order.
type joinFn struct {
	Model *Model
	Work  work

	scorer *scorer
}

func (f *joinFn) Setup(ctx context.Context) (err error) {
	f.scorer, err = newScorer(ctx, f.Model, &f.Work.FileOptions, f.Work.form())
	return err
}

func (f *joinFn) ProcessElement(ctx context.Context, output string, parts func(*part) bool, emit func(Report), used func(path string)) error {
	all, err := inOrder(output, parts)
	if err != nil {
		return err
	}
	t := &all[0].Task
	r := Report{File: t.Input.Name, Output: output, Ranges: t.Of}
	if slices.ContainsFunc(all, func(p part) bool { return p.Uncut }) {
		sum, err := f.scorer.write(ctx, t.Input, output, bulk.Options{})
		if err != nil {
			return of(t.Input.Name, err)
		}
		whole.Inc(ctx, 1)
		r.Rows, r.Bad, r.Why, r.Ranges = int64(sum.Rows), int64(sum.Bad), sum.Why, 1
	} else {
		for _, p := range all {
			r.add(&p)
		}
		if t.Of > 1 {
			if err := f.join(ctx, output, all); err != nil {
				return err
			}
		}
	}
	for _, p := range all {
		if p.Path != "" {
			used(p.Path)
		}
	}
	if r.Bad > 0 {
		log.Warnf(ctx, "%s: %d of %d rows have an error in place of an answer; the first: %s", r.File, r.Bad, r.Rows, r.Why)
	}
	filesDone.Inc(ctx, 1)
	rowsSeen.Inc(ctx, r.Rows)
	badRows.Inc(ctx, r.Bad)
	emit(r)
	return nil
}

func (r *Report) add(p *part) {
	if r.Bad == 0 && p.Bad > 0 {
		r.Why = p.Why
	}
	r.Rows += p.Rows
	r.Bad += p.Bad
}

// inOrder sorts the parts of an output, and makes sure that all are there.
func inOrder(output string, parts func(*part) bool) ([]part, error) {
	var all []part
	var p part
	for parts(&p) {
		all = append(all, p)
	}
	slices.SortFunc(all, func(x, y part) int { return int(x.Task.At - y.Task.At) })
	for i := range all {
		if all[i].Task.At != int64(i) || all[i].Task.Of != int64(len(all)) {
			return nil, fmt.Errorf("%s: the runner lost or doubled a part of it", output)
		}
	}
	return all, nil
}

// join writes an output from its parts.
func (f *joinFn) join(ctx context.Context, output string, parts []part) error {
	s := f.scorer
	header := bulk.Header(s.model, s.options.Kind, s.form)
	return writeFile(ctx, output, func(w io.Writer) error {
		out := bufio.NewWriterSize(w, 256<<10)
		first := int64(0)
		for i := range parts {
			skip := header
			if i == 0 {
				skip = nil
			}
			if err := s.appendPart(ctx, out, &parts[i], skip, first); err != nil {
				return fmt.Errorf("%s: %w", output, err)
			}
			first += parts[i].Rows
		}
		return out.Flush()
	})
}

// appendPart copies a part, without what it begins with, and with the numbers
// of its rows moved by first.
func (s *scorer) appendPart(ctx context.Context, out *bufio.Writer, p *part, skip []byte, first int64) error {
	fs, err := systemOf(ctx, p.Path)
	if err != nil {
		return err
	}
	in, err := fs.open(ctx, p.Path)
	if err != nil {
		return fmt.Errorf("a part of it cannot be read: %w", err)
	}
	defer in.Close()
	r := bufio.NewReaderSize(in, 256<<10)
	begins := make([]byte, len(skip))
	if _, err := io.ReadFull(r, begins); err != nil {
		return fmt.Errorf("a part of it cannot be read: %w", err)
	}
	if !bytes.Equal(begins, skip) {
		return errors.New("a part of it has another header")
	}
	if s.form == bulk.CSV || first == 0 {
		_, err = io.Copy(out, r)
		return err
	}
	return renumber(out, r, first)
}

// rowMember is what a line of JSONL begins with.
const rowMember = `{"row":`

var errNoRow = errors.New("a line has no number")

// renumber copies JSONL and adds first to the number of each row.
func renumber(out *bufio.Writer, in *bufio.Reader, first int64) error {
	var number []byte
	for {
		head, err := in.ReadSlice(',')
		if errors.Is(err, io.EOF) && len(head) == 0 {
			return nil
		}
		if err != nil {
			return err
		}
		digits, ok := bytes.CutPrefix(head[:len(head)-1], []byte(rowMember))
		if !ok {
			return errNoRow
		}
		row, err := strconv.ParseInt(string(digits), 10, 64)
		if err != nil {
			return errNoRow
		}
		number = strconv.AppendInt(append(number[:0], rowMember...), row+first, 10)
		if _, err := out.Write(append(number, ',')); err != nil {
			return err
		}
		if err := copyLine(out, in); err != nil {
			return err
		}
	}
}

// copyLine copies up to the end of a line, however long it is.
func copyLine(out *bufio.Writer, in *bufio.Reader) error {
	for {
		piece, err := in.ReadSlice('\n')
		if _, e := out.Write(piece); e != nil {
			return e
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

// removeFn removes parts that were joined.
type removeFn struct{ Work work }

// ProcessElement passes over what cannot be removed: it is in nobody's way, and
// Job.Clean finds it.
func (f *removeFn) ProcessElement(ctx context.Context, path string) {
	fs, err := systemOf(ctx, path)
	if err != nil {
		return
	}
	_ = fs.remove(ctx, path)
	if _, folders := fs.Interface.(filesystem.Renamer); folders {
		_ = fs.remove(ctx, f.Work.Parts) // the last one finds it empty
	}
}
