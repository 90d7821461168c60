package engine

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
)

// TestBranchless reads the compiler's output: the step of a walk and the key
// of a value must not jump, or every node would cost a misprediction, and must
// be inlined; no product of a linear leaf is fused with the sum.
func TestBranchless(t *testing.T) {
	for _, arch := range []string{"amd64", "arm64"} {
		cmd := exec.Command("go", "build", "-gcflags=-S", ".")
		cmd.Env = append(os.Environ(), "GOARCH="+arch, "CGO_ENABLED=0")
		listing, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v: %s", arch, err, listing[:min(len(listing), 500)])
		}
		if f := fused.Find(listing); f != nil {
			t.Errorf("%s: a product is fused with a sum: %s", arch, f)
		}
		for file, functions := range map[string][]string{
			"walk.go": {"next"}, "walk_masked.go": {"masked"},
			"keys.go": {"key32", "key64", "banded32", "banded64", "feature"},
		} {
			for _, name := range functions {
				first, last := lines(t, file, name)
				count, jumps := instructions(listing, file, first, last)
				if count == 0 {
					t.Errorf("%s: no instructions of %s in the listing", arch, name)
				}
				if len(jumps) > 0 {
					t.Errorf("%s: %s jumps: %s", arch, name, jumps[0])
				}
				if called := regexp.MustCompile(`\tCALL\t\S*/engine\.` + name + `[\[(]`); called.Match(listing) {
					t.Errorf("%s: %s is called somewhere and not inlined", arch, name)
				}
			}
		}
	}
}

// fused is an instruction that rounds a product and a sum once, in a file that
// adds leaves.
var fused = regexp.MustCompile(`\((?:[^()]*/)?(sinks|sum)\.go:\d+\)\tFN?M(ADD|SUB)[SD]\t.*`)

// lines is where a function stands in its file.
func lines(t *testing.T, file, name string) (first, last int) {
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range parsed.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Name.Name == name {
			return set.Position(f.Pos()).Line, set.Position(f.End()).Line
		}
	}
	t.Fatalf("%s has no function %s", file, name)
	return 0, 0
}

// symbol starts the listing of a function.
var symbol = regexp.MustCompile(`^(\S+) STEXT `)

// instruction is a line of the listing: …(path/walk.go:178)<tab>MOVL<tab>…
var instruction = regexp.MustCompile(`\(([^()]*):(\d+)\)\t([A-Z][A-Z0-9]*)`)

// jump is a conditional branch of either processor; a bounds check has one.
var jump = regexp.MustCompile(`^(J[A-Z]+|B(EQ|NE|LT|LE|GT|GE|HI|LO|HS|LS|CC|CS|MI|PL)|CBN?ZW?|TBN?Z)$`)

// instructions counts those of some lines of a file, in whatever function of
// the kernels they were inlined, and returns the jumps. Compile makes keys
// too, where a jump costs nothing.
func instructions(listing []byte, file string, first, last int) (count int, jumps []string) {
	kernel := false
	for text := range bytes.Lines(listing) {
		if m := symbol.FindSubmatch(text); m != nil {
			kernel = bytes.Contains(m[1], []byte(".(*forest["))
		}
		m := instruction.FindSubmatch(text)
		if m == nil || !kernel {
			continue
		}
		line, err := strconv.Atoi(string(m[2]))
		if err != nil || filepath.Base(string(m[1])) != file || line < first || line > last {
			continue
		}
		count++
		if name := string(m[3]); jump.MatchString(name) && name != "JMP" {
			jumps = append(jumps, string(bytes.TrimSpace(text)))
		}
	}
	return count, jumps
}
