package xgboost

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"example.com/copse/pkg/schema"
)

// Limits of what a schema takes.
const (
	maxCategories = 65536
	maxCategory   = 1024 // bytes of a category's text
	maxName       = 256  // characters of a feature's name
	maxRules      = 1024 // bytes of a feature's rules
)

// category is what a feature was in the training data: texts or numbers, whose
// places are the codes that the trees know. A feature that is none has neither.
type category struct {
	at      int64 // in the file
	texts   []string
	numbers []float64
	// Whether a text has a byte beyond ASCII, and whether one is not UTF-8.
	beyondASCII, broken bool
}

// categories reads cats: enc has an object for each feature, feature_segments
// and sorted_idx only serve XGBoost's own search.
func (f *file) categories(key []byte) {
	if string(key) != "enc" {
		f.skip()
		return
	}
	f.array(func(i int) {
		if i >= maxFeatures {
			f.fail("more than %d features", maxFeatures)
			return
		}
		f.booster.cats = append(f.booster.cats, f.category())
	})
}

// category reads {"offsets":[…],"values":[…]}, texts as bytes one after the
// other, or {"type":…,"values":[…]}, numbers.
func (f *file) category() category {
	c := category{at: f.offset()}
	var offsets []int32
	isText := false
	f.object(func(key []byte) {
		switch string(key) {
		case "offsets":
			isText = true
			offsets = f.ints(nil)
		case "values":
			c.numbers = f.reals()
		default:
			f.skip()
		}
	})
	if isText && f.err == nil {
		c.texts = f.cut(&c, offsets)
		c.numbers = nil
	}
	return c
}

// reals reads an array of numbers as they are written.
func (f *file) reals() (list []float64) {
	if f.want(array); f.err != nil {
		return nil
	}
	for f.syntax.element() {
		list = append(list, f.real())
	}
	return list
}

// cut makes texts of c's bytes: text i ends where text i+1 begins. Bytes are
// written as numbers from -128 to 127.
func (f *file) cut(c *category, offsets []int32) (texts []string) {
	at := c.at
	bytes := make([]byte, len(c.numbers))
	for i, v := range c.numbers {
		if !(v >= math.MinInt8 && v <= math.MaxUint8) || v != math.Trunc(v) {
			f.failAt(at, "/values/"+strconv.Itoa(i), "want a byte")
			return nil
		}
		bytes[i] = byte(int(v))
		c.beyondASCII = c.beyondASCII || bytes[i] >= utf8.RuneSelf
	}
	for i := 1; i < len(offsets); i++ {
		from, to := int(offsets[i-1]), int(offsets[i])
		if from < 0 || to < from || to > len(bytes) {
			f.failAt(at, "/offsets/"+strconv.Itoa(i), "the text from %d to %d is not among %d bytes", from, to, len(bytes))
			return nil
		}
		text := bytes[from:to]
		switch {
		case !utf8.Valid(text):
			c.broken = true
		case len(text) > maxCategory:
			f.failAt(at, "/offsets/"+strconv.Itoa(i), "a category's text has more than %d bytes", maxCategory)
		case i > maxCategories:
			f.failAt(at, "/offsets", "more than %d categories", maxCategories)
		}
		if f.err != nil {
			return nil
		}
		texts = append(texts, string(text))
	}
	return texts
}

// readable says whether the texts are those of the training data. Before 3.4
// XGBoost's Python package counted the characters of a pandas table's texts
// where it meant their bytes (npstr_to_arrow_strarr in _data_utils.py), so none
// beyond ASCII can be trusted.
func (f *file) readable(c *category) bool {
	return !c.broken && !(c.beyondASCII && (f.before(3, 4) || f.version == ""))
}

// unreadable is what is told of a feature whose texts are not readable.
const unreadable = "The code of a category, its place in the training data: " +
	"XGBoost before 3.4 damages texts beyond ASCII, so the file does not tell them."

// rules refuse numbers that are none of a category's, where they are whole and
// few enough for a rule.
func (c *category) rules() string {
	var b strings.Builder
	b.WriteString("oneof=")
	for i, x := range c.numbers {
		if x != math.Trunc(x) || math.Abs(x) > codeLimit {
			return ""
		}
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(strconv.FormatInt(int64(x), 10))
	}
	if len(c.numbers) == 0 || b.Len() > maxRules {
		return ""
	}
	return b.String()
}

// feature is the schema's feature of a model's. Numbers may be missing and must
// be finite, as XGBoost has it.
func (f *file) feature(c *category, name, typ string) schema.Feature {
	out := schema.Feature{Name: name, Type: schema.Number, Missing: schema.Allow, Finite: true}
	switch {
	case typ == "i":
		out.Type, out.Finite = schema.Boolean, false
	case typ != "c":
	case len(c.texts) > 0 && !f.readable(c):
		out.Description = unreadable
	case len(c.texts) > 0:
		out.Type, out.Finite, out.Categories = schema.Category, false, c.texts
	case len(c.numbers) > 0:
		if out.Rules = c.rules(); out.Rules != "" {
			out.Type = schema.Integer
		}
	}
	return out
}
