package predict

import (
	"errors"

	"example.com/copse/pkg/bundle"
	"example.com/copse/pkg/engine"
	"example.com/copse/pkg/ir"
	"example.com/copse/pkg/record"
)

// programSections are the sections of a program and of its parts, which are
// numbered from 1 on; a model without one has none. The record holds whole
// numbers only; those of constants and steps, one after the other, are an array
// of their own, which is used where it lies.
func programSections(a *engine.Arrays) []bundle.Section {
	p := a.Program
	if p == nil {
		return nil
	}
	var data []float64
	b := record.AppendUint(nil, len(p.Registers))
	for _, r := range p.Registers {
		b = record.AppendUint(record.AppendUint(b, r.Width), int(r.Type))
	}
	b = record.AppendUint(b, len(p.Constants))
	for _, c := range p.Constants {
		b = record.AppendUint(b, int(c.Register))
		data = append(data, c.Values...)
	}
	b = record.AppendUint(b, len(p.Steps))
	for i := range p.Steps {
		b = appendStep(b, &p.Steps[i])
		data = append(data, p.Steps[i].Data...)
	}
	final := 0
	if p.Final {
		final = 1
	}
	b = record.AppendUint(record.AppendUint(b, int(p.Output)), int(p.Class)+1)
	b = record.AppendUint(record.AppendUint(b, final), len(a.Parts))
	sections := []bundle.Section{
		{Kind: bundle.Program, Element: 1, Data: b},
		bundle.Of(bundle.ProgramData, data),
	}
	for i := range a.Parts {
		sections = append(sections, arraySections(&a.Parts[i], i+1)...)
	}
	return sections
}

func appendStep(b []byte, s *ir.Step) []byte {
	b = record.AppendUint(record.AppendUint(b, int(s.Kind)), int(s.Fn))
	b = record.AppendUint(b, len(s.In))
	for _, r := range s.In {
		b = record.AppendUint(b, int(r))
	}
	b = record.AppendUint(record.AppendUint(b, int(s.Out)), len(s.Ints))
	for _, n := range s.Ints {
		b = record.AppendUint(b, n)
	}
	return record.AppendUint(b, len(s.Data))
}

// errProgram says that a program section is not what was written.
var errProgram = errors.New("bundle: the program's numbers are not as many as it says: compile the model again")

// programReader takes a program apart.
type programReader struct {
	r    *record.Reader
	data []float64
	bad  bool // data was missing
}

// list reads a count, and calls f as often.
func (p *programReader) list(limit int, f func()) {
	n := p.r.Uint(limit)
	for range n {
		if p.r.Failed() {
			return
		}
		f()
	}
}

// take cuts n numbers off the data.
func (p *programReader) take(n int) []float64 {
	if n > len(p.data) {
		p.bad = true
		return nil
	}
	part := p.data[:n:n]
	p.data = p.data[n:]
	return part
}

// readProgram is the inverse of programSections. What the numbers mean is
// checked by engine.New.
func readProgram(file *bundle.File, a *engine.Arrays) error {
	text, ok := file.Section(bundle.Program)
	if !ok {
		return nil
	}
	data, err := bundle.View[float64](file, bundle.ProgramData)
	if err != nil {
		return err
	}
	p := programReader{r: record.NewReader(text), data: data}
	program := p.program()
	parts := p.r.Uint(ir.MaxRegisters)
	if err := p.r.Close(); err != nil {
		return err
	}
	if p.bad || len(p.data) > 0 {
		return errProgram
	}
	a.Program = program
	for i := range parts {
		part, err := readArrays(file, i+1)
		if err != nil {
			return err
		}
		a.Parts = append(a.Parts, *part)
	}
	return nil
}

func (p *programReader) program() *ir.Program {
	program := new(ir.Program)
	p.list(ir.MaxRegisters, func() {
		program.Registers = append(program.Registers, ir.Register{Width: p.r.Uint(ir.MaxProgramWidth), Type: ir.Type(p.r.Uint(0xff))})
	})
	p.list(ir.MaxRegisters, func() {
		c := ir.Constant{Register: p.register()}
		if int(c.Register) < len(program.Registers) {
			c.Values = p.take(program.Registers[c.Register].Width)
		}
		program.Constants = append(program.Constants, c)
	})
	p.list(ir.MaxRegisters, func() { program.Steps = append(program.Steps, p.step()) })
	program.Output = p.register()
	program.Class = int32(p.r.Uint(ir.MaxRegisters)) - 1
	program.Final = p.r.Uint(1) == 1
	return program
}

func (p *programReader) register() int32 { return int32(p.r.Uint(ir.MaxRegisters)) }

func (p *programReader) step() ir.Step {
	s := ir.Step{Kind: ir.StepKind(p.r.Uint(0xff)), Fn: ir.Fn(p.r.Uint(0xff))}
	p.list(ir.MaxRegisters, func() { s.In = append(s.In, p.register()) })
	s.Out = p.register()
	p.list(ir.MaxProgramData, func() { s.Ints = append(s.Ints, p.r.Uint(ir.MaxProgramData)) })
	s.Data = p.take(p.r.Uint(ir.MaxProgramData))
	return s
}
