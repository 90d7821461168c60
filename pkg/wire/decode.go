package wire

import (
	"bytes"
	"math"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/frame"
	"example.com/copse/pkg/schema"
)

// Decoder reads bodies into frames. It keeps scratch memory: one goroutine at
// a time, pooled with the request. The zero value is ready.
type Decoder struct {
	scanner
	layout
	cellRuns

	o *Options
	f *frame.Frame

	level   int // nesting of the row that is being read
	unknown int // unknown members of that row so far
	text    int // limit of one value's text, in bytes
	longest int // limit of one line or record, in bytes, or 0
	scratch []byte
	columns []int32 // of data or CSV: the feature at each place, or -1
	found   int     // columns that are features
	suggest suggester
	repeats repeats
	// wide is the text that the fast loop may look at: in NDJSON the line and
	// those behind it, since no line end is ever passed over there.
	wide []byte
	tail [2 * lead]byte
}

// begin prepares for one body.
func (d *Decoder) begin(body []byte, s *schema.Schema, o *Options, f *frame.Frame) {
	d.layout.compile(s)
	d.o, d.f = o, f
	depth := o.Limits.Depth
	if depth == 0 {
		depth = DefaultDepth
	}
	d.scanner.reset(body, depth)
	d.wide = body
	d.text = o.Limits.Text
	if d.text == 0 {
		d.text = DefaultText
	}
	d.suggest.reset()
	d.repeats.begin(body, s.NumFeatures())
	d.longest, d.unknown = 0, 0
}

// end lets go of what belongs to the caller, and turns the scanner's finding
// into the error of the body. After an error the frame is empty.
func (d *Decoder) end() *fault.Error {
	err := d.err
	if err != nil && d.f != nil {
		d.f.Reset(d.f.Cols)
	}
	d.b, d.wide, d.o, d.f, d.err = nil, nil, nil, nil, nil
	return err
}

// Row reads one JSON object into f (which it resets). With Options.ByID an
// object with the one member "id" is no row but returns its id.
func (d *Decoder) Row(body []byte, s *schema.Schema, o *Options, f *frame.Frame) (ids []string, err *fault.Error) {
	f.Reset(s.NumFeatures())
	d.begin(body, s, o, f)
	ids = d.single()
	return ids, d.end()
}

func (d *Decoder) single() (ids []string) {
	p := d.open()
	if p < 0 {
		return nil
	}
	if id, is := d.soleID(p); is || d.err != nil {
		return id
	}
	d.level = 1
	row := d.f.Append()
	if d.b[p] == '{' {
		p = d.object(p+1, row, 0)
	} else {
		p = d.notRow(p, row, 0, 0)
	}
	d.close(p)
	return nil
}

// Batch reads a batch in any of its forms into f (which it resets). With
// Options.ByID, {"ids":[…]} returns its ids instead, an empty one for each that
// is neither a text nor a whole number, or too long.
func (d *Decoder) Batch(body []byte, m Media, s *schema.Schema, o *Options, f *frame.Frame) (ids []string, err *fault.Error) {
	f.Reset(s.NumFeatures())
	d.begin(body, s, o, f)
	switch m {
	case CSV:
		d.csvBody()
	case NDJSON:
		d.lineBody()
	default:
		ids = d.jsonBatch()
	}
	return ids, d.end()
}

// Any reads a payload that says only by its content what it is: an object is
// a row, unless it has a member rows, columns or ids that is no feature; then
// it is a batch, as are a list and everything in CSV and NDJSON.
func (d *Decoder) Any(body []byte, m Media, s *schema.Schema, o *Options, f *frame.Frame) (batch bool, ids []string, err *fault.Error) {
	if m == JSON && !IsBatch(body, s) {
		ids, err = d.Row(body, s, o, f)
		return false, ids, err
	}
	ids, err = d.Batch(body, m, s, o, f)
	return true, ids, err
}

// IsBatch says whether a JSON payload is a batch, as Any does, by the names of
// an object's members. What cannot be read is no batch: reading it as a row
// then says why.
func IsBatch(body []byte, s *schema.Schema) bool {
	var d scanner
	d.reset(body, DefaultDepth)
	d.quiet = true
	p := d.space(0)
	if d.at(p) != '{' {
		return d.at(p) == '['
	}
	p = d.space(p + 1)
	for d.at(p) == '"' {
		end, plain := d.str(p + 1)
		if end < 0 {
			return false
		}
		name := body[p+1 : end]
		if !plain {
			name = d.unescape(nil, p+1, end, DefaultText)
		}
		switch string(name) {
		case "rows", "columns", "ids":
			if _, feature := s.Index(name); !feature {
				return true
			}
		}
		if p = d.colon(end + 1); p < 0 {
			return false
		}
		if p = d.skip(p, 1); p < 0 {
			return false
		}
		if p = d.space(p); d.at(p) != ',' {
			return false
		}
		p = d.space(p + 1)
	}
	return false
}

var bom = []byte("\xef\xbb\xbf")

// open finds the first byte of a JSON body.
func (d *Decoder) open() int {
	if bytes.HasPrefix(d.b, bom) {
		return d.malformed(0, "a byte order mark: send UTF-8 without one")
	}
	p := d.space(0)
	if p == len(d.b) {
		return d.fail(fault.New(fault.EmptyBody, "the body is empty: send rows"))
	}
	return p
}

// close makes sure that nothing follows the body's value, which ended at p.
func (d *Decoder) close(p int) {
	if p < 0 {
		return
	}
	if p = d.space(p); p < len(d.b) {
		d.malformed(p, "more text after the end of the value")
	}
}

// newRow appends a row, within the limits. Without one it returns nil.
func (d *Decoder) newRow() ([]float64, int) {
	l := &d.o.Limits
	if l.Rows > 0 && d.f.Rows >= l.Rows {
		d.fail(fault.New(fault.TooManyRows, "more than %d rows: send fewer at once", l.Rows))
		return nil, 0
	}
	if l.Values > 0 && (d.f.Rows+1)*d.f.Cols > l.Values {
		d.fail(fault.New(fault.TooManyRows, "more than %d values (rows × features): send fewer rows at once", l.Values))
		return nil, 0
	}
	return d.f.Append(), d.f.Rows - 1
}

var nan = math.NaN()

// blank makes every value of a row missing.
func blank(row []float64) {
	for i := range row {
		row[i] = nan
	}
}
