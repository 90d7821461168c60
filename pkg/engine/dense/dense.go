// Package dense multiplies columns of float32 by matrices, and measures their
// distance to vectors: what a network and a support vector machine spend their
// time with.
//
// A column holds one number of many rows side by side, so that a processor's
// vectors hold rows: how many outputs a matrix has, or how wide a row is, does
// not matter to them, and each row's sum is added in the order of the columns,
// as slow code adds it.
//
// Question: why no fused multiply-add? Choice: product and sum are rounded
// each, in the assembly as in Go. Why: the same bits on every processor, and
// as the plain loop has them; it costs a half of what the vector units could do.
//
// Question: which kernel? Choice: by what the processor has, told once: see
// the files of the architectures. The loops here are their slow twins and do
// the work elsewhere.
package dense

// Tile is how many rows all kernels take at a time: columns have a multiple of
// it.
const Tile = 16

// panel is how many outputs a kernel computes together; a matrix is padded
// with zeros to a multiple of it.
const panel = 4

// Matrix is k × n numbers in panels: of each four outputs, k times four
// weights and four numbers of bias.
type Matrix struct {
	k, n  int
	relu  bool
	parts []float32
}

// NewMatrix packs weights, k × n row-major, and the bias, which is empty or n
// numbers. With relu, results below 0 become 0.
func NewMatrix(weights, bias []float64, k, n int, relu bool) *Matrix {
	m := newMatrix(k, n, func(i, j int) float64 { return weights[i*n+j] })
	m.relu = relu
	for j, b := range bias {
		m.parts[j/panel*(k+1)*panel+k*panel+j%panel] = float32(b)
	}
	return m
}

// NewVectors packs n vectors of k numbers each.
func NewVectors(vectors []float64, k, n int) *Matrix {
	return newMatrix(k, n, func(i, j int) float64 { return vectors[j*k+i] })
}

func newMatrix(k, n int, at func(i, j int) float64) *Matrix {
	m := &Matrix{k: k, n: n, parts: make([]float32, Padded(n)*(k+1))}
	for j := range n {
		part := m.parts[j/panel*(k+1)*panel+j%panel:]
		for i := range k {
			part[i*panel] = float32(at(i, j))
		}
	}
	return m
}

// Spill is by how many columns an output may be wider than its matrix.
const Spill = panel - 1

// Padded is how many columns an output of n takes.
func Padded(n int) int { return (n + panel - 1) / panel * panel }

// Mul writes to the columns of out, Padded(n) of them, the products of the k
// columns of x with the matrix. Columns start a stride apart, which is a
// multiple of Tile; the first rows numbers of each count, and what the others
// hold afterwards is anything.
func (m *Matrix) Mul(out, x []float32, stride, rows int) { m.run(mulTiles, out, x, stride, rows) }

// Distances writes to the columns of out the squares of the distances of the
// rows to the vectors.
func (m *Matrix) Distances(out, x []float32, stride, rows int) {
	m.run(distanceTiles, out, x, stride, rows)
}

// tiles computes one panel for a number of rows that is a multiple of Tile: out
// and x are whole columns.
type tiles func(out, x, part []float32, stride, k, rows int, relu bool)

func (m *Matrix) run(f tiles, out, x []float32, stride, rows int) {
	rows = (rows + Tile - 1) / Tile * Tile
	size := (m.k + 1) * panel
	for from := 0; from < len(m.parts); from += size {
		f(out[:panel*stride], x[:m.k*stride], m.parts[from:from+size], stride, m.k, rows, m.relu)
		if from+size < len(m.parts) {
			out = out[panel*stride:]
		}
	}
}

// mulPlain is the twin of the products in assembly.
func mulPlain(out, x, part []float32, stride, k, rows int, relu bool) {
	for j := range panel {
		column := out[j*stride:][:rows]
		clear(column)
		for i := range k {
			w := part[i*panel+j]
			for r, v := range x[i*stride:][:rows] {
				column[r] += float32(v * w)
			}
		}
		bias := part[k*panel+j]
		for r, v := range column {
			v += bias
			if relu && v < 0 {
				v = 0
			}
			column[r] = v
		}
	}
}

// distancePlain is the twin of the distances in assembly.
func distancePlain(out, x, part []float32, stride, k, rows int, _ bool) {
	for j := range panel {
		column := out[j*stride:][:rows]
		clear(column)
		for i := range k {
			w := part[i*panel+j]
			for r, v := range x[i*stride:][:rows] {
				d := v - w
				column[r] += float32(d * d)
			}
		}
	}
}
