package xgboost

import (
	"example.com/copse/pkg/format/readerr"
	"example.com/copse/pkg/ir"
)

const maxOutputs = ir.MaxOutputs

// booster is gradient_booster: trees, or the weights of a linear model.
type booster struct {
	at   int64  // in the file
	name string // gbtree, dart or gblinear

	trees    []ir.Tree
	places   []int64 // of the trees in the file
	ids      []int32 // of the trees
	width    int     // of their leaves
	columns  columns
	noBase   bool // base_weights of trees are not needed
	numTrees int  // as the file says, or -1
	parallel int  // trees of a forest that is one iteration's; 0 where not told
	group    []int32
	starts   []int32   // iteration_indptr
	drop     []float32 // weight_drop
	cats     []category

	weights []float32
}

// gradientBooster reads the member of that name. Its form depends on its name,
// which may come last, so all forms are read alike: gbtree and gblinear have
// their model in it, dart one level deeper, with weight_drop beside it (since
// 3.3 weight_drop is in the model of a gbtree).
func (f *file) gradientBooster() {
	f.booster = booster{at: f.offset(), numTrees: -1}
	f.object(func(key []byte) {
		switch string(key) {
		case "name":
			f.booster.name = string(f.text())
		case "model":
			f.object(f.boosterModel)
		case "gbtree":
			f.object(func(key []byte) {
				if string(key) == "model" {
					f.object(f.boosterModel)
					return
				}
				f.skip()
			})
		case "weight_drop":
			f.booster.drop = f.floats(f.booster.drop)
		default:
			f.skip()
		}
	})
	if f.err != nil {
		return
	}
	switch f.booster.name {
	case "gbtree", "dart", "gblinear", "":
	default:
		f.failAt(f.booster.at, "/name", "the booster %q is not known: this version reads gbtree, dart and gblinear", clip(f.booster.name))
	}
}

// boosterModel reads a member of the model of any booster.
func (f *file) boosterModel(key []byte) {
	b := &f.booster
	switch string(key) {
	case "gbtree_model_param":
		f.object(func(key []byte) {
			switch string(key) {
			case "num_trees":
				b.numTrees = f.count(ir.MaxTrees)
			case "num_parallel_tree":
				b.parallel = f.count(ir.MaxTrees)
			default:
				f.skip()
			}
		})
	case "trees":
		if len(b.trees) > 0 {
			f.fail("the file has trees in two places")
			return
		}
		f.array(f.tree)
	case "tree_info":
		b.group = f.ints(b.group)
	case "iteration_indptr":
		b.starts = f.ints(b.starts)
	case "weight_drop":
		b.drop = f.floats(b.drop)
	case "cats":
		f.object(f.categories)
	case "weights":
		b.weights = f.floats(b.weights)
	default:
		f.skip()
	}
}

// clip makes a text of the file fit for an error.
func clip(s string) string {
	const longest = 64
	return readerr.Clip(s, longest)
}
