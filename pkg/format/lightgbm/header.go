package lightgbm

import (
	"strconv"

	"example.com/copse/pkg/format/readerr"
	"example.com/copse/pkg/ir"
)

// treeMark begins a tree's block, and so ends the header.
const treeMark = "Tree="

// header is what stands before the trees.
type header struct {
	version    string
	classes    int // num_class, which is num_tree_per_iteration too
	perRound   int // num_tree_per_iteration, 0 if it is not there
	maxFeature int // the last feature's number
	objective  objective
	average    bool // a random forest
	names      []string
	infos      []info
	treeSizes  int // how many trees tree_sizes has, or -1
	seen       map[string]bool
}

// infoKind is what feature_infos says of a feature.
type infoKind uint8

const (
	unused infoKind = iota // "none": no tree asks for it
	span                   // [min:max]
	codes                  // a category's codes, joined by colons
)

// info is one of feature_infos.
type info struct {
	kind     infoKind
	min, max float64
	padded   bool // two codes next to each other: the second one may be LightGBM's own
}

func (f *file) readHeader() error {
	h := &f.header
	h.treeSizes, h.maxFeature, h.seen = -1, -1, map[string]bool{}
	for !f.done() && !f.ahead(treeMark) && !f.ahead("end of trees") {
		key, assigned := f.key()
		if err := f.headerLine(string(key), assigned); err != nil {
			return err
		}
		f.nextLine()
	}
	return f.checkHeader()
}

// ahead says whether the line goes on with text, and stays before it.
func (f *file) ahead(text string) bool {
	if !f.starts(text) {
		return false
	}
	f.pos -= len(text)
	return true
}

// headerLine reads the rest of one line. Unknown keys are none of ours.
func (f *file) headerLine(key string, assigned bool) (err error) {
	h := &f.header
	switch key {
	case "version", "num_class", "num_tree_per_iteration", "max_feature_idx", "objective",
		"average_output", "feature_names", "feature_infos", "tree_sizes":
	default:
		return nil
	}
	if !assigned && key != "average_output" {
		return f.fail(key, "the line has no =")
	}
	if h.seen[key] {
		return f.fail(key, "the line stands twice")
	}
	h.seen[key] = true
	switch key {
	case "version":
		var text []byte
		text, err = f.word()
		h.version = string(text)
	case "num_class":
		h.classes, err = f.count(key, 1, ir.MaxOutputs)
	case "num_tree_per_iteration":
		h.perRound, err = f.count(key, 1, ir.MaxOutputs)
	case "max_feature_idx":
		h.maxFeature, err = f.count(key, 0, ir.MaxFeatures-1)
	case "objective":
		err = f.readObjective()
	case "average_output":
		h.average = true
	case "feature_names":
		err = f.readNames()
	case "feature_infos":
		err = f.readInfos()
	case "tree_sizes":
		h.treeSizes, err = f.countWords()
	}
	return err
}

// count reads a line's only number.
func (s *source) count(key string, least, most int) (int, error) {
	word, err := s.word()
	if err != nil {
		return 0, err
	}
	n, ok := integer(word)
	if !ok || n < int64(least) || n > int64(most) {
		return 0, s.fail(key, "is %s, want a number from %d to %d", quote(word), least, most)
	}
	return int(n), nil
}

// fail is an error at the next byte, of the path.
func (s *source) fail(path, reason string, args ...any) *readerr.Error {
	e := s.failAt(reason, args...)
	e.Path = path
	return e
}

// quote shows what is in the file, cut off where it is long.
func quote(word []byte) string {
	const longest = 40
	if len(word) > longest {
		return strconv.Quote(string(word[:longest]) + "…")
	}
	return strconv.Quote(string(word))
}

func (f *file) readNames() error {
	for {
		word, err := f.word()
		if err != nil || len(word) == 0 {
			return err
		}
		if len(f.header.names) == ir.MaxFeatures {
			return f.fail("feature_names", "there are more than %d", ir.MaxFeatures)
		}
		f.header.names = append(f.header.names, string(word))
	}
}

// countWords counts the words of a line.
func (f *file) countWords() (n int, err error) {
	for {
		word, err := f.word()
		if err != nil || len(word) == 0 {
			return n, err
		}
		n++
	}
}

// readInfos reads what the training data had of each feature: none, [min:max]
// or the codes joined by colons, of which there may be more than a word holds.
func (f *file) readInfos() error {
	const key = "feature_infos"
	for {
		word, err := f.upTo(':')
		if err != nil || len(word) == 0 {
			return err
		}
		if len(f.header.infos) == ir.MaxFeatures {
			return f.fail(key, "there are more than %d", ir.MaxFeatures)
		}
		in := info{kind: unused}
		if string(word) != "none" {
			in.kind = codes
			if word[0] == '[' {
				in.kind, word = span, word[1:]
			}
			x, ok := number(word)
			in.min, in.max = x, x
			seen, sum := count(x)
			for ok && f.buf[f.pos] == ':' {
				if word, err = f.upTo(':'); err != nil {
					return err
				}
				if n := len(word); in.kind == span && n > 0 && word[n-1] == ']' {
					word = word[:n-1]
				}
				x, ok = number(word)
				in.min, in.max = min(in.min, x), max(in.max, x)
				n, y := count(x)
				seen, sum = seen+n, sum+y
			}
			in.padded = in.kind == codes && seen == 2 && sum == in.max+in.max-1
			if !ok {
				return f.fail(key+place(len(f.header.infos)), "is not none, [min:max] or codes joined by colons: %s", quote(word))
			}
		}
		f.header.infos = append(f.header.infos, in)
	}
}

// count is 1 and the code, or nothing for what stands for a missing value.
func count(code float64) (n int, sum float64) {
	if code < 0 {
		return 0, 0
	}
	return 1, code
}

func place(i int) string { return "[" + strconv.Itoa(i) + "]" }

// checkHeader holds the header's lines against each other.
func (f *file) checkHeader() error {
	h := &f.header
	for _, key := range []string{"version", "num_class", "max_feature_idx", "feature_names"} {
		if !h.seen[key] {
			return f.fail(key, "the line is missing in the header")
		}
	}
	switch h.version {
	case "v2", "v3", "v4":
	default:
		return f.fail("version", "is %s; v2, v3 and v4 are read (LightGBM 2 to 4)", quote([]byte(h.version)))
	}
	features := h.maxFeature + 1
	if len(h.names) == 0 {
		for i := range features {
			h.names = append(h.names, "Column_"+strconv.Itoa(i))
		}
	}
	switch {
	case len(h.names) != features:
		return f.fail("feature_names", "has %d names, but max_feature_idx says %d", len(h.names), features)
	case len(h.infos) > 0 && len(h.infos) != features:
		return f.fail("feature_infos", "has %d features, but max_feature_idx says %d", len(h.infos), features)
	case h.perRound != 0 && h.perRound != h.classes:
		return f.fail("num_tree_per_iteration", "is %d, but num_class is %d", h.perRound, h.classes)
	}
	return f.checkObjective()
}
