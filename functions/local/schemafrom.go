package local

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"example.com/copse/functions/local/internal/schemafile"
	"example.com/copse/pkg/schema"
	"example.com/copse/pkg/wire"
)

// proposeSchema makes a schema file of rows, for the model whose file is given,
// if one is.
func proposeSchema(c *cobra.Command, args []string, flags compileFlags) ([]byte, error) {
	if strings.EqualFold(filepath.Ext(flags.out), ".copse") {
		return nil, fmt.Errorf("-o %s: --schema-from writes a schema file and no bundle: name it .yaml, edit it, and compile with --schema", flags.out)
	}
	if err := notAnInput(flags.out, append(args, flags.schemaFrom)); err != nil {
		return nil, err
	}
	var model *schema.Document
	if len(args) > 0 {
		var err error
		if model, err = ownSchema(args[0]); err != nil {
			return nil, err
		}
	}
	in, err := openInput(flags.schemaFrom, c.InOrStdin())
	if err != nil {
		return nil, err
	}
	scan, err := scanRows(in)
	if err = errors.Join(err, in.Close()); err != nil {
		return nil, fmt.Errorf("%s: %w", flags.schemaFrom, err)
	}
	p := schemafile.Propose(scan, model)
	if len(p.Document.Features) == 0 {
		return nil, fmt.Errorf("%s: has no column that can be a feature: %s", flags.schemaFrom, strings.Join(p.Left, "; "))
	}
	if flags.labels != "" {
		p.Document.Labels = strings.Split(flags.labels, ",")
	}
	return p.AppendYAML(nil, filepath.Base(flags.schemaFrom), scan.Rows)
}

// ownSchema is what a model says of its features by itself.
func ownSchema(path string) (*schema.Document, error) {
	f, err := readModel(path)
	if err != nil {
		return nil, err
	}
	if f.Model != nil {
		doc := f.Model.Schema
		if len(doc.Labels) == 0 {
			doc.Labels = f.Model.IR.Labels
		}
		return &doc, nil
	}
	m, err := openModel(path)
	if err != nil {
		return nil, err
	}
	return m.Schema().Document(), nil
}

func scanRows(in *input) (*schemafile.Scan, error) {
	switch {
	case in.Table != nil:
		return schemafile.ScanParquet(in.Table)
	case in.Media == wire.NDJSON:
		return schemafile.ScanJSONL(in)
	}
	return schemafile.ScanCSV(in)
}
