package engine

import "unsafe"

// sum adds leaf values to the rows' margins, in tree order and in the
// precision F, as the library does. There are no products in it that a
// compiler could fuse.
//
// New has proved that every leaf that a walk ends on has its values.
type sum[F float32 | float64] struct {
	leaves  unsafe.Pointer // to the values: of each node if width is 1, else of each leaf
	groups  []uint32
	width   int // of leaves
	outputs int
	margins []F // outputs a row
}

// start fills the margins of a block with the base.
func (s *sum[F]) start(a *Arrays, leaves, base, margins []F) {
	*s = sum[F]{
		leaves: unsafe.Pointer(unsafe.SliceData(leaves)),
		groups: a.Groups, width: a.LeafWidth, outputs: a.Outputs, margins: margins,
	}
	if len(base) == 1 {
		for i := range margins {
			margins[i] = base[0]
		}
		return
	}
	for i := 0; i < len(margins); i += len(base) {
		copy(margins[i:], base)
	}
}

func (s *sum[F]) byNode() bool { return s.width == 1 }

// value is the value at a node.
func (s *sum[F]) value(node uint32) F {
	return *(*F)(unsafe.Add(s.leaves, uintptr(node)*unsafe.Sizeof(F(0))))
}

// vector is where the values of a leaf start, for vectors of width w.
func (s *sum[F]) vector(leaf uint32, w uintptr) unsafe.Pointer {
	return unsafe.Add(s.leaves, uintptr(leaf)*w*unsafe.Sizeof(F(0)))
}

func (s *sum[F]) trees(t, count, n int, leaves *block) {
	switch {
	case count == treeBatch && s.outputs == 1:
		s.fourValues(n, leaves)
	case count == treeBatch && s.width == 3:
		s.fourTriples(n, leaves)
	default:
		for k := range count {
			s.tree(t+k, leaves[k][:n])
		}
	}
}

// fourValues adds four trees to each row's margin while it is in a register.
func (s *sum[F]) fourValues(n int, leaves *block) {
	margins := s.margins[:n]
	a, b, c, d := leaves[0][:n], leaves[1][:n], leaves[2][:n], leaves[3][:n]
	for i, m := range margins {
		m += s.value(a[i])
		m += s.value(b[i])
		m += s.value(c[i])
		m += s.value(d[i])
		margins[i] = m
	}
}

// fourTriples is fourValues for three classes, as many as the forest has that
// everyone tries first.
func (s *sum[F]) fourTriples(n int, leaves *block) {
	margins := s.margins
	for i := range leaves[0][:n] {
		m := (*[3]F)(margins)
		x, y, z := m[0], m[1], m[2]
		for k := range leaves {
			v := (*[3]F)(s.vector(leaves[k][i], 3))
			x += v[0]
			y += v[1]
			z += v[2]
		}
		m[0], m[1], m[2] = x, y, z
		margins = margins[3:]
	}
}

// tree adds one tree.
func (s *sum[F]) tree(t int, leaves []uint32) {
	if s.width == 1 {
		at := int(s.groups[t])
		for _, node := range leaves {
			s.margins[at] += s.value(node)
			at += s.outputs
		}
		return
	}
	margins := s.margins
	for _, leaf := range leaves {
		v := unsafe.Slice((*F)(s.vector(leaf, uintptr(s.width))), s.width)
		for k, m := range margins[:s.width] {
			margins[k] = m + v[k]
		}
		margins = margins[s.width:]
	}
}

func (s *sum[F]) row(i, t int, leaves []uint32) {
	margins := s.margins[i*s.outputs:][:s.outputs]
	switch {
	case s.outputs == 1:
		m := margins[0]
		for _, node := range leaves {
			m += s.value(node)
		}
		margins[0] = m
	case s.width == 1:
		groups := s.groups[t:][:len(leaves)]
		for k, node := range leaves {
			margins[groups[k]] += s.value(node)
		}
	default:
		s.rowVectors(margins, leaves)
	}
}

// rowVectors adds vectors to one row, four outputs at a time in registers: an
// addition in memory would wait for the one before it twice as long. Where
// less than four are left the last one is computed more than once.
func (s *sum[F]) rowVectors(margins []F, leaves []uint32) {
	var f F
	size := unsafe.Sizeof(f)
	last := s.width - 1
	for o := 0; o <= last; o += 4 {
		a, b, c, d := o, min(o+1, last), min(o+2, last), min(o+3, last)
		ma, mb, mc, md := margins[a], margins[b], margins[c], margins[d]
		for _, leaf := range leaves {
			v := s.vector(leaf, uintptr(s.width))
			ma += *(*F)(unsafe.Add(v, uintptr(a)*size))
			mb += *(*F)(unsafe.Add(v, uintptr(b)*size))
			mc += *(*F)(unsafe.Add(v, uintptr(c)*size))
			md += *(*F)(unsafe.Add(v, uintptr(d)*size))
		}
		margins[a], margins[b], margins[c], margins[d] = ma, mb, mc, md
	}
}

// leafIDs writes the library's leaf numbers.
type leafIDs struct {
	ids []int32 // of each leaf
	all int     // trees
	out []int32 // trees a row
}

func (l *leafIDs) byNode() bool { return false }

func (l *leafIDs) trees(t, count, n int, leaves *block) {
	for k := range count {
		for i, leaf := range leaves[k][:n] {
			l.out[i*l.all+t+k] = l.ids[leaf]
		}
	}
}

func (l *leafIDs) row(i, t int, leaves []uint32) {
	out := l.out[i*l.all+t:][:len(leaves)]
	for k, leaf := range leaves {
		out[k] = l.ids[leaf]
	}
}
