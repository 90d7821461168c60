package ir

import "fmt"

// Bounds of a program: what a row may take in memory and time, and the file in
// memory.
const (
	// MaxRegisters bounds registers, and steps.
	MaxRegisters = 1 << 16
	// MaxProgramWidth bounds the numbers of a row in all registers.
	MaxProgramWidth = 1 << 20
	// MaxProgramData bounds the numbers of all constants and steps: 512 MiB.
	MaxProgramData = 1 << 26
	// MaxProgramWork bounds the multiplications of a row that matrix products
	// and probabilities of classes take: tenths of a second.
	MaxProgramWork = 1 << 27
)

// checkProgram proves that p can be evaluated for rows of so many features:
// registers exist and are written once before they are read, widths fit, and
// all sizes are within bounds. Models of Trees steps are checked too, where
// they are given.
func checkProgram(p *Program, features int) error {
	c := programCheck{p: p, written: make([]bool, len(p.Registers))}
	if err := c.registers(features); err != nil {
		return err
	}
	if err := c.constants(); err != nil {
		return err
	}
	if len(p.Steps) > MaxRegisters {
		return unsound("program", "%d steps, want at most %d", len(p.Steps), MaxRegisters)
	}
	for i := range p.Steps {
		if wrong := c.step(&p.Steps[i]); wrong != "" {
			return unsound(fmt.Sprintf("step %d", i), "%s", wrong)
		}
		if m := p.Steps[i].Model; m != nil {
			if err := Check(m); err != nil {
				return unsound(fmt.Sprintf("step %d", i), "%v", err)
			}
		}
	}
	if !c.readable(p.Output) {
		return unsound("program", "nothing writes the output, register %d", p.Output)
	}
	if p.Class != NoRegister && (!c.readable(p.Class) || p.Registers[p.Class].Width != 1) {
		return unsound("program", "register %d is not one number, and so no class", p.Class)
	}
	return nil
}

// programCheck is what the check knows of the steps so far.
type programCheck struct {
	p       *Program
	written []bool
	data    int // numbers of constants and steps
	work    int // multiplications of a row
}

func (c *programCheck) registers(features int) error {
	n := len(c.p.Registers)
	if n < 1 || n > MaxRegisters {
		return unsound("program", "%d registers, want 1 to %d", n, MaxRegisters)
	}
	total := 0
	for i, r := range c.p.Registers {
		if r.Width < 1 || r.Width > MaxProgramWidth || r.Type > lastType {
			return unsound(fmt.Sprintf("register %d", i), "%d numbers of type %d, want 1 to %d", r.Width, r.Type, MaxProgramWidth)
		}
		if total += r.Width; total > MaxProgramWidth {
			return unsound("program", "registers of more than %d numbers in all", MaxProgramWidth)
		}
	}
	if w := c.p.Registers[0].Width; w != features {
		return unsound("register 0", "%d numbers, the row has %d", w, features)
	}
	c.written[0] = true
	return nil
}

func (c *programCheck) constants() error {
	for i, k := range c.p.Constants {
		path := fmt.Sprintf("constant %d", i)
		if !c.writable(k.Register) {
			return unsound(path, "register %d is not there, or written already", k.Register)
		}
		r := c.p.Registers[k.Register]
		if len(k.Values) != r.Width {
			return unsound(path, "%d numbers, its register has %d", len(k.Values), r.Width)
		}
		for _, v := range k.Values {
			if v != r.Type.round(v) && v == v {
				return unsound(path, "%v is not of its register's type", v)
			}
		}
		c.written[k.Register] = true
		c.data += len(k.Values) // bounded by the registers' width
	}
	return nil
}

func (c *programCheck) exists(register int32) bool {
	return register >= 0 && int(register) < len(c.p.Registers)
}

func (c *programCheck) writable(register int32) bool {
	return c.exists(register) && !c.written[register]
}

func (c *programCheck) readable(register int32) bool {
	return c.exists(register) && c.written[register]
}

// step returns what is wrong with a step, or "", and marks its register.
func (c *programCheck) step(s *Step) string {
	if s.Kind > lastStepKind || s.Fn > lastFn {
		return fmt.Sprintf("no such kind (%d) or function (%d)", s.Kind, s.Fn)
	}
	for _, r := range s.In {
		if !c.readable(r) {
			return fmt.Sprintf("reads register %d, which nothing has written", r)
		}
	}
	if !c.writable(s.Out) {
		return fmt.Sprintf("writes register %d, which is not there or written already", s.Out)
	}
	if c.data += len(s.Data); c.data > MaxProgramData {
		return fmt.Sprintf("the program has more than %d numbers", MaxProgramData)
	}
	for _, n := range s.Ints {
		if n < 0 || n > MaxProgramData {
			return fmt.Sprintf("no number of anything: %d", n)
		}
	}
	if s.Model != nil && s.Kind != Trees {
		return "has a model, and is no step of trees"
	}
	if wrong := c.shape(s); wrong != "" {
		return s.Kind.String() + ": " + wrong
	}
	if c.work > MaxProgramWork {
		return fmt.Sprintf("a row takes more than %d multiplications", MaxProgramWork)
	}
	c.written[s.Out] = true
	return ""
}

// width is that of an input of a step, whose inputs were counted already.
func (c *programCheck) width(s *Step, in int) int { return c.p.Registers[s.In[in]].Width }

// product multiplies counts and does not overflow.
func product(counts ...int) int {
	const limit = 1 << 40
	p := 1
	for _, n := range counts {
		if p *= n; p > limit {
			return limit
		}
	}
	return p
}

// CheckCompiled is Check for a model whose program is compiled: its Trees steps
// have no models, which are kept elsewhere.
func CheckCompiled(m *Model) error {
	p := m.Program
	n := len(m.FeatureNames)
	switch {
	case n < 1 || n > MaxFeatures:
		return unsound("", "%d features, want 1 to %d", n, MaxFeatures)
	case len(m.Trees) > 0 || len(m.Base) > 0 || m.LeafWidth < 0 || m.LeafWidth > 1:
		return unsound("", "has a program and trees, or a base")
	case m.Input > Float32 || m.Sum > Float32:
		return unsound("", "no such precision: input %d, sum %d", m.Input, m.Sum)
	}
	if err := checkProgram(p, n); err != nil {
		return err
	}
	out := p.Registers[p.Output]
	switch {
	case p.Registers[0].Type != typeOf(m.Input):
		return unsound("register 0", "its type is not the precision of the input")
	case out.Width != m.Outputs || out.Width > MaxOutputs:
		return unsound("program", "the output has %d numbers, the model %d, at most %d", out.Width, m.Outputs, MaxOutputs)
	case m.Sum == Float32 && out.Type != TypeFloat32:
		return unsound("program", "the sums are float32, the output is not")
	case !m.Finish.Sound(m.Outputs):
		return unsound("", "no such link (%d), answer (%d), average (%d) or bias", m.Link, m.Returns, m.Average)
	}
	return checkClasses(m)
}

// checkClasses holds the labels of a model with a program against its outputs:
// a program that names the class may have any number of them.
func checkClasses(m *Model) error {
	n := len(m.Labels)
	fit := n == 0 || n == m.Outputs || n == 2 && m.Outputs == 1 || m.Program.Class != NoRegister
	if n > MaxOutputs || !fit {
		return unsound("", "%d labels do not fit %d outputs", n, m.Outputs)
	}
	return nil
}

// checkProgramModel judges a model whose Program is not nil.
func checkProgramModel(m *Model) error {
	for i := range m.Program.Steps {
		if s := &m.Program.Steps[i]; s.Kind == Trees && s.Model == nil {
			return unsound(fmt.Sprintf("step %d", i), "trees: has no model")
		}
	}
	return CheckCompiled(m)
}

// typeOf is the type of numbers of a precision.
func typeOf(p Precision) Type {
	if p == Float32 {
		return TypeFloat32
	}
	return TypeFloat64
}
