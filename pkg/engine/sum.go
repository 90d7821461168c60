package engine

// sum adds leaf values to the rows' margins, in tree order and in the
// precision F, as the library does. There are no products in it that a
// compiler could fuse.
type sum[F float32 | float64] struct {
	leaves  []F // of each node if width is 1, else of each leaf
	groups  []uint32
	width   int // of leaves
	outputs int
	margins []F // outputs a row
}

// start fills the margins of a block with the base.
func (s *sum[F]) start(a *Arrays, leaves, base, margins []F) {
	*s = sum[F]{leaves: leaves, groups: a.Groups, width: a.LeafWidth, outputs: a.Outputs, margins: margins}
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

func (s *sum[F]) tree(t int, leaves []uint32) {
	switch {
	case s.outputs == 1:
		margins := s.margins[:len(leaves)]
		for i, leaf := range leaves {
			margins[i] += s.leaves[leaf]
		}
	case s.width == 1:
		at := int(s.groups[t])
		for _, leaf := range leaves {
			s.margins[at] += s.leaves[leaf]
			at += s.outputs
		}
	default:
		s.treeVectors(leaves)
	}
}

// treeVectors adds a vector to each row. Two and three classes are most
// forests, and a loop over two or three values costs more than its additions.
func (s *sum[F]) treeVectors(leaves []uint32) {
	switch s.width {
	case 2:
		for i, leaf := range leaves {
			m, v := (*[2]F)(s.margins[2*i:]), (*[2]F)(s.leaves[2*int(leaf):])
			m[0] += v[0]
			m[1] += v[1]
		}
	case 3:
		for i, leaf := range leaves {
			m, v := (*[3]F)(s.margins[3*i:]), (*[3]F)(s.leaves[3*int(leaf):])
			m[0] += v[0]
			m[1] += v[1]
			m[2] += v[2]
		}
	default:
		w := s.width
		for i, leaf := range leaves {
			m, v := s.margins[i*w:][:w], s.leaves[int(leaf)*w:][:w]
			for k, x := range v {
				m[k] += x
			}
		}
	}
}

func (s *sum[F]) row(i, t int, leaves []uint32) {
	margins := s.margins[i*s.outputs:][:s.outputs]
	switch {
	case s.outputs == 1:
		m := margins[0]
		for _, leaf := range leaves {
			m += s.leaves[leaf]
		}
		margins[0] = m
	case s.width == 1:
		groups := s.groups[t:][:len(leaves)]
		for k, leaf := range leaves {
			margins[groups[k]] += s.leaves[leaf]
		}
	default:
		s.rowVectors(margins, leaves)
	}
}

// rowVectors adds vectors to one row, four outputs at a time in registers: an
// addition in memory would wait for the one before it twice as long. Where
// less than four are left the last one is computed more than once.
func (s *sum[F]) rowVectors(margins []F, leaves []uint32) {
	last := s.width - 1
	for o := 0; o <= last; o += 4 {
		a, b, c, d := o, min(o+1, last), min(o+2, last), min(o+3, last)
		ma, mb, mc, md := margins[a], margins[b], margins[c], margins[d]
		for _, leaf := range leaves {
			v := s.leaves[int(leaf)*s.width:][:s.width]
			ma += v[a]
			mb += v[b]
			mc += v[c]
			md += v[d]
		}
		margins[a], margins[b], margins[c], margins[d] = ma, mb, mc, md
	}
}

// leafIDs writes the library's leaf numbers.
type leafIDs struct {
	ids   []int32 // of each leaf
	trees int
	out   []int32 // trees a row
}

func (l *leafIDs) byNode() bool { return false }

func (l *leafIDs) tree(t int, leaves []uint32) {
	for i, leaf := range leaves {
		l.out[i*l.trees+t] = l.ids[leaf]
	}
}

func (l *leafIDs) row(i, t int, leaves []uint32) {
	out := l.out[i*l.trees+t:][:len(leaves)]
	for k, leaf := range leaves {
		out[k] = l.ids[leaf]
	}
}
