package lightgbm

import (
	"bytes"
	"strconv"

	"example.com/copse/pkg/ir"
)

// objective is what the model was trained for, and so what its margins mean.
type objective struct {
	name    string // LightGBM's own word, or "" where the file has none
	classes int    // of multiclass and multiclassova, else 0
	finish  ir.Finish
}

// readObjective reads objective=NAME PARAMETER…, where a parameter is sqrt or
// KEY:VALUE. Only sqrt, num_class and sigmoid matter to a prediction.
func (f *file) readObjective() error {
	const key = "objective"
	o := &f.header.objective
	word, err := f.word()
	if err != nil {
		return err
	}
	o.name = string(word)
	root, sigmoid := false, 0.0
	for {
		if word, err = f.word(); err != nil {
			return err
		}
		if len(word) == 0 {
			break
		}
		name, value, _ := bytes.Cut(word, []byte(":"))
		ok := true
		switch string(name) {
		case "sqrt":
			root = true
		case "num_class":
			var n int64
			n, ok = integer(value)
			ok = ok && n > 0 && n <= ir.MaxOutputs
			o.classes = int(n)
		case "sigmoid":
			sigmoid, ok = atof(value)
			ok = ok && sigmoid > 0
		}
		if !ok {
			return f.fail(key, "no such parameter: %s", quote(word))
		}
	}
	return f.setLink(root, sigmoid)
}

// setLink sets what LightGBM's ConvertOutput does for the objective.
func (f *file) setLink(root bool, sigmoid float64) error {
	o := &f.header.objective
	switch o.name {
	case "regression", "regression_l1", "fair", "quantile", "mape":
		if root {
			o.finish.Link = ir.SignedSquare
		}
	case "huber", "lambdarank", "rank_xendcg", "custom", "none", "null", "na", "":
	case "poisson", "gamma", "tweedie":
		o.finish.Link = ir.Exp
	case "binary", "multiclassova":
		if sigmoid == 0 {
			return f.fail("objective", "%s has no sigmoid parameter", o.name)
		}
		o.finish.Link, o.finish.Param = ir.Sigmoid, sigmoid
	case "multiclass":
		o.finish.Link = ir.Softmax
	case "cross_entropy", "xentropy":
		o.finish.Link, o.finish.Param = ir.Sigmoid, 1
	case "cross_entropy_lambda", "xentlambda":
		o.finish.Link = ir.Log1pExp
	default:
		return f.fail("objective", "is %s, which is none of LightGBM's: what its values mean is not known", quote([]byte(o.name)))
	}
	return nil
}

// checkObjective holds the objective against the number of classes.
func (f *file) checkObjective() error {
	h := &f.header
	switch h.objective.name {
	case "custom", "none", "null", "na", "":
		return nil // one margin a class, whatever they mean
	case "multiclass", "multiclassova":
		if h.objective.classes != h.classes {
			return f.fail("objective", "is of %d classes, but num_class is %d", h.objective.classes, h.classes)
		}
	default:
		if h.classes != 1 {
			return f.fail("objective", "is %s, which has one output, but num_class is %d", h.objective.name, h.classes)
		}
	}
	return nil
}

// labels are the numbers of the classes: the file has no texts for them.
func (o *objective) labels(classes int) []string {
	switch o.name {
	case "binary":
		return []string{"0", "1"}
	case "multiclass", "multiclassova":
		out := make([]string, classes)
		for i := range out {
			out[i] = strconv.Itoa(i)
		}
		return out
	}
	return nil
}
