package predict

import (
	"bytes"
	"context"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"example.com/copse/pkg/bundle"
	"example.com/copse/pkg/engine"
	"example.com/copse/pkg/ir"
	"example.com/copse/pkg/ir/irtest"
)

// program draws a model with a program, and rows for it.
func program(seed uint64) (*ir.Model, []float64) {
	rng := rand.New(rand.NewPCG(seed, 9))
	m := irtest.Program(rng)
	if m.Program.Class != ir.NoRegister {
		m.Labels = []string{"a", "b", "c"}
	}
	return m, irtest.WildRows(rng, m, 5)
}

// TestProgramRoundTrip: a program comes back from its bundle with the same
// arrays, gives the same bits (which Open's self-test demands), and writes the
// same bundle again.
func TestProgramRoundTrip(t *testing.T) {
	parts := 0
	for seed := range uint64(400) {
		m, rows := program(seed)
		data, err := Compile(m, document(m), Info{Name: "m"}, rows)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		got := open(t, data, Options{}).Engine().Arrays()
		want, err := engine.Compile(m)
		if err != nil {
			t.Fatal(err)
		}
		parts += len(got.Parts)
		if a, b := written(t, got), written(t, want); !bytes.Equal(a, b) {
			t.Fatalf("seed %d: other sections after the round trip", seed)
		}
		again, err := Compile(m, document(m), Info{Name: "m"}, rows)
		if err != nil || !bytes.Equal(data, again) {
			t.Fatalf("seed %d: other bytes the second time: %v", seed, err)
		}
	}
	if parts < 50 {
		t.Errorf("only %d parts", parts)
	}
}

func written(t *testing.T, a *engine.Arrays) []byte {
	t.Helper()
	data, err := bundle.Write(append(arraySections(a, 0), programSections(a)...))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestProgramPredicts through the whole pipeline, with the class after the
// values.
func TestProgramPredicts(t *testing.T) {
	for seed := range uint64(100) {
		m, rows := program(seed)
		for i, x := range rows {
			if !(math.Abs(x) < 1e30) {
				rows[i] = math.NaN()
			}
		}
		data, err := Compile(m, document(m), Info{Name: "m"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		p := open(t, data, Options{})
		r := Get()
		cols := len(m.FeatureNames)
		for i, got := range results(t, p, r, rows) {
			margin, want := make([]float64, m.Outputs), make([]float64, m.Width())
			row := append([]float64(nil), rows[i*cols:][:cols]...)
			m.Eval(row, margin, want)
			if got != nil && differs(got, want) >= 0 {
				t.Fatalf("seed %d, row %d: got %v, want %v", seed, i, got, want)
			}
		}
		r.Release()
	}
}

// spoiled opens sections as a bundle would be opened.
func spoiled(t testing.TB, sections []bundle.Section) (*engine.Engine, error) {
	t.Helper()
	data, err := bundle.Write(sections)
	if err != nil {
		t.Fatal(err)
	}
	file, err := bundle.Open(data)
	if err != nil {
		t.Fatal(err)
	}
	a, err := readArrays(file, 0)
	if err != nil {
		return nil, err
	}
	if err := readProgram(file, a); err != nil {
		return nil, err
	}
	return engine.New(*a)
}

func sectionsOf(t testing.TB, m *ir.Model) []bundle.Section {
	t.Helper()
	a, err := engine.Compile(m)
	if err != nil {
		t.Fatal(err)
	}
	return append(arraySections(a, 0), programSections(a)...)
}

// TestProgramRefuses what is not as it was written.
func TestProgramRefuses(t *testing.T) {
	m, _ := program(3)
	find := func(sections []bundle.Section, k bundle.Kind) *bundle.Section {
		for i := range sections {
			if sections[i].Kind == k {
				return &sections[i]
			}
		}
		t.Fatalf("no section of kind %d", k)
		return nil
	}
	for _, c := range []struct {
		name  string
		spoil func(s []bundle.Section)
		want  string
	}{
		{"a cut record", func(s []bundle.Section) {
			p := find(s, bundle.Program)
			p.Data = p.Data[:len(p.Data)-1]
		}, "not what was written"},
		{"a long record", func(s []bundle.Section) {
			p := find(s, bundle.Program)
			p.Data = append(bytes.Clone(p.Data), 0)
		}, "not what was written"},
		{"data of other elements", func(s []bundle.Section) {
			find(s, bundle.ProgramData).Element = 4
		}, "elements"},
		{"too much data", func(s []bundle.Section) {
			p := find(s, bundle.ProgramData)
			p.Data = append(bytes.Clone(p.Data), 0, 0, 0, 0, 0, 0, 0, 0)
		}, "not as many"},
		{"no data", func(s []bundle.Section) { find(s, bundle.ProgramData).Data = nil }, "not as many"},
	} {
		s := sectionsOf(t, m)
		c.spoil(s)
		if _, err := spoiled(t, s); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got error %v, want %q", c.name, err, c.want)
		}
	}
}

// TestProgramWithoutAPart refuses a program whose forest is not in the file.
func TestProgramWithoutAPart(t *testing.T) {
	for seed := range uint64(200) {
		m, _ := program(seed)
		s := sectionsOf(t, m)
		var kept []bundle.Section
		for _, section := range s {
			if section.Kind < bundle.Shape.Part(1) {
				kept = append(kept, section)
			}
		}
		if len(kept) == len(s) {
			continue
		}
		if _, err := spoiled(t, kept); err == nil {
			t.Fatalf("seed %d: no error without the parts", seed)
		}
		return
	}
	t.Fatal("no program with a part")
}

// FuzzProgramSection changes a byte of a program, or of its data: it is
// refused, or it scores.
func FuzzProgramSection(f *testing.F) {
	for seed := range uint64(10) {
		f.Add(seed, uint16(seed*3), uint8(seed), seed%2 == 0)
	}
	f.Fuzz(func(t *testing.T, seed uint64, at uint16, to uint8, data bool) {
		m, rows := program(seed)
		s := sectionsOf(t, m)
		kind := bundle.Program
		if data {
			kind = bundle.ProgramData
		}
		for i := range s {
			if s[i].Kind == kind && len(s[i].Data) > 0 {
				s[i].Data = bytes.Clone(s[i].Data)
				s[i].Data[int(at)%len(s[i].Data)] = to
			}
		}
		e, err := spoiled(t, s)
		if err != nil || e.Arrays().Features != len(m.FeatureNames) {
			return
		}
		var scratch engine.Scratch
		e.Score(rows, 5, make([]float64, 5*e.Width()), &scratch)
	})
}

// TestProgramDeadline: the context is looked at for programs too.
func TestProgramDeadline(t *testing.T) {
	m, rows := program(1)
	data, err := Compile(m, document(m), Info{Name: "m"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	p, r := open(t, data, Options{}), Get()
	defer r.Release()
	for i := range rows {
		rows[i] = 1
	}
	fill(r, rows, len(m.FeatureNames))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := p.Predict(ctx, r); err == nil {
		t.Error("no error after the deadline")
	}
}
