package xgboost

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	"example.com/copse/pkg/format/readerr"
)

// refused reads a file that must be refused and returns why.
func refused(t *testing.T, data []byte) *readerr.Error {
	t.Helper()
	from := time.Now()
	_, err := readAll(reader(data))
	if d := time.Since(from); d > time.Second {
		t.Errorf("took %v", d)
	}
	var e *readerr.Error
	if !errors.As(err, &e) {
		t.Errorf("got %v, want a *readerr.Error", err)
		return &readerr.Error{}
	}
	if e.Format != Library || e.Offset > int64(len(data)) {
		t.Errorf("got %q, byte %d of %d", e.Format, e.Offset, len(data))
	}
	return e
}

const (
	tree0 = "/learner/gradient_booster/model/trees/0"
	tree1 = "/learner/gradient_booster/model/trees/1"
)

// TestBad: one thing is wrong in a sound file, in JSON and in UBJSON. Paths and
// reasons are whole; offsets are those of the part concerned.
func TestBad(t *testing.T) {
	in := func(path ...string) []string {
		return append([]string{"learner", "gradient_booster", "model"}, path...)
	}
	tree := func(path ...string) []string { return append(in("trees", "1"), path...) }
	param := func(path string) []string { return []string{"learner", "learner_model_param", path} }
	ints := func(list ...int32) []int32 { return list }
	nan := float32(math.NaN())
	for _, tt := range []struct {
		path   []string
		value  any
		fault  string
		placed bool // has an offset
	}{
		{[]string{"learner"}, nil, ": has no member learner: save the model with Booster.save_model", true},
		{[]string{"learner"}, 1, "/learner: want an object, not a number", true},
		{[]string{"version"}, "3.2.0", "/version: want an array, not a text", true},
		{[]string{"learner", "learner_model_param"}, nil, "/learner: has no member learner_model_param", true},
		{[]string{"learner", "gradient_booster"}, nil, "/learner: has no member gradient_booster with a name", true},
		{[]string{"learner", "gradient_booster", "name"}, "gbforest", "/learner/gradient_booster/name: the booster \"gbforest\" is not known: this version reads gbtree, dart and gblinear", true},
		{[]string{"learner", "gradient_booster", "name"}, 3, "/learner/gradient_booster/name: want a text, not a number", true},
		{[]string{"learner", "gradient_booster", "name"}, "dart", "/learner/gradient_booster/weight_drop: has 0 numbers, the file 2 trees", true},
		{[]string{"learner", "gradient_booster", "name"}, "gblinear", "/learner/gradient_booster/model/weights: has 0 numbers, want 4: 3 features and a bias for each of 1 outputs", true},
		{[]string{"learner", "gradient_booster", "gbtree"}, members{{"model", members{{"trees", list{}}}}}, "/learner/gradient_booster/gbtree/model/trees: the file has trees in two places", true},
		{[]string{"learner", "feature_names"}, list{"a", "b"}, "/learner/feature_names: has 2 names, num_feature is 3", false},
		{[]string{"learner", "feature_names"}, list{"a", "b", "a"}, "/learner/feature_names/2: \"a\" stands twice", false},
		{[]string{"learner", "feature_names"}, list{"a", "", "b"}, "/learner/feature_names/1: an empty name: name the features and save the model again", false},
		{[]string{"learner", "feature_names"}, list{"a", strings.Repeat("ü", 257), "b"}, "/learner/feature_names/1: the name has more than 256 characters", false},
		{[]string{"learner", "feature_names"}, list{"a", 2, "b"}, "/learner/feature_names/1: want a text, not a number", true},
		{[]string{"learner", "feature_types"}, list{"c"}, "/learner/feature_types: has 1 types, num_feature is 3", false},
		{[]string{"learner", "attributes"}, members{{"best_iteration", "x"}}, "/learner/attributes/best_iteration: want a number", true},
		{[]string{"learner", "attributes"}, members{{"best_iteration", "-1"}}, "/learner/attributes/best_iteration: want a whole number from 0 to 2147483647", true},
		{param("num_feature"), "0", "/learner/learner_model_param/num_feature: want a whole number from 1 to 65535", true},
		{param("num_feature"), "70000", "/learner/learner_model_param/num_feature: want a whole number from 0 to 65535", true},
		{param("num_feature"), "2.5", "/learner/learner_model_param/num_feature: want a whole number from 0 to 65535", true},
		{param("num_feature"), "NaN", "/learner/learner_model_param/num_feature: want a whole number from 0 to 65535", true},
		{param("num_feature"), "1", "/learner/gradient_booster/model/trees/0/split_indices/0: is 2, num_feature is 1", true},
		{param("num_class"), "1000000000", "/learner/learner_model_param/num_class: want a whole number from 0 to 65536", true},
		{param("base_score"), nil, "/learner/learner_model_param/base_score: want a number, or a list of numbers, as a text", true},
		{param("base_score"), "[1E0,x]", "/learner/learner_model_param/base_score: want a number, or a list of numbers, as a text", true},
		{param("base_score"), "[1E-1,2E-1]", "/learner/learner_model_param/base_score: has 2 numbers, the model 1 outputs", true},
		{param("base_score"), "2E0", "/learner/learner_model_param/base_score: 2 is no base score of binary:logistic", true},
		{in("gbtree_model_param"), members{{"num_trees", "9"}}, "/learner/gradient_booster/model/gbtree_model_param/num_trees: is 9, the file has 2 trees", true},
		{in("gbtree_model_param"), members{{"num_trees", "1048577"}}, "/learner/gradient_booster/model/gbtree_model_param/num_trees: want a whole number from 0 to 1048576", true},
		{in("tree_info"), ints(0), "/learner/gradient_booster/model/tree_info: has 1 numbers, the file 2 trees", true},
		{in("tree_info"), ints(0, 1), "/learner/gradient_booster/model/tree_info/1: is 1, the model has 1 outputs", true},
		{in("tree_info"), ints(-1, 0), "/learner/gradient_booster/model/tree_info/0: is -1, the model has 1 outputs", true},
		{in("iteration_indptr"), ints(0, 2, 1, 2), "/learner/gradient_booster/model/iteration_indptr/2: is 1: want them to rise from 0 to 2, the number of trees", true},
		{in("iteration_indptr"), ints(1, 2), "/learner/gradient_booster/model/iteration_indptr/0: is 1: want them to rise from 0 to 2, the number of trees", true},
		{in("iteration_indptr"), ints(0, 3), "/learner/gradient_booster/model/iteration_indptr/1: is 3: want them to rise from 0 to 2, the number of trees", true},
		{in("weight_drop"), []float32{1, 1, 1}, "/learner/gradient_booster/weight_drop: has 3 numbers, the file 2 trees", true},
		{in("cats", "enc"), list{members{}, members{}, members{}, members{}}, "/learner/gradient_booster/model/cats/enc: has 4 features, num_feature is 3", false},
		{in("cats", "enc"), list{members{{"offsets", ints(0, 5)}, {"values", ints(1, 2)}}}, "/learner/gradient_booster/model/cats/enc/0/offsets/1: the text from 0 to 5 is not among 2 bytes", true},
		{in("cats", "enc"), list{members{{"offsets", ints(2, 1)}, {"values", ints(1, 2)}}}, "/learner/gradient_booster/model/cats/enc/0/offsets/1: the text from 2 to 1 is not among 2 bytes", true},
		{in("cats", "enc"), list{members{{"offsets", ints(0, 1)}, {"values", ints(300)}}}, "/learner/gradient_booster/model/cats/enc/0/values/0: want a byte", true},
		{in("cats", "enc"), list{members{{"values", list{"a"}}}}, "/learner/gradient_booster/model/cats/enc/0/values: want a number", true},
		{tree(), 7, tree1 + ": want an object, not a number", true},
		{tree("left_children"), nil, tree1 + ": has no member left_children", true},
		{tree("split_indices"), nil, tree1 + ": has no member split_indices", true},
		{tree("left_children"), ints(), tree1 + "/right_children: has 7 numbers, left_children has 0", true},
		{tree("right_children"), ints(2, 4), tree1 + "/right_children: has 2 numbers, left_children has 7", true},
		{tree("split_conditions"), []float32{1}, tree1 + "/split_conditions: has 1 numbers, left_children has 7", true},
		{tree("split_type"), []uint8{0}, tree1 + "/split_type: has 1 numbers, left_children has 7", true},
		{tree("left_children"), list{1, 3, "x", -1, -1, -1, -1}, tree1 + "/left_children: ", true},
		{tree("left_children"), ints(1, 3, 7, -1, -1, -1, -1), tree1 + "/left_children/2: the child 7 is none of 7 nodes", true},
		{tree("right_children"), ints(2, -5, 6, -1, -1, -1, -1), tree1 + "/right_children/1: the child -5 is none of 7 nodes", true},
		{tree("right_children"), ints(2, 0, 6, -1, -1, -1, -1), tree1 + "/right_children/1: the child 0 has another way from the root", true},
		{tree("right_children"), ints(2, 3, 6, -1, -1, -1, -1), tree1 + "/right_children/1: the child 3 has another way from the root", true},
		{tree("split_indices"), ints(0, -1, 0, 0, 0, 0, 0), tree1 + "/split_indices/1: -1 is no feature", true},
		{tree("split_indices"), ints(0, 9, 0, 0, 0, 0, 0), tree1 + "/split_indices/1: is 9, num_feature is 3", true},
		{tree("split_conditions"), []float32{0, nan, 0, 0, 0, 0, 0}, tree1 + "/split_conditions/1: is not a number", true},
		{tree("split_conditions"), []float32{0, 0, 0, 0, nan, 0, 0}, tree1 + "/split_conditions/4: is not finite", true},
		{tree("split_conditions"), []float32{0, 0, 0, 0, float32(math.Inf(1)), 0, 0}, tree1 + "/split_conditions/4: is not finite", true},
		{tree("default_left"), []uint8{0, 2, 0, 0, 0, 0, 0}, tree1 + "/default_left: want 0, 1, true or false", true},
		{tree("default_left"), list{false, true, nil, false, false, false, false}, tree1 + "/default_left: want 0, 1, true or false", true},
		{tree("id"), 0, tree1 + "/id: is 0: not below 2, or another tree's too", true},
		{tree("id"), 5, tree1 + "/id: is 5: not below 2, or another tree's too", true},
		{tree("id"), -1, tree1 + "/id: want a whole number from 0 to 2147483647", true},
		{tree("tree_param"), members{{"num_nodes", "8"}}, tree1 + "/tree_param/num_nodes: is 8, left_children has 7 numbers", true},
		{tree("tree_param"), members{{"num_nodes", "99999999999"}}, tree1 + "/tree_param/num_nodes: want a whole number from 0 to 268435456", true},
		{tree("tree_param"), members{{"size_leaf_vector", "2"}}, tree1 + "/tree_param/size_leaf_vector: is 2, of other trees 1", true},
	} {
		m := makeModel(2, 2, 3)
		// The first tree splits on the last feature.
		m = m.set(ints(2, 0, 1, 0, 0, 0, 0), in("trees", "0", "split_indices")...).set(tt.value, tt.path...)
		for form, data := range map[string][]byte{"JSON": asJSON(m), "UBJSON": asUBJSON(m)} {
			e := refused(t, data)
			got := e.Path + ": " + e.Reason
			if got != tt.fault && !(strings.HasSuffix(tt.fault, ": ") && strings.HasPrefix(got, tt.fault)) {
				t.Errorf("%v in %s: got %q, want %q", tt.path, form, got, tt.fault)
			}
			if tt.placed != (e.Offset > 0) {
				t.Errorf("%v in %s: got byte %d, has a place: %v", tt.path, form, e.Offset, tt.placed)
			}
		}
	}
}

// vector is a model with leaves of 2 numbers.
func vector(leaf bool) members {
	m := makeModel(1, 1, 2)
	at := func(path ...string) []string {
		return append([]string{"learner", "gradient_booster", "model", "trees", "0"}, path...)
	}
	m = m.set("2", "learner", "learner_model_param", "num_target").set("2", at("tree_param", "size_leaf_vector")...).
		set([]float32{1, 2, 3, 4, 5, 6}, at("base_weights")...)
	if leaf {
		m = m.set([]float32{10, 20, 30, 40}, at("leaf_weights")...).set([]int32{2, 1, 0}, at("right_children")...)
	}
	return m
}

func TestVectorLeaves(t *testing.T) {
	at := func(path ...string) []string {
		return append([]string{"learner", "gradient_booster", "model", "trees", "0"}, path...)
	}
	for _, tt := range []struct {
		leaf bool
		want string
	}{{false, "[3 4 5 6]"}, {true, "[30 40 10 20]"}} {
		got, err := readAll(reader(asJSON(vector(tt.leaf))))
		if err != nil {
			t.Fatal(err)
		}
		if values := fmt.Sprint(got.m.Trees[0].Values); values != tt.want || got.m.LeafWidth != 2 {
			t.Errorf("got %v, width %d, want %s", values, got.m.LeafWidth, tt.want)
		}
	}
	for _, tt := range []struct {
		m     members
		fault string
	}{
		{vector(false).set([]float32{1, 2}, at("base_weights")...), tree0 + "/base_weights: has 2 numbers, want 2 for each of 3 nodes"},
		{vector(false).set(nil, at("base_weights")...), tree0 + ": has neither leaf_weights nor base_weights, and leaves of 2 numbers"},
		{vector(true).set([]float32{1, 2, 3}, at("leaf_weights")...), tree0 + "/leaf_weights: has 3 numbers, no multiple of 2"},
		{vector(true).set([]int32{2, 2, 0}, at("right_children")...), tree0 + "/right_children/1: the leaf 2 is none of 2"},
		{vector(true).set([]int32{2, -1, 0}, at("right_children")...), tree0 + "/right_children/1: the leaf -1 is none of 2"},
		{vector(true).set([]float32{1, 2, 3, float32(math.NaN())}, at("leaf_weights")...), tree0 + "/leaf_weights/1: is not finite"},
		{vector(true).set("3", "learner", "learner_model_param", "num_target"), tree0 + "/tree_param/size_leaf_vector: is 2, the model has 3 outputs"},
	} {
		if e := refused(t, asJSON(tt.m)); e.Path+": "+e.Reason != tt.fault {
			t.Errorf("got %q, want %q", e.Path+": "+e.Reason, tt.fault)
		}
	}
}

// categorical is a model whose root and left child split by categories.
func categorical() members {
	m := makeModel(1, 2, 2)
	for key, value := range map[string]any{
		"split_type": []uint8{1, 1, 0, 0, 0, 0, 0}, "categories": []int32{5, 1, 7}, "categories_nodes": []int32{0, 1},
		"categories_segments": []int32{0, 2}, "categories_sizes": []int32{2, 1},
		"default_left": []uint8{1, 0, 1, 0, 0, 0, 0},
	} {
		m = m.set(value, "learner", "gradient_booster", "model", "trees", "0", key)
	}
	return m
}

func TestCategoricalSplits(t *testing.T) {
	got, err := readAll(reader(asJSON(categorical())))
	if err != nil {
		t.Fatal(err)
	}
	tree := got.m.Trees[0]
	root, left := tree.Nodes[0], tree.Nodes[1]
	if s := fmt.Sprint(tree.Sets, root.Left, root.Right, root.MissingLeft, root.Value, left.Left, left.Right, left.MissingLeft, left.Value); s !=
		"[[1 5] [7]] 2 1 false 0 4 3 true 1" {
		t.Errorf("got %s", s)
	}
	for _, tt := range []struct {
		key   string
		value any
		fault string
	}{
		{"categories", nil, ": has splits by categories and no member categories"},
		{"categories_nodes", []int32{0}, "/categories_nodes: has 1 numbers, categories_segments 2, categories_sizes 2"},
		{"categories_nodes", []int32{0, 0}, "/categories_nodes/1: the node 0 is none of 7, or stands twice"},
		{"categories_nodes", []int32{0, 7}, "/categories_nodes/1: the node 7 is none of 7, or stands twice"},
		{"categories_nodes", []int32{0, 2}, "/split_type/1: a split by categories without a place in categories_nodes"},
		{"categories_segments", []int32{0, 1}, "/categories_segments/1: the categories 1 to 1 are not among 3, or another node's too"},
		{"categories_segments", []int32{-1, 1}, "/categories_segments/0: the categories -1 to 0 are not among 3, or another node's too"},
		{"categories_sizes", []int32{2, 2}, "/categories_segments/1: the categories 2 to 3 are not among 3, or another node's too"},
		{"categories_sizes", []int32{2, -1}, "/categories_segments/1: the categories 2 to 0 are not among 3, or another node's too"},
		{"categories", []int32{5, -1, 7}, "/categories/1: -1 is no category"},
		{"categories", []int32{5, 1, 1 << 24}, "/categories/2: 16777216 is no category"},
	} {
		e := refused(t, asJSON(categorical().set(tt.value, "learner", "gradient_booster", "model", "trees", "0", tt.key)))
		if e.Path+": "+e.Reason != tree0+tt.fault {
			t.Errorf("%s: got %q, want %q", tt.key, e.Path+": "+e.Reason, tree0+tt.fault)
		}
	}
	doubled := members{{"offsets", []int32{0, 1, 2}}, {"values", []int32{'a', 'a'}}}
	m := makeModel(1, 1, 1).set(list{"c"}, "learner", "feature_types").set(list{doubled}, "learner", "gradient_booster", "model", "cats", "enc")
	if e := refused(t, asJSON(m)); e.Path+": "+e.Reason != "/learner/gradient_booster/model/cats/enc/0/offsets/1: the category \"a\" stands twice" {
		t.Errorf("got %v", e)
	}
	m = m.set(list{members{{"type", 9}, {"values", list{0.1, 0.10000000001}}}}, "learner", "gradient_booster", "model", "cats", "enc")
	if e := refused(t, asJSON(m)); !strings.Contains(e.Error(), "/cats/enc/0/values/1: ") {
		t.Errorf("got %v", e)
	}
}

// TestTruncated: a file that ends anywhere is refused, with the place.
func TestTruncated(t *testing.T) {
	m := makeModel(1, 2, 2)
	for form, data := range map[string][]byte{"JSON": asJSON(m), "UBJSON": asUBJSON(m)} {
		for n := range len(data) {
			if e := refused(t, data[:n]); n > 10 && (e.Offset < 0 || e.Reason == "") {
				t.Fatalf("%s of %d bytes: got %v", form, n, e)
			}
		}
		if e := refused(t, append(data, '!')); e.Reason != "unexpected '!' after the model" || e.Offset != int64(len(data)) {
			t.Errorf("%s and more: got %v", form, e)
		}
	}
}

// TestTwice: a member that stands twice, whatever it is.
func TestTwice(t *testing.T) {
	m := makeModel(1, 1, 2)
	for _, path := range [][]string{{"version"}, {"learner", "objective"}, {"learner", "gradient_booster", "model", "trees"}} {
		above := path[:len(path)-1]
		key := path[len(path)-1]
		var twice members
		if len(above) == 0 {
			twice = append(append(members{}, m...), pair{key, 1})
		} else {
			twice = m.set(append(append(members{}, find(m, above).(members)...), pair{key, 1}), above...)
		}
		for _, data := range [][]byte{asJSON(twice), asUBJSON(twice)} {
			if e := refused(t, data); e.Path != "/"+strings.Join(path, "/") || e.Reason != "stands twice" {
				t.Errorf("%v: got %v", path, e)
			}
		}
	}
}

func find(v any, path []string) any {
	for _, key := range path {
		for _, p := range v.(members) {
			if p.key == key {
				v = p.value
				break
			}
		}
	}
	return v
}

// TestHostile: files that promise or nest more than they hold end soon, and in
// memory that their own size bounds.
func TestHostile(t *testing.T) {
	head := "{\"learner\":{\"gradient_booster\":{\"model\":{\"trees\":[{\"left_children\":"
	ubj := func(rest string) []byte {
		m := members{{"learner", members{{"gradient_booster", members{{"model", members{{"trees", nil}}}}}}}}
		b := asUBJSON(m)
		return append(b[:bytes.LastIndexByte(b, 'Z')], rest...)
	}
	for _, tt := range []struct {
		name, fault string
		data        []byte
	}{
		{"deep arrays", "values are nested deeper than 64", []byte("{\"x\":" + strings.Repeat("[", 1<<20))},
		{"deep objects", "values are nested deeper than 64", []byte(strings.Repeat("{\"learner\":", 1<<18))},
		{"deep and skipped", "values are nested deeper than 64", []byte("{\"x\":" + strings.Repeat("{\"learner\":[", 1<<18))},
		{"deep UBJSON", "values are nested deeper than 64", []byte("{i\x01x" + strings.Repeat("[", 1<<20) + key)},
		{"a long number", "a number of more than 512 bytes", []byte(head + "[" + strings.Repeat("1", 1<<20))},
		{"a long key", "a text of more than 1048576 bytes", []byte("{\"" + strings.Repeat("k", 1<<21))},
		{"no number", "unexpected 't'", []byte(head + "[1,true]")},
		{"a fraction", notInt32, []byte(head + "[1,1.5]")},
		{"beyond 32 bits", notInt32, []byte(head + "[1,2147483648]")},
		{"a text of 2^62 bytes", "a text of more than 1048576 bytes", append([]byte("{i\x07learner{i\x09objective{i\x04nameSL\x40"), make([]byte, 7)...)},
		{"a skipped text of 2^62 bytes", "the file ends here: copy or save it again", append([]byte("{i\x07learner{i\x09somethingSL\x40"), make([]byte, 7)...)},
		{"2^62 trees", "the file ends here: copy or save it again", ubj("[#L\x40\x00\x00\x00\x00\x00\x00\x00")},
		{"2^62 numbers", "the file ends here: copy or save it again", ubj("[{i\x0dleft_children[$l#L\x40\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01")},
		{"2^62 truths", "an array of the type 'T'", ubj("[{i\x0cdefault_left[$T#L\x40\x00\x00\x00\x00\x00\x00\x00")},
		{"2^62 nulls", "an array of the type 'Z'", ubj("[$Z#L\x40\x00\x00\x00\x00\x00\x00\x00")},
		{"a negative count", "a count of -1", ubj("[#i\xff")},
		{"a count that is no whole number", "'d' is no type of a count", ubj("[#d\x00\x00\x00\x00")},
		{"an unknown type", "'H' is no type of a value that models have", ubj("H")},
		{"no numbers", "want a number, not a text", ubj("[{i\x0dleft_children[Si\x01a")},
		{"no bits", notBit, ubj("[{i\x0cdefault_left[$i#i\x02\x01\x02")},
		{"no 32 bits", notInt32, ubj("[{i\x0dleft_children[$L#i\x01\x01\x00\x00\x00\x00\x00\x00\x00")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			e := refused(t, tt.data)
			runtime.ReadMemStats(&after)
			if e.Reason != tt.fault {
				t.Errorf("got %v, want %q", e, tt.fault)
			}
			if got, most := after.TotalAlloc-before.TotalAlloc, uint64(len(tt.data))*16+1<<20; got > most {
				t.Errorf("took %d bytes for a file of %d, want at most %d", got, len(tt.data), most)
			}
		})
	}
}

// TestDeepTree: a chain is a tree up to the depth that models may have.
func TestDeepTree(t *testing.T) {
	chain := func(depth int) []byte {
		n := 2*depth + 1
		left, right := make([]int32, n), make([]int32, n)
		for i := range n {
			left[i], right[i] = -1, -1
			if i%2 == 0 && i < n-1 {
				left[i], right[i] = int32(i+1), int32(i+2)
			}
		}
		m := makeModel(1, 1, 1)
		for key, value := range map[string]any{"left_children": left, "right_children": right, "split_indices": make([]int32, n),
			"split_conditions": make([]float32, n), "default_left": make([]uint8, n), "split_type": make([]uint8, n), "tree_param": members{}} {
			m = m.set(value, "learner", "gradient_booster", "model", "trees", "0", key)
		}
		return asUBJSON(m)
	}
	if _, err := readAll(reader(chain(4096))); err != nil {
		t.Error(err)
	}
	if e := refused(t, chain(4097)); e.Path != tree0+"/left_children/8192" || e.Reason != "the tree is deeper than 4096" {
		t.Errorf("got %v", e)
	}
}

// TestOneLeaf: a tree may be one leaf, and a model may have no trees.
func TestOneLeaf(t *testing.T) {
	got, err := readAll(reader(asJSON(makeModel(2, 0, 1))))
	if err != nil || len(got.m.Trees) != 2 || len(got.m.Trees[0].Nodes) != 1 {
		t.Errorf("got %+v, %v", got.m, err)
	}
	got, err = readAll(reader(asJSON(makeModel(0, 0, 1))))
	if err != nil || len(got.m.Trees) != 0 || len(got.m.Iterations) != 0 {
		t.Errorf("got %+v, %v", got.m, err)
	}
}

// TestOrder: trees stand where their ids say, with what is told of them.
func TestOrder(t *testing.T) {
	m := makeModel(3, 2, 4)
	want, err := readAll(reader(asJSON(m)))
	if err != nil {
		t.Fatal(err)
	}
	trees := find(m, []string{"learner", "gradient_booster", "model", "trees"}).(list)
	got, err := readAll(reader(asJSON(m.set(list{trees[2], trees[0], trees[1]}, "learner", "gradient_booster", "model", "trees"))))
	if err != nil || !same(got, want) {
		t.Errorf("another model, or %v", err)
	}
}

// TestUnreached: nodes that the root does not reach may hold anything.
func TestUnreached(t *testing.T) {
	m := makeModel(1, 1, 2)
	for key, value := range map[string]any{
		"left_children": []int32{1, -1, -1, 77}, "right_children": []int32{2, -1, -1, 0}, "split_indices": []int32{0, 0, 0, -3},
		"split_conditions": []float32{0, 1, 2, float32(math.NaN())}, "default_left": []uint8{0, 0, 0, 0}, "split_type": []uint8{0, 0, 0, 0},
		"tree_param": members{},
	} {
		m = m.set(value, "learner", "gradient_booster", "model", "trees", "0", key)
	}
	got, err := readAll(reader(asJSON(m)))
	if err != nil || fmt.Sprint(got.m.Trees[0].Values) != "[1 2]" {
		t.Errorf("got %+v, %v", got.m, err)
	}
}
