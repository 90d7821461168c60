package schema

import (
	"fmt"

	"example.com/copse/pkg/record"
)

// codecVersion opens the form in which a bundle keeps a document.
const codecVersion = 2

// maxFeatures is what the document's own rule allows.
const maxFeatures = 65535

// featureBytes is less than a record of a feature takes: two numbers alone are
// 16 bytes.
const featureBytes = 16

// AppendRecord appends the document as a bundle keeps it: see package record.
// Only documents of a Schema have this form, so it cannot fail.
func (s *Schema) AppendRecord(b []byte) ([]byte, error) {
	d := &s.doc
	b = record.AppendUint(b, codecVersion)
	for _, text := range []string{d.Name, d.Title, d.Description, d.Target, d.Unit} {
		b = record.AppendText(b, text)
	}
	b = record.AppendList(b, d.Labels)
	b = record.AppendUint(b, len(d.Features))
	var err error
	for i := range d.Features {
		if b, err = d.Features[i].appendRecord(b); err != nil {
			return nil, fmt.Errorf("schema: feature %q: %w", d.Features[i].Name, err)
		}
	}
	return b, nil
}

func (f *Feature) appendRecord(b []byte) ([]byte, error) {
	for _, text := range []string{f.Name, string(f.Type), f.Unit, f.Description, f.Rules, string(f.Missing), string(f.Unknown)} {
		b = record.AppendText(b, text)
	}
	b = record.AppendUint(b, flag(f.Finite))
	b = record.AppendList(b, f.Categories)
	b = record.AppendNumber(record.AppendNumber(b, f.Scale), f.Offset)
	b, err := record.AppendValue(b, f.Example)
	if err != nil {
		return nil, err
	}
	return record.AppendValue(b, f.Default)
}

func flag(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// Reopen compiles a document that AppendRecord wrote and a checksum has kept
// since: what only validator can tell is not asked again, which a cold start
// would pay for.
func Reopen(data []byte) (*Schema, error) {
	r := record.NewReader(data)
	if v := r.Uint(codecVersion); v != codecVersion {
		return nil, fmt.Errorf("schema: a record of version %d, want %d: compile the model again", v, codecVersion)
	}
	var d Document
	for _, text := range []*string{&d.Name, &d.Title, &d.Description, &d.Target, &d.Unit} {
		*text = r.Text()
	}
	d.Labels = r.List()
	n := r.Uint(maxFeatures)
	d.Features = make([]Feature, 0, min(n, len(data)/featureBytes))
	for range n {
		d.Features = append(d.Features, readFeature(r))
		if r.Failed() {
			break // the rest would be empty features
		}
	}
	if err := r.Close(); err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	return build(d)
}

func readFeature(r *record.Reader) (f Feature) {
	f.Name, f.Type, f.Unit, f.Description = r.Text(), Type(r.Text()), r.Text(), r.Text()
	f.Rules, f.Missing, f.Unknown = r.Text(), Missing(r.Text()), Unknown(r.Text())
	f.Finite = r.Uint(1) == 1
	f.Categories = r.List()
	f.Scale, f.Offset = r.Number(), r.Number()
	f.Example, f.Default = r.Value(), r.Value()
	return f
}
