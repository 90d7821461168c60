package local

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"example.com/copse/pkg/predict"
	"example.com/copse/pkg/schema"
)

// description is what `copse inspect --json` prints.
type description struct {
	Name         string           `json:"name"`
	Library      string           `json:"library"`
	Version      string           `json:"version,omitempty"`
	Objective    string           `json:"objective,omitempty"`
	Source       string           `json:"source,omitempty"`
	SourceSHA256 string           `json:"source_sha256,omitempty"`
	Digest       string           `json:"digest"`
	Size         int64            `json:"size"` // bytes of the file
	Trees        int              `json:"trees"`
	Depth        int              `json:"depth"` // of the deepest tree
	Outputs      int              `json:"outputs"`
	Labels       []string         `json:"labels,omitempty"`
	Kernel       kernels          `json:"kernel"`
	Features     []schema.Feature `json:"features"`
}

// kernels name the way in which rows are scored.
type kernels struct {
	One  string `json:"one_row"`
	Many string `json:"many_rows"`
}

func newInspect() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "inspect PATH",
		Short: "Print what a model is: features, outputs, trees, digest",
		Example: `  copse inspect churn.copse
  copse inspect --json model.golearn | jq .features`,
		Args: exactly(1, "one model file"),
		RunE: func(c *cobra.Command, args []string) error {
			d, err := describe(args[0])
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(c.OutOrStdout(), d)
			}
			return d.print(c.OutOrStdout())
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print a JSON object")
	return c
}

func describe(path string) (*description, error) {
	m, err := openModel(path)
	if err != nil {
		return nil, err
	}
	size, err := sizeOf(path)
	if err != nil {
		return nil, err
	}
	return describeModel(m, size), nil
}

func describeModel(m *predict.Model, size int64) *description {
	i, a := m.Info(), m.Engine().Arrays()
	d := &description{
		Name: cmp.Or(i.Name, m.Name()), Library: i.Library, Version: i.Version, Objective: i.Objective,
		Source: i.Source, SourceSHA256: i.SourceSHA256, Digest: m.Digest(), Size: size,
		Trees: len(a.Roots), Outputs: a.Outputs, Labels: i.Labels,
		Kernel:   kernels{m.Engine().Kernel(1), m.Engine().Kernel(blockRows)},
		Features: m.Schema().Document().Features,
	}
	for _, depth := range a.Depths {
		d.Depth = max(d.Depth, int(depth))
	}
	return d
}

func (d *description) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, line := range [][2]string{
		{"name", d.Name},
		{"library", strings.TrimSpace(d.Library + " " + d.Version)},
		{"objective", d.Objective},
		{"source", d.Source},
		{"source digest", d.SourceSHA256},
		{"digest", d.Digest},
		{"size", fmt.Sprintf("%d bytes", d.Size)},
		{"trees", fmt.Sprintf("%d, at most %d deep", d.Trees, d.Depth)},
		{"outputs", fmt.Sprint(d.Outputs)},
		{"labels", strings.Join(d.Labels, ", ")},
		{"kernel", d.Kernel.One + " for one row, " + d.Kernel.Many + " for many"},
	} {
		if line[1] != "" {
			fmt.Fprintf(w, "%s\t%s\n", line[0], line[1])
		}
	}
	fmt.Fprintf(w, "\nfeature\ttype\tunit\trules\tmissing\n")
	for i := range d.Features {
		f := &d.Features[i]
		rules := f.Rules
		if f.Type == schema.Category {
			rules = fmt.Sprintf("one of %d categories", len(f.Categories))
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", f.Name, f.Type, f.Unit, rules, f.Missing)
	}
	return w.Flush()
}
