package local

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/jedib0t/go-pretty/v6/text"

	"example.com/copse/pkg/schema"
)

// everyModel are the model files of the tests of all libraries.
func everyModel(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob("../../testdata/models/*/*/model.*")
	if err != nil || len(paths) < 60 {
		t.Fatalf("got %d model files, %v", len(paths), err)
	}
	return paths
}

// TestCardsFit draws every model at several widths: lines are as long as the
// card is wide, and nothing in a file draws by itself.
func TestCardsFit(t *testing.T) {
	paths := append(everyModel(t), "../../model/iris.copse", "../../model/iris.golearn")
	for i, path := range paths {
		d, err := describe(path)
		if err != nil {
			if !strings.Contains(err.Error(), "not supported") { // those that are kept to be refused
				t.Errorf("%s: %v", path, err)
			}
			continue
		}
		width := []int{40, 60, 80, 100, 120}[i%5]
		t.Setenv("COLUMNS", fmt.Sprint(width))
		var out bytes.Buffer
		if err := d.draw(&out); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(out.String()) {
			line = strings.TrimSuffix(line, "\n")
			if got := text.StringWidth(line); got != width {
				t.Errorf("%s: a line is %d wide, want %d: %s", path, got, width, line)
			}
			if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' }) || !utf8.ValidString(line) {
				t.Errorf("%s: %q", path, line)
			}
		}
	}
}

// TestHostileNamesDoNotDraw: names and texts of a file are shown without what
// moves a cursor or changes colours.
func TestHostileNamesDoNotDraw(t *testing.T) {
	bad := "\x1b[2J\u009b31m\a\r\n\t" + strings.Repeat("w", 500)
	d := &description{Name: bad, Library: bad, Version: bad, Objective: bad, Labels: []string{bad, bad}, Outputs: 2, Source: bad,
		Features: []schema.Feature{{Name: bad, Unit: bad, Rules: bad, Description: bad, Missing: schema.Fill, Default: bad},
			{Name: "c", Type: schema.Category, Categories: []string{bad}}}}
	var out bytes.Buffer
	if err := d.draw(&out); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(out.String(), "\x1b\u009b\a\r\t") {
		t.Errorf("got %q", out.String())
	}
}

func TestManyFeatures(t *testing.T) {
	d := &description{Name: "wide"}
	for i := range 1060 {
		d.Features = append(d.Features, schema.Feature{Name: fmt.Sprint("f", i), Type: schema.Number})
	}
	var out bytes.Buffer
	if err := d.draw(&out); err != nil {
		t.Fatal(err)
	}
	if s := out.String(); !strings.Contains(s, "│ 1,060 features ") || !strings.Contains(s, "… 1,000 more: see --json") || strings.Contains(s, "│ f60 ") {
		t.Errorf("got %s", s)
	}
}

func TestHistogram(t *testing.T) {
	for _, c := range []struct {
		values []int
		want   string
	}{
		{[]int{3}, "3 █ 3"},
		{[]int{1, 2, 2, 2, 2, 2, 2, 2, 2, 4}, "1 ▁█ ▁ 4"},
		{[]int{1, 64, 64}, "1 ▄              █ 64"},
	} {
		if got := count(c.values).bars(canvas{}); got != c.want {
			t.Errorf("%v: got %q, want %q", c.values, got, c.want)
		}
	}
	if got := steps([]string{"trees", "reduce", "trees"}); got != "trees × 2, reduce" {
		t.Errorf("got %q", got)
	}
}

func TestWords(t *testing.T) {
	for _, c := range []struct {
		f    schema.Feature
		want string
	}{
		{schema.Feature{Rules: "gte=0,lt=10,ne=7", Unit: "cm"}, "≥ 0, < 10, ne=7 cm|refused|"},
		{schema.Feature{Rules: "gt=0,max=5,eq=3", Missing: schema.Allow, Description: "Of it."}, "> 0, ≤ 5, = 3|allowed|Of it."},
		{schema.Feature{Missing: schema.Fill, Default: 2.5}, "|is 2.5|"},
		{schema.Feature{Type: schema.Category, Categories: strings.Split("abcdefgh", "")}, "8 categories|refused|a, b, c, d, e, f, …"},
	} {
		if got := ranges(&c.f) + "|" + missing(&c.f) + "|" + about(&c.f); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := grouped(n); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// TestInspectSaysAll: the members of --json that depend on the kind of model.
func TestInspectSaysAll(t *testing.T) {
	for _, c := range []struct{ path, want string }{
		{"testdata/models/xgboost/2.1-early-stopping/model.json", `,"best_iteration":`},
		{"testdata/models/xgboost/2.1-early-stopping/model.json", `"returns":"a probability: the sigmoid of the raw score"`},
		{"testdata/models/onnx/ada_boost/model.onnx", `"steps":["`},
		{"testdata/models/onnx/ada_boost/model.onnx", `"has_margin":false,"has_leaf":false`},
		{"testdata/models/lightgbm/categorical/model.txt", `"leaves_of_trees":{"least":7,"most":7,"width":1,"trees":[10]}`},
		{"model/iris.copse", `"bundle":true`},
		{"model/iris.copse", `"self_test_rows":`},
	} {
		d, err := describe("../../" + c.path)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(d)
		if err != nil || !strings.Contains(string(text), c.want) {
			t.Errorf("%s: got %.500s, %v, want %s", c.path, text, err, c.want)
		}
	}
}

// onTerminal runs the command on a terminal of 80 columns and returns what it
// shows there.
func onTerminal(t *testing.T, env []string, args ...string) string {
	t.Helper()
	screen, tty := terminal(t)
	cmd := exec.Command("copse", args...)
	cmd.Stdout = tty
	cmd.Env = append(os.Environ(), env...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = tty.Close()
	var shown bytes.Buffer
	_, _ = shown.ReadFrom(screen) // ends with an error when the last writer is gone
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	return shown.String()
}

// TestColoursAreForTerminals, and the card is as wide as the terminal.
func TestColoursAreForTerminals(t *testing.T) {
	for _, c := range []struct {
		env   []string
		want  bool
		width int
	}{{nil, true, 80}, {[]string{"NO_COLOR=1"}, false, 80}, {[]string{"NO_COLOR=1", "COLUMNS=60"}, false, 60}} {
		shown := onTerminal(t, c.env, "inspect", "../../model/iris.copse")
		if got := strings.Contains(shown, "\x1b["); got != c.want {
			t.Errorf("%v: colours: %v, want %v: %.300q", c.env, got, c.want, shown)
		}
		first, _, _ := strings.Cut(shown, "\r\n")
		if got := text.StringWidthWithoutEscSequences(first); got != c.width {
			t.Errorf("%v: the card is %d wide, want %d: %q", c.env, got, c.width, first)
		}
	}
}
