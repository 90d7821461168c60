package xgboost

import (
	"strconv"
	"unicode/utf8"

	"example.com/copse/pkg/format/readerr"
	"example.com/copse/pkg/ir"
	"example.com/copse/pkg/schema"
)

// Paths of what is judged at the end.
const (
	paramPath   = "/learner/learner_model_param"
	namesPath   = "/learner/feature_names"
	typesPath   = "/learner/feature_types"
	boosterPath = "/learner/gradient_booster"
	modelPath   = boosterPath + "/model"
)

// model puts the parts together.
func (f *file) model() (*ir.Model, schema.Document, error) {
	o := f.known()
	m := &ir.Model{
		Library: Library, Version: f.version, Objective: f.objective,
		Input: ir.Float32, Sum: ir.Float32, Codes: ir.CodeNonNegative,
		Outputs: max(f.param.classes, f.param.targets, 1), LeafWidth: 1, BestIteration: f.best,
		Finish: ir.Finish{Link: o.link, Returns: o.returns},
	}
	m.Labels = labels(o.task, m.Outputs)
	doc := schema.Document{Labels: m.Labels}
	if !o.known {
		doc.Description = "The objective " + strconv.Quote(clip(f.objective)) + " is none of XGBoost's own: values are margins."
	}
	for _, part := range []func(*ir.Model, *schema.Document, objective){f.features, f.base, f.trees, f.linear} {
		if part(m, &doc, o); f.err != nil {
			return nil, doc, f.err
		}
	}
	return m, doc, nil
}

// known is the objective as the version that wrote the file had it.
func (f *file) known() objective {
	o := objectiveOf(f.objective)
	switch {
	case f.objective == "binary:logitraw" && (f.before(1, 3) || f.release == [3]int32{1, 3, 0}):
		o.start = logit
	case f.objective == "reg:quantileerror" && f.param.targets > 1 && !f.before(3, 4):
		o.link = ir.Ascending
	}
	return o
}

// labels are the class numbers: the file has no names of classes. A binary
// objective with several outputs answers several questions, not which class.
func labels(t task, outputs int) (list []string) {
	n := outputs
	switch {
	case t == regression || t == twoClasses && outputs > 1:
		return nil
	case t == twoClasses:
		n = 2
	}
	for i := range n {
		list = append(list, strconv.Itoa(i))
	}
	return list
}

// refuse is fail for what is judged at the end.
func (f *file) refuse(at int64, path, reason string, args ...any) {
	f.path = f.path[:0]
	f.failAt(at, path, reason, args...)
}

// features names the features and says what they take.
func (f *file) features(m *ir.Model, doc *schema.Document, _ objective) {
	n := f.param.features
	switch {
	case n == 0:
		f.refuse(f.param.at, paramPath+"/num_feature", "want a whole number from 1 to %d", maxFeatures)
	case len(f.names) != 0 && len(f.names) != n:
		f.refuse(readerr.Nowhere, namesPath, "has %d names, num_feature is %d", len(f.names), n)
	case len(f.types) != 0 && len(f.types) != n:
		f.refuse(readerr.Nowhere, typesPath, "has %d types, num_feature is %d", len(f.types), n)
	case len(f.booster.cats) > n:
		f.refuse(readerr.Nowhere, modelPath+"/cats/enc", "has %d features, num_feature is %d", len(f.booster.cats), n)
	}
	seen := make(map[string]bool, n)
	for i := 0; i < n && f.err == nil; i++ {
		name, typ, cat := "f"+strconv.Itoa(i), "", category{at: readerr.Nowhere}
		if len(f.names) > 0 {
			name = f.names[i]
		}
		if len(f.types) > 0 {
			typ = f.types[i]
		}
		if i < len(f.booster.cats) {
			cat = f.booster.cats[i]
		}
		f.judgeName(i, name, seen)
		seen[name] = true
		m.FeatureNames = append(m.FeatureNames, name)
		doc.Features = append(doc.Features, f.feature(&cat, name, typ))
		if typ == "c" {
			f.judgeCategory(m, i, &cat)
		}
	}
}

func (f *file) judgeName(i int, name string, seen map[string]bool) {
	path := namesPath + "/" + strconv.Itoa(i)
	switch {
	case name == "":
		f.refuse(readerr.Nowhere, path, "an empty name: name the features and save the model again")
	case !utf8.ValidString(name):
		f.refuse(readerr.Nowhere, path, "the name is not UTF-8")
	case utf8.RuneCountInString(name) > maxName:
		f.refuse(readerr.Nowhere, path, "the name has more than %d characters", maxName)
	case seen[name]:
		f.refuse(readerr.Nowhere, path, "%q stands twice", name)
	}
}

// judgeCategory checks the categories of feature i, and sets up numbers to
// become codes.
func (f *file) judgeCategory(m *ir.Model, i int, c *category) {
	path := modelPath + "/cats/enc/" + strconv.Itoa(i)
	seen := make(map[string]bool, len(c.texts))
	for k, t := range c.texts {
		if seen[t] && f.readable(c) {
			f.refuse(c.at, path+"/offsets/"+strconv.Itoa(k), "the category %q stands twice", clip(t))
			return
		}
		seen[t] = true
	}
	if len(c.numbers) == 0 {
		return
	}
	numbers := make(map[float64]bool, len(c.numbers))
	for k, x := range c.numbers {
		// Rows come as float32, so categories are told apart as such.
		c.numbers[k] = float64(float32(x))
		if !roundable(x) || numbers[c.numbers[k]] {
			f.refuse(c.at, path+"/values/"+strconv.Itoa(k), "the category %v is no finite float32, or stands twice as such", x)
			return
		}
		numbers[c.numbers[k]] = true
	}
	if m.Recode == nil {
		m.Recode = make([][]float64, f.param.features)
	}
	m.Recode[i] = c.numbers
}

// base makes margins of base scores.
func (f *file) base(m *ir.Model, _ *schema.Document, o objective) {
	scores := f.param.base
	path := paramPath + "/base_score"
	switch {
	case len(scores) == 0:
		f.refuse(f.param.at, path, "want a number, or a list of numbers, as a text")
		return
	case len(scores) == 1:
		for len(scores) < m.Outputs {
			scores = append(scores, scores[0])
		}
	case len(scores) != m.Outputs:
		f.refuse(f.param.at, path, "has %d numbers, the model %d outputs", len(scores), m.Outputs)
		return
	}
	if i := o.start.margins(scores); i >= 0 {
		f.refuse(f.param.at, path, "%v is no base score of %s", scores[i], clip(f.objective))
		return
	}
	for _, b := range scores {
		m.Base = append(m.Base, float64(b))
	}
}

// trees puts the trees in their order and says which output each adds to.
func (f *file) trees(m *ir.Model, _ *schema.Document, _ objective) {
	b := &f.booster
	n := len(b.trees)
	switch {
	case b.name == "gblinear":
		return
	case b.numTrees >= 0 && b.numTrees != n:
		f.refuse(b.at, modelPath+"/gbtree_model_param/num_trees", "is %d, the file has %d trees", b.numTrees, n)
	case len(b.group) != n:
		f.refuse(b.at, modelPath+"/tree_info", "has %d numbers, the file %d trees", len(b.group), n)
	case b.width > 1 && b.width != m.Outputs:
		f.refuse(b.at, modelPath+"/trees/0/tree_param/size_leaf_vector", "is %d, the model has %d outputs", b.width, m.Outputs)
	}
	f.order()
	if f.err != nil {
		return
	}
	m.Trees, m.LeafWidth = b.trees, max(b.width, 1)
	for t := range m.Trees {
		if b.group[t] < 0 || int(b.group[t]) >= m.Outputs {
			f.refuse(b.at, modelPath+"/tree_info/"+strconv.Itoa(t), "is %d, the model has %d outputs", b.group[t], m.Outputs)
			return
		}
		m.Trees[t].Group = int(b.group[t])
		f.judgeFeatures(t, m.Trees[t].Nodes)
	}
	f.weigh(m)
	f.lateBase(m)
	f.iterations(m)
}

// order sorts the trees by their ids, which are their places.
func (f *file) order() {
	b := &f.booster
	sorted := true
	for i, id := range b.ids {
		sorted = sorted && int(id) == i
	}
	if sorted || f.err != nil {
		return
	}
	trees, places := make([]ir.Tree, len(b.trees)), make([]int64, len(b.trees))
	for i, id := range b.ids {
		if int(id) >= len(trees) || trees[id].Nodes != nil {
			f.refuse(b.places[i], modelPath+"/trees/"+strconv.Itoa(i)+"/id", "is %d: not below %d, or another tree's too", id, len(trees))
			return
		}
		trees[id], places[id] = b.trees[i], b.places[i]
	}
	b.trees, b.places = trees, places
}

func (f *file) judgeFeatures(t int, nodes []ir.Node) {
	for i := range nodes {
		if n := nodes[i].Feature; int(n) >= f.param.features {
			f.refuse(f.booster.places[t], modelPath+"/trees/"+strconv.Itoa(t)+"/split_indices/"+strconv.Itoa(i),
				"is %d, num_feature is %d", n, f.param.features)
			return
		}
	}
}

// weigh multiplies leaves by the weights of their trees (dart), in float32 as
// predict does. Trees beyond the weights count as they are.
func (f *file) weigh(m *ir.Model) {
	if len(f.booster.drop) > len(m.Trees) || f.booster.name == "dart" && len(f.booster.drop) != len(m.Trees) {
		f.refuse(f.booster.at, boosterPath+"/weight_drop", "has %d numbers, the file %d trees", len(f.booster.drop), len(m.Trees))
		return
	}
	for t, w := range f.booster.drop {
		values := m.Trees[t].Values
		for i, v := range values {
			values[i] = float64(float32(v) * w)
		}
	}
}

// lateBase adds the base scores to the finished sums, not the sums to them: so
// did the versions before 1.3 (PredValue in src/predictor/cpu_predictor.cc),
// and before 1.4 for dart (in src/gbm/gbtree.cc).
func (f *file) lateBase(m *ir.Model) {
	if f.before(1, 3) || f.before(1, 4) && f.booster.name == "dart" {
		m.Base, m.Bias = make([]float64, m.Outputs), m.Base
	}
}

// before says whether an older version wrote the file. One without a version
// counts as new.
func (f *file) before(major, minor int32) bool {
	r := f.release
	return f.version != "" && (r[0] < major || r[0] == major && r[1] < minor)
}

// iterations says where each boosting iteration's trees begin: as the file has
// it (since 2.0), else an iteration is num_parallel_tree trees for each output.
// Before 1.4 the file does not tell num_parallel_tree; then it is how many of
// the first trees are for the first output, or 1.
func (f *file) iterations(m *ir.Model) {
	b := &f.booster
	n := len(m.Trees)
	if len(b.starts) == 0 {
		each := b.forest(m) * b.groups(m)
		for at := 0; at+each <= n; at += each {
			m.Iterations = append(m.Iterations, int32(at))
		}
		if len(m.Iterations) > 0 {
			m.Iterations = append(m.Iterations, m.Iterations[len(m.Iterations)-1]+int32(each))
		}
		return
	}
	for i, at := range b.starts {
		if i == 0 && at != 0 || i > 0 && at < b.starts[i-1] || i == len(b.starts)-1 && int(at) != n {
			f.refuse(b.at, modelPath+"/iteration_indptr/"+strconv.Itoa(i), "is %d: want them to rise from 0 to %d, the number of trees", at, n)
			return
		}
	}
	if n > 0 {
		m.Iterations = b.starts
	}
}

// groups is how many outputs an iteration has trees for.
func (b *booster) groups(m *ir.Model) int {
	if b.width > 1 {
		return 1
	}
	return m.Outputs
}

// forest is num_parallel_tree.
func (b *booster) forest(m *ir.Model) int {
	if b.parallel > 0 || b.groups(m) == 1 {
		return max(b.parallel, 1)
	}
	n := 0
	for n < len(b.group) && b.group[n] == b.group[0] {
		n++
	}
	return max(n, 1)
}

// linear makes a program of a gblinear's weights: for each output its bias, then
// what each feature that is not missing adds, in their order. The bias stands
// after the weights; all outputs begin at the first base score
// (GBLinear::PredictBatchInternal).
func (f *file) linear(m *ir.Model, _ *schema.Document, _ objective) {
	b := &f.booster
	if b.name != "gblinear" {
		return
	}
	rows, k := f.param.features, m.Outputs
	if len(b.weights) != (rows+1)*k {
		f.refuse(b.at, modelPath+"/weights", "has %d numbers, want %d: %d features and a bias for each of %d outputs",
			len(b.weights), (rows+1)*k, rows, k)
		return
	}
	data := make([]float64, len(b.weights))
	for i, w := range b.weights {
		if i >= rows*k {
			w += float32(m.Base[0])
		}
		if w-w != 0 {
			f.refuse(b.at, modelPath+"/weights/"+strconv.Itoa(i), "is not finite")
			return
		}
		data[i] = float64(w)
	}
	m.Program = &ir.Program{
		Registers: []ir.Register{{Width: rows, Type: ir.TypeFloat32}, {Width: k, Type: ir.TypeFloat32}},
		Steps:     []ir.Step{{Kind: ir.MatMul, Fn: ir.FnBiasFirst, In: []int32{0}, Out: 1, Ints: []int{1, rows, k}, Data: data}},
		Output:    1,
		Class:     ir.NoRegister,
	}
	m.Base, m.LeafWidth = nil, 1
}
