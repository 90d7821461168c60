package portable

import (
	"bytes"
	"flag"
	"fmt"
	"go/format"
	"math"
	"math/big"
	"math/rand/v2"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "write tables.go")

// precision of the slow twins, in bits.
const precision = 256

func number(x float64) *big.Float { return new(big.Float).SetPrec(precision).SetFloat64(x) }

func calc() *big.Float { return new(big.Float).SetPrec(precision) }

// bigExp is Taylor's series after halving the argument until it is small.
func bigExp(x *big.Float) *big.Float {
	const halvings = 40
	r := calc().SetMantExp(x, -halvings)
	total, term := number(1), number(1)
	for n := 1; n < 40; n++ {
		term = calc().Quo(calc().Mul(term, r), number(float64(n)))
		total = calc().Add(total, term)
	}
	for range halvings {
		total = calc().Mul(total, total)
	}
	return total
}

// bigLog is the series 2 (z + z³/3 + …) with z = (m-1)/(m+1), for m in [0.5, 1).
func bigLog(x *big.Float) *big.Float {
	m := calc()
	k := x.MantExp(m)
	return calc().Add(logOf(m), calc().Mul(number(float64(k)), calc().Neg(logOf(number(0.5)))))
}

func logOf(m *big.Float) *big.Float {
	z := calc().Quo(calc().Sub(m, number(1)), calc().Add(m, number(1)))
	square, power, total := calc().Mul(z, z), z, z
	for n := 3; n < 400; n += 2 {
		power = calc().Mul(power, square)
		total = calc().Add(total, calc().Quo(power, number(float64(n))))
	}
	return calc().Mul(number(2), total)
}

// apart is how far y is from the true value, in units of its last place.
func apart(y float64, want *big.Float) float64 {
	if f, _ := want.Float64(); math.IsInf(f, 0) || math.IsInf(y, 0) || f == 0 {
		if f == y {
			return 0
		}
	}
	ulp := math.Nextafter(math.Abs(y), math.Inf(1)) - math.Abs(y)
	d := calc().Sub(number(y), want)
	f, _ := calc().Quo(d, number(ulp)).Float64()
	return math.Abs(f)
}

// draws is how many arguments are drawn: few where the processor is emulated.
func draws() int {
	if testing.Short() {
		return 100
	}
	return 2000
}

func source() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

// TestAccuracy draws arguments of all sizes and holds the results to the slow
// twins. limit is in units in the last place; nearest is the share of results
// that must be the nearest number.
func TestAccuracy(t *testing.T) {
	rng := source()
	one := number(1)
	tanh := func(x *big.Float) *big.Float {
		e := bigExp(calc().Add(x, x))
		return calc().Quo(calc().Sub(e, one), calc().Add(e, one))
	}
	for _, f := range []struct {
		name    string
		f       func(float64) float64
		twin    func(*big.Float) *big.Float
		draw    func() float64
		limit   float64
		nearest float64
	}{
		{"exp", Exp, bigExp, func() float64 { return (rng.Float64() - 0.5) * 1400 }, 0.52, 0.98},
		{"exp near 0", Exp, bigExp, func() float64 { return rng.NormFloat64() }, 0.52, 0.98},
		{"exp, tiny results", Exp, bigExp, func() float64 { return -708 - 37*rng.Float64() }, 1.01, 0.8},
		{"expm1", Expm1, func(x *big.Float) *big.Float { return calc().Sub(bigExp(x), one) }, func() float64 { return rng.NormFloat64() }, 1.6, 0.6},
		{"log", Log, bigLog, func() float64 { return math.Exp((rng.Float64() - 0.5) * 1400) }, 0.51, 0.98},
		{"log near 1", Log, bigLog, func() float64 { return 1 + rng.NormFloat64()/100 }, 0.51, 0.98},
		{"log of subnormals", Log, bigLog, func() float64 { return rng.Float64() * 0x1p-1022 }, 0.51, 0.98},
		{"log1p", Log1p, func(x *big.Float) *big.Float { return bigLog(calc().Add(one, x)) }, func() float64 { return math.Exp(rng.NormFloat64() * 20) }, 0.75, 0.98},
		{"log1p, negative", Log1p, func(x *big.Float) *big.Float { return bigLog(calc().Add(one, x)) }, func() float64 { return -rng.Float64() }, 0.75, 0.98},
		{"tanh", Tanh, tanh, func() float64 { return rng.NormFloat64() }, 2, 0.3},
		{"erf", Erf, bigErf, func() float64 { return 2 * rng.NormFloat64() }, 16, 0.05},
	} {
		worst, near, n := 0.0, 0, draws()
		for range n {
			x := f.draw()
			d := apart(f.f(x), f.twin(number(x)))
			if d > worst {
				worst = d
			}
			if d <= 0.5 {
				near++
			}
			if d > f.limit {
				t.Fatalf("%s(%v) = %v is %.3f units off", f.name, x, f.f(x), d)
			}
		}
		if share := float64(near) / float64(n); share < f.nearest {
			t.Errorf("%s: %.3f are the nearest number, want %.2f", f.name, share, f.nearest)
		}
		t.Logf("%s: at most %.4f units, %.1f %% nearest", f.name, worst, 100*float64(near)/float64(n))
	}
}

// bigErf is the series of Abramowitz and Stegun 7.1.5.
func bigErf(x *big.Float) *big.Float {
	square := calc().Mul(x, x)
	term, total := calc().Set(x), calc().Set(x)
	for n := 1; n < 600; n++ {
		term = calc().Neg(calc().Quo(calc().Mul(term, square), number(float64(n))))
		total = calc().Add(total, calc().Quo(term, number(float64(2*n+1))))
	}
	pi, _ := calc().SetString("3.14159265358979323846264338327950288419716939937510582097494459230781640628620899")
	return calc().Quo(calc().Mul(number(2), total), calc().Sqrt(pi))
}

func TestPow(t *testing.T) {
	rng := source()
	for range draws() {
		x, y := math.Exp(rng.NormFloat64()*5), rng.NormFloat64()*20
		want := bigExp(calc().Mul(number(y), bigLog(number(x))))
		if d := apart(Pow(x, y), want); d > 0.52 {
			t.Fatalf("%v^%v = %v is %.3f units off", x, y, Pow(x, y), d)
		}
	}
	inf, nan := math.Inf(1), math.NaN()
	values := []float64{0, math.Copysign(0, -1), 1, -1, 2, -2, 3, -3, 0.5, -0.5, 1e300, -1e300, 1e-300, 5e-324, 1 << 53, 1<<53 + 2, 0x1p80, -0x1p80, inf, -inf, nan}
	for _, x := range values {
		for _, y := range values {
			got, want := Pow(x, y), math.Pow(x, y)
			if d := math.Abs(got - want); got != want && !(got != got && want != want) && !(d <= 1e-15*math.Abs(want)) {
				t.Errorf("%v^%v: got %v, want %v", x, y, got, want)
			}
		}
	}
}

func TestSpecialCases(t *testing.T) {
	inf, nan, zero := math.Inf(1), math.NaN(), math.Copysign(0, -1)
	for _, c := range []struct {
		name      string
		f         func(float64) float64
		x, result float64
	}{
		{"exp", Exp, 0, 1}, {"exp", Exp, zero, 1}, {"exp", Exp, inf, inf}, {"exp", Exp, -inf, 0}, {"exp", Exp, nan, nan},
		{"exp", Exp, 709.782712893384, 0x1.fffffffffff2ap1023}, {"exp", Exp, 710, inf}, {"exp", Exp, 1e300, inf}, {"exp", Exp, -746, 0}, {"exp", Exp, -1e300, 0},
		{"exp", Exp, -745.13, 5e-324}, {"exp", Exp, 5e-324, 1},
		{"log", Log, 1, 0}, {"log", Log, 0, -inf}, {"log", Log, zero, -inf}, {"log", Log, -1, nan}, {"log", Log, inf, inf}, {"log", Log, nan, nan},
		{"log1p", Log1p, zero, zero}, {"log1p", Log1p, -1, -inf}, {"log1p", Log1p, -2, nan}, {"log1p", Log1p, inf, inf}, {"log1p", Log1p, 5e-324, 5e-324}, {"log1p", Log1p, nan, nan},
		{"expm1", Expm1, zero, zero}, {"expm1", Expm1, -inf, -1}, {"expm1", Expm1, inf, inf}, {"expm1", Expm1, 5e-324, 5e-324}, {"expm1", Expm1, nan, nan},
		{"tanh", Tanh, zero, zero}, {"tanh", Tanh, inf, 1}, {"tanh", Tanh, -inf, -1}, {"tanh", Tanh, nan, nan}, {"tanh", Tanh, 5e-324, 5e-324},
		{"erf", Erf, zero, zero}, {"erf", Erf, inf, 1}, {"erf", Erf, -9, -1}, {"erf", Erf, nan, nan},
	} {
		if got := c.f(c.x); math.Float64bits(got) != math.Float64bits(c.result) && !(got != got && c.result != c.result) {
			t.Errorf("%s(%v): got %v, want %v", c.name, c.x, got, c.result)
		}
	}
}

// TestTables: tables.go holds what the definitions give.
func TestTables(t *testing.T) {
	want := tables(t)
	if *update {
		if err := os.WriteFile("tables.go", want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile("tables.go")
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("tables.go is not what its definitions give (%v): run go test -update", err)
	}
}

func tables(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	b.WriteString("package portable\n\n// Made by go test -update.\n\n" +
		"// powers are 2 to the power of i/steps, as two numbers.\nvar powers = [steps][2]float64{\n")
	ln2 := calc().Neg(logOf(number(0.5)))
	for i := range steps {
		hi, lo := two(bigExp(calc().Mul(ln2, number(float64(i)/steps))))
		fmt.Fprintf(&b, "\t{%x, %x},\n", hi, lo)
	}
	b.WriteString("}\n\n// tails are what the first of powers lack, as parts of them.\nvar tails = [steps]float64{\n")
	for i := range steps {
		power := bigExp(calc().Mul(ln2, number(float64(i)/steps)))
		hi, _ := two(power)
		tail, _ := calc().Quo(calc().Sub(power, number(hi)), number(hi)).Float64()
		fmt.Fprintf(&b, "\t%x,\n", tail)
	}
	b.WriteString("}\n\n// inverses are, for the numbers from i/steps to the next, a short number c near\n" +
		"// their inverse, and -ln c as two numbers. Around 1 it is 1.\nvar inverses = [...]struct{ c, log, logLow float64 }{\n")
	for i := logFirst; i <= logLast; i++ {
		c := math.Round(steps/(float64(i)+0.5)*512) / 512
		if i == steps-1 || i == steps {
			c = 1
		}
		hi, lo := two(calc().Neg(bigLog(number(c))))
		fmt.Fprintf(&b, "\t{%x, %x, %x},\n", c, hi, lo)
	}
	b.WriteString("}\n\n// Of inverses, the first and the last i.\nconst (\n")
	fmt.Fprintf(&b, "\tlogFirst = %d\n\tlogLast = %d\n)\n", logFirst, logLast)
	out, err := format.Source(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func two(x *big.Float) (hi, lo float64) {
	hi, _ = x.Float64()
	lo, _ = calc().Sub(x, number(hi)).Float64()
	return hi, lo
}

func BenchmarkExp(b *testing.B) {
	x := 0.0
	for b.Loop() {
		x += Exp(-1.25 - x*1e-30)
	}
}

func BenchmarkLog(b *testing.B) {
	x := 0.0
	for b.Loop() {
		x += Log(1.25 + x*1e-30)
	}
}
