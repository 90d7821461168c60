package bundle

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func sample(t testing.TB) []byte {
	t.Helper()
	data, err := Write([]Section{
		{Kind: Info, Element: 1, Data: []byte(`{"name":"m"}`)},
		Of(Roots, []uint32{1, 2, 3}),
		Of(Leaves64, []float64{1.5, math.NaN(), math.Inf(-1)}),
		Of(LeafIDs, []int32{-1}),
		Of(Columns, []uint32(nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestRoundTrip(t *testing.T) {
	data := sample(t)
	f, err := Open(data)
	if err != nil {
		t.Fatal(err)
	}
	if text, ok := f.Section(Info); !ok || string(text) != `{"name":"m"}` {
		t.Errorf("info: got %q %v", text, ok)
	}
	roots, err := View[uint32](f, Roots)
	if err != nil || len(roots) != 3 || roots[2] != 3 {
		t.Errorf("roots: got %v, %v", roots, err)
	}
	leaves, err := View[float64](f, Leaves64)
	if err != nil || len(leaves) != 3 || leaves[0] != 1.5 || leaves[1] == leaves[1] || !math.IsInf(leaves[2], -1) {
		t.Errorf("leaves: got %v, %v", leaves, err)
	}
	for _, k := range []Kind{Columns, Depths} { // empty, absent
		if v, err := View[uint32](f, k); err != nil || v != nil {
			t.Errorf("kind %d: got %v, %v, want nothing", k, v, err)
		}
	}
	if _, err := View[float64](f, Roots); err == nil {
		t.Error("elements of another size were taken")
	}
	if got := f.Digest(); !strings.HasPrefix(got, "sha256:") || len(got) != 71 {
		t.Errorf("digest: got %s", got)
	}
}

func TestSameSectionsSameBytes(t *testing.T) {
	if !bytes.Equal(sample(t), sample(t)) {
		t.Error("two writes differ")
	}
}

// TestUnaligned opens a file at every offset from an aligned address: views
// are then copies, and equal.
func TestUnaligned(t *testing.T) {
	data := sample(t)
	room := make([]byte, len(data)+8)
	for shift := range 8 {
		moved := room[shift : shift+len(data)]
		copy(moved, data)
		f, err := Open(moved)
		if err != nil {
			t.Fatal(err)
		}
		v, err := View[float64](f, Leaves64)
		if err != nil || v[0] != 1.5 {
			t.Errorf("shift %d: got %v, %v", shift, v, err)
		}
	}
}

// resum mends the checksums of a file that a test has changed, so that what
// lies behind them is tested too.
func resum(data []byte) {
	n := binary.LittleEndian.Uint32(data[20:])
	if end := headerSize + int(n)*entrySize; end <= len(data) {
		binary.LittleEndian.PutUint32(data[32:], crc32.ChecksumIEEE(data[headerSize:end]))
	}
	binary.LittleEndian.PutUint32(data[36:], headerSum(data))
}

func TestOpenRefuses(t *testing.T) {
	le := binary.LittleEndian
	tests := []struct {
		name   string
		change func([]byte) []byte
		want   string
	}{
		{"empty", func([]byte) []byte { return nil }, "not a .copse file"},
		{"text", func([]byte) []byte { return []byte("\x89COPSE\n\n") }, "not a .copse file"},
		{"only the magic", func(b []byte) []byte { return b[:8] }, "ends in its header"},
		{"newer", func(b []byte) []byte { b[8]++; return b }, "format version"},
		{"byte order", func(b []byte) []byte { b[12], b[15] = b[15], b[12]; return b }, "byte order"},
		{"header", func(b []byte) []byte { b[50] ^= 1; return b }, "header's checksum"},
		{"cut", func(b []byte) []byte { return b[:len(b)-1] }, "it was cut"},
		{"added to", func(b []byte) []byte { return append(b, 0) }, "it was cut or added to"},
		{"table", func(b []byte) []byte { b[headerSize+8] ^= 1; return b }, "table's checksum"},
		{"section", func(b []byte) []byte { b[256] ^= 1; return b }, "checksum is wrong"},
		{"too many sections", func(b []byte) []byte { le.PutUint32(b[20:], 1<<30); resum(b); return b }, "does not fit"},
		{"unknown kind", func(b []byte) []byte { le.PutUint32(b[headerSize:], 99); resum(b); return b }, "unknown kind 99"},
		{"kind twice", func(b []byte) []byte { le.PutUint32(b[headerSize+entrySize:], uint32(Info)); resum(b); return b }, "two sections"},
		{"offset", func(b []byte) []byte { le.PutUint64(b[headerSize+8:], 1<<62); resum(b); return b }, "outside"},
		{"odd offset", func(b []byte) []byte { le.PutUint64(b[headerSize+8:], 257); resum(b); return b }, "outside"},
		{"length", func(b []byte) []byte { le.PutUint64(b[headerSize+16:], math.MaxUint64); resum(b); return b }, "outside"},
		{"overlap", func(b []byte) []byte {
			copy(b[headerSize+entrySize+8:headerSize+entrySize+16], b[headerSize+8:headerSize+16])
			resum(b)
			return b
		}, "outside"},
		{"element", func(b []byte) []byte { le.PutUint16(b[headerSize+6:], 0); resum(b); return b }, "no multiple"},
		{"element of another size", func(b []byte) []byte { le.PutUint16(b[headerSize+6:], 7); resum(b); return b }, "no multiple"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Open(tt.change(sample(t)))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want …%s…", err, tt.want)
			}
		})
	}
}

func TestOptionalSectionIsSkipped(t *testing.T) {
	data, err := Write([]Section{{Kind: 99, Element: 1, Optional: true, Data: []byte("later")}, Of(Roots, []uint32{7})})
	if err != nil {
		t.Fatal(err)
	}
	f, err := Open(data)
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Sections()) != 2 {
		t.Errorf("got %d sections, want 2 with the digest", len(f.Sections()))
	}
	if err := f.CheckDigest(); err != nil {
		t.Error(err)
	}
}

// TestDigest: it is that of the sections, whether the file has it or not, and
// nothing of them can change without it.
func TestDigest(t *testing.T) {
	sections := []Section{{Kind: Info, Element: 1, Data: []byte("m")}, Of(Roots, []uint32{1, 2, 3}), Of(Groups, []uint32{})}
	digestOf := func(sections []Section) string {
		data, err := Write(sections)
		if err != nil {
			t.Fatal(err)
		}
		f, err := Open(data)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.CheckDigest(); err != nil {
			t.Error(err)
		}
		return f.Digest()
	}
	want := digestOf(sections)
	for name, change := range map[string]func(s []Section) []Section{
		"a value":       func(s []Section) []Section { s[1] = Of(Roots, []uint32{1, 2, 4}); return s },
		"a kind":        func(s []Section) []Section { s[1].Kind = Depths; return s },
		"an element":    func(s []Section) []Section { s[1].Element = 2; return s },
		"optional":      func(s []Section) []Section { s[1].Optional = true; return s },
		"the order":     func(s []Section) []Section { s[0], s[1] = s[1], s[0]; return s },
		"one less":      func(s []Section) []Section { return s[:2] },
		"a border":      func(s []Section) []Section { s[0].Data = []byte("m\x01"); return s },
		"what it was":   func(s []Section) []Section { s[0].Data = nil; return s },
		"another layer": func(s []Section) []Section { s[1].Kind = Roots.Part(1); return s },
	} {
		if got := digestOf(change(slices.Clone(sections))); got == want {
			t.Errorf("%s changed, and not the digest", name)
		}
	}
	again := append([]Section{{Kind: Digest, Element: 1, Data: []byte("a lie")}}, sections...)
	if got := digestOf(again); got != want {
		t.Errorf("a digest among the sections changes it")
	}
}

// TestDigestLies: a file whose digest is another's opens, since nothing of it
// is damaged, and CheckDigest tells.
func TestDigestLies(t *testing.T) {
	data := sample(t)
	f, err := Open(data)
	if err != nil {
		t.Fatal(err)
	}
	honest := f.Digest()
	sum, _ := f.Section(Digest)
	sum[0] ^= 1
	entry := data[headerSize+(len(f.all)-1)*entrySize:]
	binary.LittleEndian.PutUint32(entry[24:], crc32.ChecksumIEEE(sum))
	resum(data)
	if f, err = Open(data); err != nil {
		t.Fatal(err)
	}
	if err := f.CheckDigest(); err == nil || f.Digest() == honest {
		t.Errorf("digest %s, check %v", f.Digest(), err)
	}
	// Without it the digest is computed.
	binary.LittleEndian.PutUint32(data[20:], uint32(len(f.all)-1))
	resum(data)
	if f, err = Open(data); err != nil {
		t.Fatal(err)
	}
	if err := f.CheckDigest(); err != nil || f.Digest() != honest {
		t.Errorf("digest %s, want %s; check %v", f.Digest(), honest, err)
	}
}

// TestEveryBitCounts flips each bit of a file: none goes unnoticed but those
// of the padding between sections.
func TestEveryBitCounts(t *testing.T) {
	data := sample(t)
	f, err := Open(data)
	if err != nil {
		t.Fatal(err)
	}
	covered := make([]bool, len(data))
	for i := range headerSize + entrySize*5 {
		covered[i] = true
	}
	for _, s := range f.Sections() {
		if len(s.Data) == 0 {
			continue
		}
		at := bytes.Index(data, s.Data)
		for i := range s.Data {
			covered[at+i] = true
		}
	}
	for i := range data {
		for bit := range 8 {
			data[i] ^= 1 << bit
			if _, err := Open(data); err == nil && covered[i] {
				t.Errorf("byte %d, bit %d: nobody noticed", i, bit)
			}
			data[i] ^= 1 << bit
		}
	}
}

func TestWriteRefuses(t *testing.T) {
	if _, err := Write([]Section{{Kind: Roots, Element: 4, Data: make([]byte, 5)}}); err == nil {
		t.Error("half an element was written")
	}
	if _, err := Write(make([]Section, maxSections+1)); err == nil {
		t.Error("too many sections were written")
	}
}

func FuzzOpen(f *testing.F) {
	data := sample(f)
	f.Add(data, true)
	f.Add(data[:100], false)
	f.Fuzz(func(t *testing.T, data []byte, mend bool) {
		if mend && len(data) >= headerSize {
			resum(data)
		}
		file, err := Open(data)
		if err != nil {
			return
		}
		for _, s := range file.Sections() {
			for _, b := range s.Data {
				_ = b
			}
		}
	})
}

func BenchmarkOpen(b *testing.B) {
	nodes := make([]float64, 90_000) // 0.7 MB
	r := rand.New(rand.NewPCG(1, 1))
	for i := range nodes {
		nodes[i] = r.Float64()
	}
	data, err := Write([]Section{Of(Leaves64, nodes)})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := Open(data); err != nil {
			b.Fatal(err)
		}
	}
}
