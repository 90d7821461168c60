package local

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"example.com/copse/functions/local/internal/schemafile"
	"example.com/copse/pkg/format"
	"example.com/copse/pkg/predict"
	"example.com/copse/pkg/registry"
	"example.com/copse/pkg/schema"
)

// compileFlags are the flags of copse compile.
type compileFlags struct{ out, name, schema, schemaFrom, labels, iterations string }

func newCompile() *cobra.Command {
	var flags compileFlags
	c := &cobra.Command{
		Use:   "compile PATH -o OUT.copse",
		Short: "Compile a model file to the bundle that functions load",
		Long: `compile reads a model file, checks it, and writes a .copse bundle: it loads
without parsing, has checksums, and carries rows with their expected answers,
which every function checks when it starts. The same input gives the same bytes.

PATH is a file as XGBoost (JSON, UBJSON), LightGBM (text), CatBoost (JSON), ONNX
or golearn write it, told by its content, or an MLflow model folder.

--schema FILE, in YAML or JSON, says more of the features than the model file
does: units, ranges, missing values, categories, labels. Its features must have
the model's names, in any order; docs/schema.md has all that can be said.

--schema-from ROWS compiles nothing: it reads rows (CSV, JSONL, Parquet) and
writes a schema file that fits them, for you to edit: types, ranges, categories,
examples, and how much is missing. With a model file too, the schema has that
model's features, in its order.`,
		Example: `  copse compile xgboost.json -o churn.copse
  copse compile lightgbm.txt --schema churn.yaml --labels stays,leaves -o churn.copse
  copse compile xgboost.ubj --iterations 0:120 -o churn.copse
  copse compile pipeline.onnx --name churn -o churn.copse
  copse compile mlruns/1/models/m-1/artifacts -o churn.copse
  copse compile --schema-from customers.csv lightgbm.txt -o churn.yaml`,
		Args: func(c *cobra.Command, args []string) error {
			if flags.schemaFrom != "" && len(args) == 0 {
				return nil
			}
			return exactly(1, "one model file")(c, args)
		},
		RunE: func(c *cobra.Command, args []string) error {
			data, err := compileOrPropose(c, args, flags)
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
	c.Flags().StringVarP(&flags.out, "out", "o", "", "bundle to write (required), or with --schema-from the schema file (default: standard output)")
	c.Flags().StringVar(&flags.name, "name", "", "name of the model (default: the file's)")
	c.Flags().StringVar(&flags.schema, "schema", "", "schema file, YAML or JSON")
	c.Flags().StringVar(&flags.schemaFrom, "schema-from", "", "propose a schema file from rows: CSV, JSONL or Parquet")
	c.Flags().StringVar(&flags.labels, "labels", "", "class labels in the order of the model's outputs, comma-separated")
	addIterations(c, &flags.iterations)
	c.MarkFlagsMutuallyExclusive("schema", "schema-from")
	c.MarkFlagsMutuallyExclusive("name", "schema-from")
	c.MarkFlagsMutuallyExclusive("iterations", "schema-from")
	return c
}

func compileOrPropose(c *cobra.Command, args []string, flags compileFlags) ([]byte, error) {
	if flags.schemaFrom != "" {
		return proposeSchema(c, args, flags)
	}
	if flags.out == "" {
		return nil, errors.New(`required flag(s) "out" not set`)
	}
	return compileFile(args[0], flags)
}

func compileFile(path string, flags compileFlags) ([]byte, error) {
	f, err := readSlice(path, flags.iterations)
	if err != nil {
		return nil, err
	}
	if f.Model == nil {
		return nil, fmt.Errorf("model %s: is a compiled bundle already: load it as it is", path)
	}
	doc := &f.Model.Schema
	if flags.schema != "" {
		if *doc, err = readSchema(flags.schema, f.Model); err != nil {
			return nil, err
		}
	}
	if flags.labels != "" {
		doc.Labels = strings.Split(flags.labels, ",")
	}
	if own := len(f.Model.IR.Labels); own > 0 && len(doc.Labels) > 0 && len(doc.Labels) != own {
		return nil, fmt.Errorf("%d labels were given and the model has %d: name all of them, in its order", len(doc.Labels), own)
	}
	if flags.name == "" {
		flags.name = registry.NameOf(path)
	}
	return f.Compile(predict.Info{Name: flags.name}, selfTestRows(f.Model))
}

// readSchema reads a schema file and puts its features in the model's order.
func readSchema(path string, m *format.Model) (schema.Document, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return schema.Document{}, err
	}
	doc, err := schemafile.Parse(path, data, &m.Schema)
	if err != nil {
		return doc, fmt.Errorf("%s: %w", path, err)
	}
	names := m.IR.FeatureNames
	if len(doc.Features) != len(names) {
		return doc, fmt.Errorf("%s: has %d features, the model %d", path, len(doc.Features), len(names))
	}
	features := make([]schema.Feature, len(names))
	var errs []error
	for i, name := range names {
		at := slices.IndexFunc(doc.Features, func(f schema.Feature) bool { return f.Name == name })
		if at < 0 {
			errs = append(errs, fmt.Errorf("%s: the model's feature %q is missing", path, name))
			continue
		}
		features[i] = doc.Features[at]
		if err := sameCodes(&features[i], &m.Schema.Features[i]); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", path, err))
		}
	}
	doc.Features = features
	return doc, errors.Join(errs...)
}

// sameCodes refuses categories that would give texts other codes than the
// model was trained with.
func sameCodes(f, model *schema.Feature) error {
	if f.Type != schema.Category || len(model.Categories) == 0 || slices.Equal(f.Categories, model.Categories) {
		return nil
	}
	return fmt.Errorf("feature %q: its categories must be the model's own, in their order, since their places are its codes: %s",
		f.Name, quoted(model.Categories))
}

// quoted lists some texts.
func quoted(texts []string) string {
	const most = 10
	var b strings.Builder
	for i, text := range texts[:min(len(texts), most)] {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%q", text)
	}
	if len(texts) > most {
		fmt.Fprintf(&b, ", … (%d)", len(texts))
	}
	return b.String()
}
