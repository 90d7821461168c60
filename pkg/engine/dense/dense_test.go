package dense

import (
	"math"
	"math/rand/v2"
	"testing"
)

// number draws numbers that arithmetic trips over, and ordinary ones.
func number(rng *rand.Rand) float32 {
	switch rng.IntN(40) {
	case 0:
		return float32(math.NaN())
	case 1:
		return float32(math.Inf(1 - 2*rng.IntN(2)))
	case 2:
		return float32(math.Copysign(0, -1))
	case 3:
		return math.SmallestNonzeroFloat32 * float32(rng.IntN(9)-4)
	case 4:
		return math.MaxFloat32
	}
	return float32(rng.NormFloat64())
}

// twin computes products and distances with every kernel and by a plain loop,
// and compares them bit for bit (any NaN with any).
func twin(t testing.TB, seed uint64, k, n, rows int, relu, wild bool) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, uint64(k)))
	stride := (rows+Tile-1)/Tile*Tile + Tile*rng.IntN(2)
	x := make([]float32, k*stride)
	draw := func() float32 { return float32(rng.NormFloat64()) }
	if wild {
		draw = func() float32 { return number(rng) }
	}
	for i := range x {
		x[i] = draw()
	}
	weights, bias := make([]float64, k*n), make([]float64, n)
	vectors := make([]float64, k*n)
	for i := range weights {
		weights[i] = float64(draw())
		vectors[i%n*k+i/n] = weights[i]
	}
	for i := range bias {
		bias[i] = float64(draw())
	}
	product, distance := make([]float32, n*rows), make([]float32, n*rows)
	for j := range n {
		for r := range rows {
			var sum, away float32
			for i := range k {
				v, w := x[i*stride+r], float32(weights[i*n+j])
				sum += float32(v * w)
				d := v - w
				away += float32(d * d)
			}
			if sum += float32(bias[j]); relu && sum < 0 {
				sum = 0
			}
			product[j*rows+r], distance[j*rows+r] = sum, away
		}
	}
	for _, kernel := range Kernels() {
		Use(kernel)
		out := make([]float32, Padded(n)*stride)
		NewMatrix(weights, bias, k, n, relu).Mul(out, x, stride, rows)
		same(t, kernel+" product", out, product, stride, rows)
		NewVectors(vectors, k, n).Distances(out, x, stride, rows)
		same(t, kernel+" distance", out, distance, stride, rows)
	}
}

func same(t testing.TB, what string, out, want []float32, stride, rows int) {
	t.Helper()
	for at, w := range want {
		got := out[at/rows*stride+at%rows]
		if math.Float32bits(got) != math.Float32bits(w) && (got == got || w == w) {
			t.Fatalf("%s: column %d, row %d: got %x, want %x", what, at/rows, at%rows, got, w)
		}
	}
}

func TestTwin(t *testing.T) {
	for i, c := range []struct{ k, n, rows int }{
		{1, 1, 1}, {1, 4, 16}, {3, 5, 17}, {20, 64, 64}, {64, 3, 100}, {7, 9, 128}, {2, 1, 63}, {33, 8, 65},
	} {
		for _, relu := range []bool{false, true} {
			twin(t, uint64(i), c.k, c.n, c.rows, relu, false)
			twin(t, uint64(i), c.k, c.n, c.rows, relu, true)
		}
	}
}

func FuzzTwin(f *testing.F) {
	f.Add(uint64(1), uint8(3), uint8(5), uint8(70), true)
	f.Fuzz(func(t *testing.T, seed uint64, k, n, rows uint8, relu bool) {
		twin(t, seed, 1+int(k%70), 1+int(n%20), 1+int(rows)%140, relu, seed%2 == 0)
	})
}

// TestNoBias: without a bias nothing but the sums comes out.
func TestNoBias(t *testing.T) {
	x, out := make([]float32, 2*Tile), make([]float32, 4*Tile)
	x[0], x[Tile] = 2, 3
	NewMatrix([]float64{10, 100}, nil, 2, 1, false).Mul(out, x, Tile, 1)
	if out[0] != 320 {
		t.Errorf("got %v, want 320", out[0])
	}
}

func BenchmarkMul(b *testing.B) {
	const k, n, rows = 64, 64, 64
	x, out := make([]float32, k*rows), make([]float32, n*rows)
	m := NewMatrix(make([]float64, k*n), nil, k, n, true)
	for _, kernel := range Kernels() {
		b.Run(kernel, func(b *testing.B) {
			Use(kernel)
			for b.Loop() {
				m.Mul(out, x, rows, rows)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
		})
	}
}

func BenchmarkDistances(b *testing.B) {
	const k, n, rows = 20, 500, 64
	x, out := make([]float32, k*rows), make([]float32, n*rows)
	m := NewVectors(make([]float64, k*n), k, n)
	for _, kernel := range Kernels() {
		b.Run(kernel, func(b *testing.B) {
			Use(kernel)
			for b.Loop() {
				m.Distances(out, x, rows, rows)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/row")
		})
	}
}
