package predict

import (
	"errors"
	"fmt"
	"math"

	"example.com/copse/pkg/bundle"
	"example.com/copse/pkg/engine"
	"example.com/copse/pkg/ir"
	"example.com/copse/pkg/record"
	"example.com/copse/pkg/schema"
	"example.com/copse/pkg/wire"
)

// Options say which stages run.
type Options struct {
	Cache   *Cache // nil: answers are not remembered
	NoDedup bool
}

// Info is what a bundle says about where its model comes from.
type Info struct {
	Name         string   `json:"name"`
	Library      string   `json:"library"`
	Version      string   `json:"version,omitempty"` // of the library
	Objective    string   `json:"objective,omitempty"`
	Labels       []string `json:"labels,omitempty"`
	Source       string   `json:"source,omitempty"`        // format of the source file
	SourceSHA256 string   `json:"source_sha256,omitempty"` // of the source file
}

// appendRecord and read are the form in which a bundle keeps an Info: see
// package record.
func (i *Info) appendRecord(b []byte) []byte {
	for _, text := range i.texts() {
		b = record.AppendText(b, *text)
	}
	return record.AppendList(b, i.Labels)
}

func (i *Info) read(data []byte) error {
	r := record.NewReader(data)
	for _, text := range i.texts() {
		*text = r.Text()
	}
	i.Labels = r.List()
	return r.Close()
}

func (i *Info) texts() [6]*string {
	return [...]*string{&i.Name, &i.Library, &i.Version, &i.Objective, &i.Source, &i.SourceSHA256}
}

// Model ties a schema, an engine and a formatter together. It is immutable
// and shared by all requests.
type Model struct {
	name      string
	digest    string
	identity  string // in the keys of the cache
	info      Info
	schema    *schema.Schema
	engine    *engine.Engine
	formatter *wire.Formatter
	options   Options
	single    bool // features are read as float32
	remembers bool // the cache serves this model
}

// Open reads a bundle, checks it once and runs its self-test rows. The model
// refers to data, which must not change. With name "" the bundle's own name is
// taken.
func Open(name string, data []byte, o Options) (*Model, error) {
	file, err := bundle.Open(data)
	if err != nil {
		return nil, err
	}
	return OpenFile(name, file, o)
}

// OpenFile is Open for a bundle that is open already.
func OpenFile(name string, file *bundle.File, o Options) (*Model, error) {
	m := &Model{name: name, digest: file.Digest(), options: o}
	if err := m.readText(file); err != nil {
		return nil, err
	}
	m.identity = m.name + " " + m.digest
	arrays, err := readArrays(file, 0)
	if err != nil {
		return nil, err
	}
	if err := readProgram(file, arrays); err != nil {
		return nil, err
	}
	if m.engine, err = engine.New(*arrays); err != nil {
		return nil, err
	}
	if err := m.check(); err != nil {
		return nil, err
	}
	m.single = arrays.Compare == ir.Float32
	for i := 0; i < len(arrays.RecodeLists); i += 2 {
		m.schema.Keep(int(arrays.RecodeLists[i])) // recoded before it is rounded
	}
	m.remembers = o.Cache.serves(arrays.Features, m.engine.RowCost())
	m.formatter = wire.NewFormatter(wire.Shape{
		Outputs: arrays.Outputs,
		Labels:  m.info.Labels,
		Classed: m.engine.Width() > arrays.Outputs,
		Returns: arrays.Finish.Returns,
		Single:  arrays.Sum == ir.Float32,
		Name:    m.name,
		Digest:  m.digest,
	})
	return m, m.selfTest(file)
}

// readText reads the two sections that are records.
func (m *Model) readText(file *bundle.File) error {
	text, ok := file.Section(bundle.Info)
	if !ok {
		return errors.New("bundle: no info section")
	}
	if err := m.info.read(text); err != nil {
		return fmt.Errorf("bundle: info: %w", err)
	}
	if m.name == "" {
		m.name = m.info.Name
	}
	text, ok = file.Section(bundle.Schema)
	if !ok {
		return errors.New("bundle: no schema section")
	}
	var err error
	m.schema, err = schema.Reopen(text)
	return err
}

// check holds the parts against each other.
func (m *Model) check() error {
	a := m.engine.Arrays()
	if m.schema.NumFeatures() != a.Features {
		return fmt.Errorf("bundle: the schema has %d features, the model %d", m.schema.NumFeatures(), a.Features)
	}
	return checkLabels(m.info.Labels, a.Outputs, m.engine.Width() > a.Outputs)
}

// checkLabels knows four shapes: a regressor, a binary classifier of one
// probability, one output a label, and a model that names the class itself.
func checkLabels(labels []string, outputs int, classed bool) error {
	n := len(labels)
	if classed && n == 0 {
		return errors.New("a model that names the class needs labels")
	}
	if !classed && n != 0 && n != outputs && (n != 2 || outputs != 1) {
		return fmt.Errorf("%d labels do not fit %d outputs", n, outputs)
	}
	seen := make(map[string]bool, n)
	for _, l := range labels {
		if l == "" || seen[l] {
			return errors.New("labels are the names of probabilities: none may be empty or stand twice")
		}
		seen[l] = true
	}
	return nil
}

// selfTest scores the bundle's rows and demands the very bits that the
// reference evaluation gave when the bundle was written: a processor, a
// compiler or a file that computes otherwise is found at the cold start.
func (m *Model) selfTest(file *bundle.File) error {
	rows, err1 := bundle.View[float64](file, bundle.SelfTestRows)
	margin, err2 := bundle.View[float64](file, bundle.SelfTestMargin)
	values, err3 := bundle.View[float64](file, bundle.SelfTestValues)
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	a := m.engine.Arrays()
	n, width := len(rows)/a.Features, m.engine.Width()
	if len(rows) != n*a.Features || len(margin) != n*a.Outputs || len(values) != n*width {
		return errors.New("bundle: the self-test has rows and answers of different numbers")
	}
	got := make([]float64, n*a.Outputs)
	scratch := engine.Scratch{Workers: 1} // a second thread costs a start more than it saves
	m.engine.Margin(rows, n, got, &scratch)
	if i := differs(got, margin); i >= 0 {
		return fmt.Errorf("self-test: row %d gives another margin than the model's reference: the model is refused", i/a.Outputs)
	}
	if m.engine.HasLeaves() {
		a.Finish.Values(got, a.Outputs, a.Sum)
	} else {
		got = make([]float64, n*width)
		m.engine.Score(rows, n, got, &scratch)
	}
	if i := differs(got, values); i >= 0 {
		return fmt.Errorf("self-test: row %d gives another value than the model's reference: the model is refused", i/width)
	}
	return nil
}

// differs is the first index at which the bits differ, or -1.
func differs(got, want []float64) int {
	for i := range got {
		if math.Float64bits(got[i]) != math.Float64bits(want[i]) {
			return i
		}
	}
	return -1
}

// Name is the model's name in routes and replies.
func (m *Model) Name() string { return m.name }

// Digest is "sha256:" and the hexadecimal digest of the bundle (bundle.File).
func (m *Model) Digest() string { return m.digest }

// Info returns the model's provenance.
func (m *Model) Info() Info { return m.info }

// Schema is the model's schema.
func (m *Model) Schema() *schema.Schema { return m.schema }

// Engine scores the model.
func (m *Model) Engine() *engine.Engine { return m.engine }

// Formatter writes the model's answers.
func (m *Model) Formatter() *wire.Formatter { return m.formatter }

// Remembers says whether answers of this model are kept in the cache.
func (m *Model) Remembers() bool { return m.remembers }

// Single says whether the model reads features as float32, so that a number
// beyond its range is refused.
func (m *Model) Single() bool { return m.single }
