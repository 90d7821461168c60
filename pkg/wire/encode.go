package wire

import (
	"cmp"
	"io"
	"slices"
	"strconv"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/frame"
)

const (
	// writeBlock is when text goes out, in bytes.
	writeBlock = 32 << 10
	// maxTexts bounds the text of distinct answers that is kept for rows that
	// repeat them, in bytes. Beyond it answers are formatted again.
	maxTexts = 1 << 20
)

// Encoder writes replies. It keeps scratch memory like Decoder.
type Encoder struct {
	out   []byte
	texts []byte
	spans []span // of each distinct answer, its text; empty until it is needed
	seen  []bool // of each distinct answer, whether a part of a frame has it

	w      *Formatter
	f      *frame.Frame
	a      *frame.Answers
	m      Media
	k      Kind
	keep   bool // answers repeat: keep their texts
	fault  int  // the next of f.Faults
	to     io.Writer
	failed error
}

type span struct{ from, end uint32 }

// Part is what of a frame a reply is about.
type Part struct {
	From, To int // the rows From ≤ row < To
	First    int // the number that the row From has in lines
	// Scored lists the distinct answers that the model scored; the others came
	// from memory. Only counts of less than a whole frame need it.
	Scored []int32
	// Extra is raw JSON: members such as `"source":{…}` that are added to the
	// reply, or to every line of JSONL.
	Extra []byte
}

// All is the part that is the whole frame.
func All(f *frame.Frame) Part { return Part{To: f.Rows} }

// AppendReply appends the reply of /predict for the frame's only row, which
// must have an answer.
func (e *Encoder) AppendReply(dst []byte, w *Formatter, a *frame.Answers) []byte {
	dst = w.AppendAnswer(dst, a.Value(a.Index[0]))
	dst = append(dst[:len(dst)-1], w.model...)
	return append(dst, '}')
}

// AppendRow appends the reply of /predict for one row of a frame, be it an
// answer or an error, with extra raw JSON members.
func (e *Encoder) AppendRow(dst []byte, w *Formatter, f *frame.Frame, a *frame.Answers, row int, extra []byte) []byte {
	dst = append(dst, '{')
	if i := a.Index[row]; i != frame.Bad {
		dst = w.appendMembers(dst, Prediction, a.Value(i))
	} else {
		e.start(nil, JSON, Prediction, w, f, a, Part{From: row, To: row + 1})
		dst = appendError(dst, e.faults(row))
		e.forget()
	}
	dst = append(dst, w.model...)
	dst = appendExtra(dst, extra)
	return append(dst, '}')
}

func appendExtra(dst, extra []byte) []byte {
	if len(extra) == 0 {
		return dst
	}
	return append(append(dst, ','), extra...)
}

// Batch writes the reply of /batch-predict: rows in order, each an answer or
// its error. It formats each distinct answer once and writes in blocks.
func (e *Encoder) Batch(out io.Writer, m Media, w *Formatter, f *frame.Frame, a *frame.Answers) error {
	switch m {
	case JSON:
		return e.Reply(out, w, f, a, All(f))
	case CSV:
		e.out = w.AppendHeader(e.out[:0], Prediction, w.outputs)
		if _, err := out.Write(e.out); err != nil {
			return err
		}
	}
	return e.Lines(out, m, Prediction, w, f, a, All(f))
}

// Reply writes the reply of /batch-predict in JSON for a part of a frame; its
// counts are the part's own.
func (e *Encoder) Reply(out io.Writer, w *Formatter, f *frame.Frame, a *frame.Answers, p Part) error {
	e.start(out, JSON, Prediction, w, f, a, p)
	e.out = append(e.out, `{"predictions":[`...)
	for r := p.From; r < p.To && e.failed == nil; r++ {
		if r > p.From {
			e.out = append(e.out, ',')
		}
		if i := a.Index[r]; i != frame.Bad {
			e.out = append(e.out, '{')
			e.answer(i)
			e.out = append(e.out, '}')
		} else {
			e.out = AppendFaults(e.out, e.faults(r))
		}
		e.flush(writeBlock)
	}
	e.out = append(e.out, `],"stats":{`...)
	e.appendStats(e.stats(p))
	e.out = append(e.out, '}')
	e.out = append(e.out, w.model...)
	e.out = appendExtra(e.out, p.Extra)
	e.out = append(e.out, '}')
	return e.end()
}

// Lines writes a line a row of a part of a frame, in CSV without the header
// (see Formatter.AppendHeader), else in JSONL. Answers of kind Leaf are the
// leaf numbers, exact in float64.
func (e *Encoder) Lines(out io.Writer, m Media, k Kind, w *Formatter, f *frame.Frame, a *frame.Answers, p Part) error {
	e.start(out, m, k, w, f, a, p)
	for r := p.From; r < p.To && e.failed == nil; r++ {
		if m == CSV {
			e.csvLine(r)
		} else {
			e.jsonLine(r, p)
		}
		e.flush(writeBlock)
	}
	return e.end()
}

func (e *Encoder) jsonLine(r int, p Part) {
	e.out = append(e.out, `{"row":`...)
	e.out = strconv.AppendInt(e.out, int64(p.First+r-p.From), 10)
	e.out = append(e.out, ',')
	if i := e.a.Index[r]; i != frame.Bad {
		e.answer(i)
	} else {
		e.out = appendError(e.out, e.faults(r))
	}
	e.out = appendExtra(e.out, p.Extra)
	e.out = append(e.out, '}', '\n')
}

func (e *Encoder) csvLine(r int) {
	if i := e.a.Index[r]; i != frame.Bad {
		e.answer(i)
	} else {
		for range e.w.columns(e.k, e.a.Outputs) {
			e.out = append(e.out, ',')
		}
		e.out = appendErrorCell(e.out, e.faults(r))
	}
	e.out = append(e.out, '\n')
}

// start prepares for one reply. Faults are looked at in order of their rows;
// after SortFaults they are so, and parts of one frame may be written by
// several encoders at once.
func (e *Encoder) start(out io.Writer, m Media, k Kind, w *Formatter, f *frame.Frame, a *frame.Answers, p Part) {
	e.out, e.texts = e.out[:0], e.texts[:0]
	e.w, e.f, e.a, e.m, e.k, e.to, e.failed = w, f, a, m, k, out, nil
	n := a.Distinct()
	if e.keep = n < p.To-p.From; e.keep {
		e.spans = slices.Grow(e.spans[:0], n)[:n]
		clear(e.spans)
	}
	byRow := func(x, y fault.Error) int { return cmp.Compare(x.Row, y.Row) }
	if !slices.IsSortedFunc(f.Faults, byRow) {
		slices.SortStableFunc(f.Faults, byRow)
	}
	e.fault, _ = slices.BinarySearchFunc(f.Faults, p.From, func(x fault.Error, row int) int { return cmp.Compare(x.Row, row) })
}

// answer appends answer i, from memory if a row before had it.
func (e *Encoder) answer(i int32) {
	if !e.keep {
		e.out = e.appendAnswer(e.out, i)
		return
	}
	s := e.spans[i]
	if s.end == 0 {
		if len(e.texts) >= maxTexts {
			e.out = e.appendAnswer(e.out, i)
			return
		}
		s.from = uint32(len(e.texts))
		e.texts = e.appendAnswer(e.texts, i)
		s.end = uint32(len(e.texts))
		e.spans[i] = s
	}
	e.out = append(e.out, e.texts[s.from:s.end]...)
}

func (e *Encoder) appendAnswer(dst []byte, i int32) []byte {
	if e.m == CSV {
		return e.w.appendLine(dst, e.k, e.a.Value(i))
	}
	return e.w.appendMembers(dst, e.k, e.a.Value(i))
}

// faults returns those of row r; rows are asked for in order.
func (e *Encoder) faults(r int) []fault.Error {
	all := e.f.Faults
	for e.fault < len(all) && all[e.fault].Row < r {
		e.fault++
	}
	from := e.fault
	for e.fault < len(all) && all[e.fault].Row == r {
		e.fault++
	}
	if from == e.fault {
		return []fault.Error{{Code: fault.Internal, Row: r, Message: "the row has no answer"}}
	}
	return all[from:e.fault]
}

// stats are the counts of a part of the frame.
func (e *Encoder) stats(p Part) frame.Stats {
	if p.From == 0 && p.To == e.f.Rows {
		return e.a.Stats
	}
	s := frame.Stats{Rows: p.To - p.From}
	n := e.a.Distinct()
	e.seen = slices.Grow(e.seen[:0], n)[:n]
	clear(e.seen)
	for _, i := range e.a.Index[p.From:p.To] {
		if i == frame.Bad {
			continue
		}
		s.Valid++
		if e.seen[i] {
			continue
		}
		e.seen[i] = true
		s.Unique++
	}
	for _, i := range p.Scored {
		if e.seen[i] {
			s.Scored++
		}
	}
	s.Cached = s.Unique - s.Scored
	return s
}

func (e *Encoder) appendStats(s frame.Stats) {
	for i, n := range [...]int{s.Rows, s.Valid, s.Unique, s.Cached, s.Scored} {
		e.out = append(e.out, [...]string{`"rows":`, `,"valid":`, `,"unique":`, `,"cached":`, `,"scored":`}[i]...)
		e.out = strconv.AppendInt(e.out, int64(n), 10)
	}
}

// flush writes what has gathered if that is at least min bytes.
func (e *Encoder) flush(min int) {
	if len(e.out) < min || len(e.out) == 0 || e.failed != nil {
		return
	}
	_, e.failed = e.to.Write(e.out)
	e.out = e.out[:0]
}

func (e *Encoder) end() error {
	e.flush(0)
	err := e.failed
	e.forget()
	return err
}

// forget lets go of what belongs to the caller.
func (e *Encoder) forget() { e.w, e.f, e.a, e.to, e.failed = nil, nil, nil, nil, nil }
