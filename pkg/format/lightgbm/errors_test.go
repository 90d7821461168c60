package lightgbm_test

import (
	"errors"
	"math"
	"runtime"
	"strings"
	"testing"

	"example.com/copse/pkg/format/lightgbm"
	"example.com/copse/pkg/format/readerr"
)

func inf(sign int) float64 { return math.Inf(sign) }

// TestErrors: each change to a good file is an error that names the place.
func TestErrors(t *testing.T) {
	for _, tt := range []struct {
		old, new   string
		path, want string
	}{
		{"tree\n", "forest\n", "", "does not begin"},
		{"version=v4\n", "", "version", "missing"},
		{"version=v4", "version=v5", "version", `is "v5"`},
		{"version=v4", "version=v4\nversion=v4", "version", "stands twice"},
		{"version=v4", "version", "version", "no ="},
		{"num_class=1\n", "", "num_class", "missing"},
		{"num_class=1", "num_class=0", "num_class", "from 1"},
		{"num_class=1", "num_class=99999999999", "num_class", "from 1"},
		{"num_class=1", "num_class=2", "num_tree_per_iteration", "num_class is 2"},
		{"num_class=1\nnum_tree_per_iteration=1", "num_class=2", "objective", "one output"},
		{"max_feature_idx=2", "max_feature_idx=1", "feature_names", "has 3 names"},
		{"max_feature_idx=2", "max_feature_idx=2147483647", "max_feature_idx", "from 0"},
		{"max_feature_idx=2", "max_feature_idx=-1", "max_feature_idx", "from 0"},
		{"feature_infos=[0:9] ", "feature_infos=", "feature_infos", "has 2 features"},
		{"[0:9]", "[0:x]", "feature_infos[0]", "is not none"},
		{"0:1:40", "0:1:", "feature_infos[1]", "is not none"},
		{"objective=binary sigmoid:0.5", "objective=bernoulli", "objective", "none of LightGBM's"},
		{"sigmoid:0.5", "sigmoid:0", "objective", "no such parameter"},
		{"sigmoid:0.5", "sigmoid:x", "objective", "no such parameter"},
		{" sigmoid:0.5", "", "objective", "no sigmoid"},
		{"binary sigmoid:0.5", "multiclass num_class:3", "objective", "of 3 classes"},
		{"tree_sizes=1 1 1", "tree_sizes=1 1 1 1", "", "tree_sizes are of 4"},
		{"end of trees", "end of the trees", "", "end of trees is missing"},
		{"end of parameters", "", "", "end of parameters is missing"},
		{"num_leaves=4\n", "", "Tree=0 split_feature", "before num_leaves"},
		{"num_leaves=4", "num_leaves=0", "Tree=0 num_leaves", "from 1"},
		{"num_leaves=4", "num_leaves=", "Tree=0 num_leaves", "from 1"},
		{"num_leaves=4", "num_leaves=4\nnum_leaves=4", "Tree=0 num_leaves", "stands twice"},
		{"num_leaves=4", "num_leaves=5", "Tree=0 split_feature", "has 3 numbers, want 4"},
		{"num_leaves=4", "num_leaves=3", "Tree=0 split_feature[2]", "more than 2"},
		{"num_leaves=4", "num_leaves=134217728", "Tree=0 split_feature", "has 3 numbers"},
		{"num_leaves=4", "nonsense", "Tree=0", `no =: "nonsense"`},
		{"split_feature=1 0 0\n", "", "Tree=0 split_feature", "missing"},
		{"split_feature=1 0 0", "split_feature=1 0 3", "Tree=0 split_feature[2]", "is 3, want a number from 0 to 2"},
		{"split_feature=1 0 0", "split_feature=1 -1 0", "Tree=0 split_feature[1]", "is -1"},
		{"split_feature=1 0 0", "split_feature=1 x 0", "Tree=0 split_feature[1]", "no whole number"},
		{"threshold=0 0.5 -1.5", "threshold=1 0.5 -1.5", "Tree=0 threshold[0]", "one of 1 sets"},
		{"threshold=0 0.5 -1.5", "threshold=-0.1 0.5 -1.5", "Tree=0 threshold[0]", "one of 1 sets"},
		{"threshold=0 0.5 -1.5", "threshold=0 nan -1.5", "Tree=0 threshold[1]", `stand here: "nan"`},
		{"decision_type=1 10 4", "decision_type=1 10", "Tree=0 decision_type", "has 2 numbers, want 3"},
		{"decision_type=1 10 4", "decision_type=1 10 400", "Tree=0 decision_type[2]", "is 400"},
		{"left_child=1 -1 -2", "left_child=1 -1 -5", "Tree=0 left_child[2]", "is -5"},
		{"left_child=1 -1 -2", "left_child=1 -1 3", "Tree=0 left_child[2]", "is 3"},
		{"left_child=1 -1 -2", "left_child=1 -1 0", "Tree=0 left_child[2]", "another way"},
		{"left_child=1 -1 -2", "left_child=1 -1 -1", "Tree=0 left_child[2]", "another way"},
		{"left_child=1 -1 -2\nright_child=2 -3 -4", "left_child=-1 1 -2\nright_child=2 -3 -4", "Tree=0", "2 of its 7 nodes have no way"},
		{"leaf_value=0.25 ", "leaf_value=", "Tree=0 leaf_value", "has 3 numbers, want 4"},
		{"leaf_value=0.25", "leaf_value=inf", "Tree=0 leaf_value[0]", "stand here"},
		{"leaf_value=0.25", "leaf_value=1e999", "Tree=0 leaf_value[0]", "stand here"},
		{"leaf_value=0.25", "leaf_value=0.25x", "Tree=0 leaf_value[0]", "stand here"},
		{"leaf_value=0.25", "leaf_value=" + strings.Repeat("1", 70_000), "", "longer than 65536"},
		{"leaf_value=0.75\n", "", "Tree=1 leaf_value", "missing"},
		{"num_cat=1", "num_cat=-1", "Tree=0 num_cat", "from 0"},
		{"num_cat=1", "num_cat=2", "Tree=0 cat_boundaries", "has 2 numbers, want 3"},
		{"cat_boundaries=0 2\n", "", "Tree=0 cat_boundaries", "missing"},
		{"cat_threshold=3 256\n", "", "Tree=0 cat_threshold", "missing"},
		{"cat_boundaries=0 2", "cat_boundaries=1 2", "Tree=0 cat_boundaries[0]", "is 1"},
		{"cat_boundaries=0 2", "cat_boundaries=0 3", "Tree=0 cat_boundaries[1]", "is 3"},
		{"cat_boundaries=0 2", "cat_boundaries=0 1", "Tree=0 cat_threshold", "ends at 1"},
		{"cat_threshold=3 256", "cat_threshold=3 4294967296", "Tree=0 cat_threshold[1]", "is 4294967296"},
		{"is_linear=1", "is_linear=2", "Tree=2 is_linear", "from 0 to 1"},
		{"leaf_const=0.5 0.25", "leaf_const=0.5", "Tree=2 leaf_const", "has 1 numbers, want 2"},
		{"num_features=2 0", "num_features=3 0", "Tree=2 leaf_features", "has 2 numbers, want 3"},
		{"num_features=2 0", "num_features=4 0", "Tree=2 num_features[0]", "is 4"},
		{"leaf_features=0 2", "leaf_features=0 3", "Tree=2 leaf_features[1]", "is 3"},
		{"leaf_coeff=1.5 -2.5", "leaf_coeff=1.5", "Tree=2 leaf_coeff", "has 1 numbers"},
		{"leaf_coeff=1.5 -2.5", "leaf_coeff=1.5 nan", "Tree=2 leaf_coeff[1]", "stand here"},
		{"categorical:null", "categorical:", "pandas_categorical", "no JSON"},
		{"categorical:null", `categorical:{"a":1}`, "pandas_categorical", "is no array"},
		{"categorical:null", `categorical:[["a","b"]`, "pandas_categorical", "not whole"},
		{"categorical:null", `categorical:[["a",1]]`, "pandas_categorical[0][1]", "must be all texts"},
		{"categorical:null", `categorical:[[[]]]`, "pandas_categorical[0][0]", "must be all texts"},
		{"categorical:null", `categorical:[["a","b","a"]]`, "pandas_categorical[0]", "twice"},
		{"categorical:null", `categorical:[7]`, "pandas_categorical[0]", "is no array"},
		{"categorical:null", `categorical:[[1],[2],[3],[4]]`, "pandas_categorical[3]", "more than"},
	} {
		text := strings.Replace(small, tt.old, tt.new, 1)
		if text == small {
			t.Fatalf("%q is not in the file", tt.old)
		}
		m, _, err := read(text)
		var e *readerr.Error
		if !errors.As(err, &e) || m != nil {
			t.Errorf("%q for %q: %v, want an error", tt.new, tt.old, err)
			continue
		}
		if e.Format != lightgbm.Library || e.Path != tt.path || !strings.Contains(e.Error(), tt.want) || e.Offset > int64(len(text)) {
			t.Errorf("%.60q for %q: got %v, want path %q and %q", tt.new, tt.old, err, tt.path, tt.want)
		}
	}
}

// TestOffset: an error stands where the bad word ends.
func TestOffset(t *testing.T) {
	text := strings.Replace(small, "leaf_value=0.25 -0.125", "leaf_value=0.25 oops", 1)
	_, _, err := read(text)
	var e *readerr.Error
	if want := int64(strings.Index(text, "oops") + len("oops")); !errors.As(err, &e) || e.Offset != want {
		t.Errorf("got %v, want byte %d", err, want)
	}
}

// TestHostile: files that ask for much get an error, soon and cheaply.
func TestHostile(t *testing.T) {
	block := func(lines ...string) string {
		return strings.Replace(small, small[strings.Index(small, "num_leaves=4"):strings.Index(small, "Tree=1")], strings.Join(lines, "\n")+"\n\n", 1)
	}
	chain := func(n int) string {
		var left, right strings.Builder
		for i := range n {
			left.WriteString(" " + itoa(i+1))
			right.WriteString(" " + itoa(-i-1))
		}
		return block("num_leaves="+itoa(n+2), "num_cat=0", "split_feature=0"+strings.Repeat(" 0", n), "threshold=0"+strings.Repeat(" 0", n),
			"left_child="+left.String()+" "+itoa(-n-1), "right_child="+right.String()+" "+itoa(-n-2), "leaf_value=0 0"+strings.Repeat(" 0", n))
	}
	for _, tt := range []struct {
		name, text, want string
	}{
		{"leaves that are not there", block("num_leaves=134217728", "num_cat=0"), "missing"},
		{"sets that are not there", block("num_leaves=1", "num_cat=2147483647", "leaf_value=1"), "missing"},
		{"features that are not there", strings.Replace(small, "max_feature_idx=2", "max_feature_idx=1048575", 1), "has 3 names"},
		{"names of one letter", strings.Replace(strings.Replace(strings.Replace(small, "feature_infos=[", "x=[", 1), "=a b c", "="+strings.Repeat("a ", 300_000), 1), "idx=2", "idx=299999", 1), ""},
		{"one-leaf trees", strings.Replace(small, "Tree=1", strings.Repeat("Tree=\nnum_leaves=1\nleaf_value=0\n\n", 100_000)+"Tree=1", 1), "tree_sizes"},
		{"full sets", block("num_leaves=1", "leaf_value=0", "num_cat=1", "cat_boundaries=0 100000", "cat_threshold="+strings.Repeat(" 4294967295", 100_000)), ""},
		{"a chain", chain(100_000), "deeper than"},
		{"nested arrays", strings.Replace(small, "categorical:null", "categorical:"+strings.Repeat("[", 1_000_000), 1), "all texts"},
		{"a key without end", strings.Replace(small, "num_leaves=4", strings.Repeat("k", 5_000_000), 1), "no ="},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _, err := read(tt.text)
		runtime.ReadMemStats(&after)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
		t.Logf("%s: %.1f bytes for each of the file", tt.name, float64(after.TotalAlloc-before.TotalAlloc)/float64(len(tt.text)))
		if got, most := after.TotalAlloc-before.TotalAlloc, uint64(4<<20+150*len(tt.text)); got > most {
			t.Errorf("%s: %d bytes of memory for %d of file", tt.name, got, len(tt.text))
		}
	}
}
