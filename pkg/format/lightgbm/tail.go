package lightgbm

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"

	"example.com/copse/pkg/format/readerr"
)

// pandasKey begins the line with the categories of the data frame that the
// model was trained on.
const pandasKey = "pandas_categorical:"

// tail is what stands behind the trees, as far as it matters.
type tail struct {
	// categorical are the numbers of the features that were trained as
	// categories, by the parameters; nil where they do not say.
	categorical []int
	lists       []list // pandas_categorical
}

// list is the categories of one column, in the order of their codes.
type list struct {
	kind    listKind
	texts   []string
	numbers []float64 // booleans too, as 0 and 1
}

type listKind uint8

const (
	nothing listKind = iota // a column without categories
	texts
	numbers
	booleans
)

// size is the number of categories.
func (l *list) size() int { return len(l.texts) + len(l.numbers) }

// readTail reads the lines behind the trees.
func (f *file) readTail() error {
	const begin, end, categorical = "parameters:", "end of parameters", "[categorical_feature: "
	open := false
	for !f.done() {
		switch {
		case f.starts(end):
			open = false
		case f.starts(begin):
			open = true
		case open && f.starts(categorical):
			if err := f.readCategorical(); err != nil {
				return err
			}
		case !open && f.starts(pandasKey):
			if err := f.readPandas(); err != nil {
				return err
			}
		}
		f.nextLine()
	}
	if open {
		return f.failAt("the line %s is missing: the file is damaged or not whole", end)
	}
	return nil
}

// readCategorical reads the parameter categorical_feature: numbers joined by
// commas. Where it is anything else, names say, it tells nothing here.
func (f *file) readCategorical() error {
	list := []int{}
	for {
		word, err := f.upTo(',')
		if err != nil {
			return err
		}
		word, last := bytes.CutSuffix(word, []byte("]"))
		n, ok := integer(word)
		if !ok || n < 0 || n >= int64(len(f.header.names)) || len(list) > 0 && int(n) <= list[len(list)-1] {
			return nil
		}
		if list = append(list, int(n)); last {
			f.tail.categorical = list
			return nil
		}
	}
}

// readPandas reads a JSON array of the columns' arrays of categories, or null.
func (f *file) readPandas() error {
	start := f.offset()
	d := json.NewDecoder(f.source)
	d.UseNumber()
	err := f.readLists(d)
	if err == nil {
		return nil
	}
	var bad *readerr.Error
	if !errors.As(err, &bad) {
		bad = readerr.New(Library, "is no JSON array of arrays, or not whole")
		if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			bad.Err = err
		}
	}
	bad.Path = strings.TrimSuffix(pandasKey, ":") + bad.Path
	bad.Offset = start + d.InputOffset()
	return bad
}

func (f *file) readLists(d *json.Decoder) error {
	f.tail.lists = nil
	switch t, err := d.Token(); {
	case err != nil:
		return err
	case t == nil:
		return nil
	case t != json.Delim('['):
		return readerr.New(Library, "is no array")
	}
	for d.More() {
		at := place(len(f.tail.lists))
		if len(f.tail.lists) == len(f.header.names) {
			return readerr.At(Library, at, "there are more than the model's %d features", len(f.header.names))
		}
		l, err := readList(d, at)
		if err != nil {
			return err
		}
		f.tail.lists = append(f.tail.lists, l)
	}
	_, err := d.Token()
	return err
}

// readList reads the categories of one column.
func readList(d *json.Decoder, at string) (l list, err error) {
	t, err := d.Token()
	if err == nil && t != json.Delim('[') {
		err = readerr.At(Library, at, "is no array")
	}
	for i := 0; err == nil && d.More(); i++ {
		if t, err = d.Token(); err == nil && !l.add(t) {
			err = readerr.At(Library, at+place(i), "is %v: the categories of a column must be all texts, all numbers or all booleans", t)
		}
	}
	if err != nil {
		return l, err
	}
	if twice(l.texts) || twice(l.numbers) {
		return l, readerr.At(Library, at, "has a category twice")
	}
	_, err = d.Token()
	return l, err
}

func twice[T cmp.Ordered](list []T) bool {
	sorted := slices.Sorted(slices.Values(list))
	return len(slices.Compact(sorted)) < len(list)
}

// add adds a category of the kind that the list's first had.
func (l *list) add(t json.Token) bool {
	kind := nothing
	x := 0.0
	switch t := t.(type) {
	case string:
		kind = texts
		l.texts = append(l.texts, t)
	case json.Number:
		kind = numbers
		var ok bool
		if x, ok = number([]byte(t)); !ok {
			return false
		}
	case bool:
		kind = booleans
		if t {
			x = 1
		}
	}
	if kind == numbers || kind == booleans {
		l.numbers = append(l.numbers, x)
	}
	if l.size() == 1 {
		l.kind = kind
	}
	return kind != nothing && kind == l.kind
}
