package local

import (
	"cmp"
	"slices"

	"github.com/spf13/cobra"

	"example.com/copse/pkg/bulk"
	"example.com/copse/pkg/bundle"
	"example.com/copse/pkg/engine"
	"example.com/copse/pkg/ir"
	"example.com/copse/pkg/predict"
	"example.com/copse/pkg/schema"
)

// description is what `copse inspect --json` prints. Members that a model has
// nothing for are left out.
type description struct {
	Name         string `json:"name"`
	Library      string `json:"library"`
	Version      string `json:"version,omitempty"` // of the library
	Objective    string `json:"objective,omitempty"`
	Returns      string `json:"returns"`                 // what the library's own predict returns
	Source       string `json:"source,omitempty"`        // format of the model file
	SourceSHA256 string `json:"source_sha256,omitempty"` // of the model file
	Bundle       bool   `json:"bundle"`                  // the file is compiled
	Digest       string `json:"digest"`                  // of the bundle that it is, or becomes
	Size         int64  `json:"size"`                    // bytes of the file

	Trees  int        `json:"trees"`
	Depth  int        `json:"depth"` // of the deepest tree
	Leaves int        `json:"leaves"`
	Depths *histogram `json:"depths,omitempty"`          // trees by their depth
	Sizes  *histogram `json:"leaves_of_trees,omitempty"` // trees by their leaves
	Steps  []string   `json:"steps,omitempty"`           // of a program, their kinds in order

	// Iterations are those of boosting that a model file tells apart, and
	// BestIteration the library's own choice among them, from 0.
	Iterations    int  `json:"iterations,omitempty"`
	BestIteration *int `json:"best_iteration,omitempty"`

	Outputs  int              `json:"outputs"`
	Margins  bool             `json:"has_margin"`
	HasLeaf  bool             `json:"has_leaf"`
	Labels   []string         `json:"labels,omitempty"`
	SelfTest int              `json:"self_test_rows"` // of a bundle
	Kernel   kernels          `json:"kernel"`
	Features []schema.Feature `json:"features"`
}

// kernels name the way in which rows are scored.
type kernels struct {
	One  string `json:"one_row"`
	Many string `json:"many_rows"`
}

// histogram counts trees in bins of equal width.
type histogram struct {
	Least int   `json:"least"`
	Most  int   `json:"most"`
	Width int   `json:"width"` // of a bin; the first begins with Least
	Trees []int `json:"trees"` // of each bin
}

func newInspect() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "inspect PATH",
		Short: "Show what a model is: features, outputs, trees, digest",
		Long: `inspect draws a card of a model file, a bundle, or an MLflow folder: where it is
from, its trees or steps, its outputs and what the library's own predict returns,
and its features with types, ranges, categories and what may be missing.

The card is as wide as the terminal, or as COLUMNS says. Without a terminal, and
with NO_COLOR, it has no colours. --json has all of it.`,
		Example: `  copse inspect xgboost.json
  copse inspect churn.copse
  copse inspect --json lightgbm.txt | jq '.features[].name'`,
		Args: exactly(1, "one model file"),
		RunE: func(c *cobra.Command, args []string) error {
			d, err := describe(args[0])
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(c.OutOrStdout(), d)
			}
			return d.draw(c.OutOrStdout())
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print a JSON object")
	return c
}

func describe(path string) (*description, error) {
	f, err := readModel(path)
	if err != nil {
		return nil, err
	}
	size, err := sizeOf(path)
	if err != nil {
		return nil, err
	}
	m, err := openRead(path, f)
	if err != nil {
		return nil, err
	}
	d := describeModel(m, size)
	if f.Model == nil {
		d.Bundle = true
		d.SelfTest, err = selfTestOf(f.Bundle, len(d.Features))
		return d, err
	}
	if n := len(f.Model.IR.Iterations) - 1; n > 0 {
		d.Iterations = n
		if best := f.Model.IR.BestIteration; best >= 0 && best < n {
			d.BestIteration = &best
		}
	}
	return d, nil
}

func selfTestOf(data []byte, features int) (int, error) {
	file, err := bundle.Open(data)
	if err != nil {
		return 0, err
	}
	rows, err := bundle.View[float64](file, bundle.SelfTestRows)
	return len(rows) / max(1, features), err
}

func describeModel(m *predict.Model, size int64) *description {
	i, e := m.Info(), m.Engine()
	a := e.Arrays()
	d := &description{
		Name: cmp.Or(i.Name, m.Name()), Library: i.Library, Version: i.Version, Objective: i.Objective,
		Source: i.Source, SourceSHA256: i.SourceSHA256, Digest: m.Digest(), Size: size,
		Returns: returns(e, i.Labels), Outputs: a.Outputs, Labels: i.Labels,
		Margins: e.HasMargin(), HasLeaf: e.HasLeaves(),
		Kernel:   kernels{e.Kernel(1), e.Kernel(bulk.BlockRows)},
		Features: m.Schema().Document().Features,
	}
	if a.Program != nil {
		for _, s := range a.Program.Steps {
			d.Steps = append(d.Steps, s.Kind.String())
		}
	}
	depths, leaves := treesOf(a)
	if d.Trees = len(depths); d.Trees > 0 {
		d.Depth = slices.Max(depths)
		d.Depths, d.Sizes = count(depths), count(leaves)
	}
	for _, n := range leaves {
		d.Leaves += n
	}
	return d
}

// treesOf are the depth and the leaves of each tree, those of a program's
// steps too.
func treesOf(a *engine.Arrays) (depths, leaves []int) {
	nodes := max(len(a.Nodes32), len(a.Keys64))
	for t, root := range a.Roots {
		end := nodes
		if t+1 < len(a.Roots) {
			end = int(a.Roots[t+1])
		}
		// Each inner node has two children, so leaves are one more than those.
		n := (end - int(root) + 1) / 2
		leaves = append(leaves, n)
		if n == 1 {
			depths = append(depths, 0) // the engine takes one step in such a tree
		} else {
			depths = append(depths, int(a.Depths[t]))
		}
	}
	for i := range a.Parts {
		d, l := treesOf(&a.Parts[i])
		depths, leaves = append(depths, d...), append(leaves, l...)
	}
	return depths, leaves
}

// bins is the most bars of a histogram.
const bins = 16

func count(values []int) *histogram {
	h := &histogram{Least: slices.Min(values), Most: slices.Max(values)}
	h.Width = (h.Most-h.Least)/bins + 1
	h.Trees = make([]int, (h.Most-h.Least)/h.Width+1)
	for _, v := range values {
		h.Trees[(v-h.Least)/h.Width]++
	}
	return h
}

// returns says in words what the library's own predict returns: the kind
// `values`.
func returns(e *engine.Engine, labels []string) string {
	a := e.Arrays()
	switch a.Finish.Returns {
	case ir.ReturnsClass:
		return "the index of the class"
	case ir.ReturnsBoth:
		return "the probabilities of both classes"
	case ir.ReturnsMargin:
		return "the raw scores"
	}
	if a.Program != nil {
		if e.Width() > a.Outputs {
			return "the class, and its scores"
		}
		return "what the graph gives"
	}
	return transformed(a.Finish.Link, len(labels))
}

func transformed(link ir.Link, labels int) string {
	switch link {
	case ir.Identity:
		if labels > 0 {
			return "shares or scores of the classes"
		}
		return "the sum of the leaves"
	case ir.Logistic, ir.Sigmoid, ir.LogisticStable:
		return "a probability: the sigmoid of the raw score"
	case ir.Softmax, ir.SoftmaxZero, ir.FastSoftmax:
		return "probabilities: the softmax of the raw scores"
	case ir.Exp, ir.FastExp:
		return "the exponential of the raw score"
	case ir.SignedSquare:
		return "the square of the raw score, with its sign"
	case ir.Log1pExp:
		return "log(1 + exp(raw score))"
	case ir.Hinge:
		return "1 where the raw score is above 0, else 0"
	case ir.Probit:
		return "the probit of the raw score"
	case ir.Ascending:
		return "the raw scores of a row in ascending order"
	}
	return "a function of the raw scores"
}
