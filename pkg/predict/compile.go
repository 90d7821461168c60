package predict

import (
	"fmt"

	"example.com/copse/pkg/bundle"
	"example.com/copse/pkg/engine"
	"example.com/copse/pkg/ir"
	"example.com/copse/pkg/schema"
)

// Compile makes a bundle of a model: its arrays, the schema, and self-test
// rows (row-major, in the model's own units) with the answers of the reference
// evaluation. Labels, library and objective are the model's own; the schema's
// labels, where it has some, replace the model's. The same arguments give the
// same bytes.
func Compile(m *ir.Model, doc schema.Document, info Info, rows []float64) ([]byte, error) {
	if err := ir.Check(m); err != nil {
		return nil, err
	}
	features := len(m.FeatureNames)
	if len(doc.Features) != features || len(rows)%features != 0 {
		return nil, fmt.Errorf("compile: the model has %d features, the schema %d, the self-test rows have %d values",
			features, len(doc.Features), len(rows))
	}
	return compileWith(m, doc, info, selfTestSections(m, features, rows))
}

func compileWith(m *ir.Model, doc schema.Document, info Info, selfTest []bundle.Section) ([]byte, error) {
	s, err := schema.New(doc)
	if err != nil {
		return nil, err
	}
	info.Library, info.Version, info.Objective, info.Labels = m.Library, m.Version, m.Objective, m.Labels
	if len(doc.Labels) > 0 {
		info.Labels = doc.Labels
	}
	if err := checkLabels(info.Labels, m.Outputs, m.Width() > m.Outputs); err != nil {
		return nil, fmt.Errorf("compile: %w", err)
	}
	arrays, err := engine.Compile(m)
	if err != nil {
		return nil, err
	}
	document, err := s.AppendRecord(nil)
	if err != nil {
		return nil, err
	}
	sections := []bundle.Section{
		{Kind: bundle.Info, Element: 1, Data: info.appendRecord(nil)},
		{Kind: bundle.Schema, Element: 1, Data: document},
	}
	sections = append(sections, arraySections(arrays, 0)...)
	sections = append(sections, programSections(arrays)...)
	sections = append(sections, selfTest...)
	return bundle.Write(sections)
}

// selfTestSections evaluates the rows by the slow reference.
func selfTestSections(m *ir.Model, features int, rows []float64) []bundle.Section {
	n := len(rows) / features
	width := m.Width()
	margin := make([]float64, n*m.Outputs)
	values := make([]float64, n*width)
	for i := range n {
		m.Eval(rows[i*features:][:features], margin[i*m.Outputs:][:m.Outputs], values[i*width:][:width])
	}
	return []bundle.Section{
		bundle.Of(bundle.SelfTestRows, rows),
		bundle.Of(bundle.SelfTestMargin, margin),
		bundle.Of(bundle.SelfTestValues, values),
	}
}

// arraySections are the sections of one part's arrays.
func arraySections(a *engine.Arrays, part int) []bundle.Section {
	f := &a.Finish
	shape := []uint32{uint32(a.Features), uint32(a.Outputs), uint32(a.LeafWidth),
		uint32(a.Compare), uint32(a.Sum), uint32(f.Link), uint32(f.Average), uint32(f.Returns),
		uint32(a.Codes), uint32(a.Aggregate), 0}
	if a.ZeroBand {
		shape[10] = 1
	}
	sections := []bundle.Section{
		bundle.Of(bundle.Shape, shape),
		bundle.Of(bundle.Columns, a.Columns),
		bundle.Of(bundle.Roots, a.Roots),
		bundle.Of(bundle.Depths, a.Depths),
		bundle.Of(bundle.Groups, a.Groups),
		bundle.Of(bundle.Nodes32, a.Nodes32),
		bundle.Of(bundle.Keys64, a.Keys64),
		bundle.Of(bundle.Steps32, a.Steps32),
		bundle.Of(bundle.Steps64, a.Steps64),
		bundle.Of(bundle.Leaves32, a.Leaves32),
		bundle.Of(bundle.Leaves64, a.Leaves64),
		bundle.Of(bundle.LeafIDs, a.LeafIDs),
		bundle.Of(bundle.Base, a.Base),
		bundle.Of(bundle.Finish, append([]float64{f.Scale, f.Param}, f.Bias...)),
		bundle.Of(bundle.Masks32, a.Masks32),
		bundle.Of(bundle.Masks64, a.Masks64),
		bundle.Of(bundle.SetHeads, a.SetHeads),
		bundle.Of(bundle.SetWords, a.SetWords),
		bundle.Of(bundle.SetCodes, a.SetCodes),
		bundle.Of(bundle.RecodeLists, a.RecodeLists),
		bundle.Of(bundle.RecodeNumbers, a.RecodeNumbers),
		bundle.Of(bundle.RecodePlaces, a.RecodePlaces),
		bundle.Of(bundle.LinearStarts, a.LinearStarts),
		bundle.Of(bundle.LinearFeatures, a.LinearFeatures),
		bundle.Of(bundle.LinearCoeffs, a.LinearCoeffs),
	}
	kept := sections[:0]
	for _, s := range sections {
		if len(s.Data) == 0 {
			continue
		}
		s.Kind = s.Kind.Part(part)
		kept = append(kept, s)
	}
	return kept
}

// readArrays is the inverse of arraySections. What the numbers mean is checked
// by engine.New.
func readArrays(file *bundle.File, part int) (*engine.Arrays, error) {
	var shape []uint32
	var finish []float64
	var err error
	read(file, bundle.Shape.Part(part), &shape, &err)
	read(file, bundle.Finish.Part(part), &finish, &err)
	if err != nil {
		return nil, err
	}
	if len(shape) != 11 || len(finish) < 2 {
		return nil, fmt.Errorf("bundle: the shape has %d numbers, want 11: compile the model again", len(shape))
	}
	a := &engine.Arrays{
		Features: int(shape[0]), Outputs: int(shape[1]), LeafWidth: int(shape[2]),
		Compare: ir.Precision(shape[3]), Sum: ir.Precision(shape[4]),
		Finish: ir.Finish{Link: ir.Link(shape[5]), Average: int(shape[6]), Returns: ir.Returns(shape[7]),
			Scale: finish[0], Param: finish[1], Bias: finish[2:]},
		Codes: ir.CodeRule(shape[8]), Aggregate: ir.Aggregate(shape[9]), ZeroBand: shape[10] != 0,
	}
	read(file, bundle.Columns.Part(part), &a.Columns, &err)
	read(file, bundle.Roots.Part(part), &a.Roots, &err)
	read(file, bundle.Depths.Part(part), &a.Depths, &err)
	read(file, bundle.Groups.Part(part), &a.Groups, &err)
	read(file, bundle.Nodes32.Part(part), &a.Nodes32, &err)
	read(file, bundle.Keys64.Part(part), &a.Keys64, &err)
	read(file, bundle.Steps32.Part(part), &a.Steps32, &err)
	read(file, bundle.Steps64.Part(part), &a.Steps64, &err)
	read(file, bundle.Leaves32.Part(part), &a.Leaves32, &err)
	read(file, bundle.Leaves64.Part(part), &a.Leaves64, &err)
	read(file, bundle.LeafIDs.Part(part), &a.LeafIDs, &err)
	read(file, bundle.Base.Part(part), &a.Base, &err)
	read(file, bundle.Masks32.Part(part), &a.Masks32, &err)
	read(file, bundle.Masks64.Part(part), &a.Masks64, &err)
	read(file, bundle.SetHeads.Part(part), &a.SetHeads, &err)
	read(file, bundle.SetWords.Part(part), &a.SetWords, &err)
	read(file, bundle.SetCodes.Part(part), &a.SetCodes, &err)
	read(file, bundle.RecodeLists.Part(part), &a.RecodeLists, &err)
	read(file, bundle.RecodeNumbers.Part(part), &a.RecodeNumbers, &err)
	read(file, bundle.RecodePlaces.Part(part), &a.RecodePlaces, &err)
	read(file, bundle.LinearStarts.Part(part), &a.LinearStarts, &err)
	read(file, bundle.LinearFeatures.Part(part), &a.LinearFeatures, &err)
	read(file, bundle.LinearCoeffs.Part(part), &a.LinearCoeffs, &err)
	return a, err
}

// read keeps the first error, so that a list of reads stays a list.
func read[T bundle.Plain](file *bundle.File, k bundle.Kind, into *[]T, err *error) {
	if *err == nil {
		*into, *err = bundle.View[T](file, k)
	}
}
