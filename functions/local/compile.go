package local

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"example.com/copse/pkg/predict"
	"example.com/copse/pkg/registry"
	"example.com/copse/pkg/schema"
)

// compileFlags are the flags of copse compile.
type compileFlags struct{ out, name, schema, labels string }

func newCompile() *cobra.Command {
	var flags compileFlags
	c := &cobra.Command{
		Use:   "compile PATH -o OUT.copse",
		Short: "Compile a model file to the bundle that functions load",
		Long: `compile reads a model file, checks it, and writes a .copse bundle: it loads
without parsing, has checksums, and carries rows with their expected answers,
which every function checks when it starts. The same input gives the same bytes.

--schema replaces what the file says about its features: units, ranges, missing
values. Its features must have the model's names, in any order.`,
		Example: `  copse compile forest.golearn -o forest.copse
  copse compile forest.golearn --schema iris.json --labels setosa,versicolor,virginica -o iris.copse`,
		Args: exactly(1, "one model file"),
		RunE: func(c *cobra.Command, args []string) error {
			data, err := compileFile(args[0], flags)
			if err != nil {
				return err
			}
			out, err := openOutput(flags.out, c.OutOrStdout())
			if err != nil {
				return err
			}
			_, err = out.Write(data)
			return out.finish(err)
		},
	}
	c.Flags().StringVarP(&flags.out, "out", "o", "", "bundle to write (required)")
	c.Flags().StringVar(&flags.name, "name", "", "name of the model (default: the file's)")
	c.Flags().StringVar(&flags.schema, "schema", "", "schema file in JSON")
	c.Flags().StringVar(&flags.labels, "labels", "", "class labels in the order of the model's outputs, comma-separated")
	_ = c.MarkFlagRequired("out") // fails for a flag that is not there
	return c
}

func compileFile(path string, flags compileFlags) ([]byte, error) {
	f, err := readModel(path)
	if err != nil {
		return nil, err
	}
	if f.Model == nil {
		return nil, fmt.Errorf("model %s: is a compiled bundle already: load it as it is", path)
	}
	m, doc := f.Model.IR, &f.Model.Schema
	if flags.schema != "" {
		if *doc, err = readSchema(flags.schema, m.FeatureNames); err != nil {
			return nil, err
		}
	}
	if flags.labels != "" {
		doc.Labels = strings.Split(flags.labels, ",")
	}
	if flags.name == "" {
		flags.name = registry.NameOf(path)
	}
	return f.Compile(predict.Info{Name: flags.name}, selfTestRows(m))
}

// readSchema reads a schema file and puts its features in the model's order.
func readSchema(path string, names []string) (schema.Document, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return schema.Document{}, err
	}
	s, err := schema.Parse(data)
	if err != nil {
		return schema.Document{}, fmt.Errorf("%s: %w", path, err)
	}
	doc := *s.Document()
	if len(doc.Features) != len(names) {
		return doc, fmt.Errorf("%s: has %d features, the model %d", path, len(doc.Features), len(names))
	}
	features := make([]schema.Feature, len(names))
	var errs []error
	for i, name := range names {
		at, ok := s.Index([]byte(name))
		if !ok {
			errs = append(errs, fmt.Errorf("%s: the model's feature %q is missing", path, name))
			continue
		}
		features[i] = doc.Features[at]
	}
	doc.Features = features
	return doc, errors.Join(errs...)
}
