package main

import (
	"bytes"
	"flag"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the tables into docs/scale.md")

const (
	page      = "../../docs/scale.md"
	readme    = "../../README.md"
	pageBegin = "<!-- cost: written by make cost -->\n"
	pageEnd   = "<!-- /cost -->\n"
)

// TestPage: docs/scale.md shows what the calculator says now.
func TestPage(t *testing.T) {
	var tables bytes.Buffer
	if err := run([]string{"-markdown", "-readme", readme}, &tables); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), pageBegin)
	_, after, closed := strings.Cut(rest, pageEnd)
	if !ok || !closed {
		t.Fatal("docs/scale.md has no marks for the tables")
	}
	want := before + pageBegin + tables.String() + pageEnd + after
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(text) != want {
		t.Errorf("docs/scale.md has other figures than the README: run make cost")
	}
}

// plain is work whose bills are easily worked out by hand.
func plain() work {
	w := assumptions()
	w.JSON, w.CSV = figure{value: 1e6}, figure{value: 2e6}
	w.RowBytes, w.Overhead, w.MapStart = 250, 0, 0
	return w
}

func TestBills(t *testing.T) {
	tests := []struct {
		name    string
		change  func(*work)
		bill    func(work) bill
		seconds float64
		items   map[string]float64 // amounts
	}{
		// 10⁹ rows at 10⁶ a second of one CPU: 1,000 s of functions, over a
		// thousand of them; 10⁷ messages of 60 KB in one request each.
		{"queue", func(*work) {}, queue, 1, map[string]float64{
			"time of functions": 1000 * 1769.0 / 1024, "calls": 1e6, "requests: send, receive, delete": 2.1e7, "requests: answers": 1e7}},
		{"large messages take several requests", func(w *work) { w.JSONBytes = 700 }, queue, 1, map[string]float64{
			"requests: send, receive, delete": 4.1e7}},
		{"half a CPU takes twice the time at the same price", func(w *work) { w.Memory = 1769.0 / 2 }, queue, 2, map[string]float64{
			"time of functions": 1000 * 1769.0 / 1024}},
		{"a call's own time", func(w *work) { w.Overhead = 0.001 }, queue, 2, map[string]float64{
			"time of functions": 2000 * 1769.0 / 1024}},
		// 250 GB in 1,000 objects, each within one part.
		{"map", func(*work) {}, distributedMap, 500.0 / 932, map[string]float64{
			"time of functions": 500 * 1769.0 / 1024, "calls": 932, "transitions": 10*5 + 932*2}},
		// One object of 250 GB: 932 ranges.
		{"map over one object", func(w *work) { w.Objects = 1 }, distributedMap, 500.0 / 932, map[string]float64{
			"calls": 932, "transitions": 5 + 932*2}},
		{"map with its start", func(w *work) { w.Objects, w.MapStart = 1e6, 20 }, distributedMap, 20.5, nil},
		{"map over many small objects", func(w *work) { w.Objects = 1e6 }, distributedMap, 0.5, map[string]float64{
			"calls": 1e4, "transitions": 1e4*5 + 1e4*2}},
		// 500 CPU seconds, and three minutes of start for each of a thousand.
		{"Beam", func(*work) {}, beam, 180.5, map[string]float64{"CPU": 180500.0 / 3600, "memory": 180500.0 / 3600 * 3.75}},
		{"Beam on few", func(w *work) { w.Concurrency = 10 }, beam, 230, map[string]float64{"CPU": 2300.0 / 3600}},
		{"a slower CPU", func(w *work) { w.Concurrency, w.Start, w.Speed = 1, 0, 0.5 }, beam, 1000, nil},
	}
	for _, tt := range tests {
		w := plain()
		tt.change(&w)
		b := tt.bill(w)
		if math.Abs(b.seconds-tt.seconds) > 1e-6*tt.seconds {
			t.Errorf("%s: got %v s, want %v", tt.name, b.seconds, tt.seconds)
		}
		for what, want := range tt.items {
			got := math.NaN()
			for _, i := range b.items {
				if i.what == what {
					got = i.amount
				}
			}
			if !(math.Abs(got-want) <= 1e-6*want) {
				t.Errorf("%s: %s: got %v, want %v", tt.name, what, got, want)
			}
		}
	}
}

func TestSpeeds(t *testing.T) {
	const head = "text\n<!-- measured: written -->\n| what | measured |\n|---|---|\n| 30 features, against FastAPI at its best | 0.80 million rows/s | x |\n"
	const files = "| CSV object → JSONL, one core | 125 MB/s | x |\n"
	tests := []struct {
		text      string
		json, csv float64
		err       string
	}{
		{head + "<!-- /measured -->", 8e5, 8e5, ""},
		{head + files + "<!-- /measured -->", 8e5, 5e5, ""},
		{head + "<!-- /measured -->" + files, 8e5, 8e5, ""},
		{"no block", 0, 0, "no measured block"},
		{"<!-- measured: -->\n<!-- /measured -->", 0, 0, "no row"},
	}
	for _, tt := range tests {
		json, csv, err := speeds(tt.text, 250)
		if tt.err != "" {
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("got %v, want %s", err, tt.err)
			}
			continue
		}
		if err != nil || json.value != tt.json || csv.value != tt.csv {
			t.Errorf("got %v, %v, %v, want %v and %v", json, csv, err, tt.json, tt.csv)
		}
		if !strings.HasPrefix(json.from, "README, ") || !strings.HasPrefix(csv.from, "README, ") {
			t.Errorf("from %q and %q", json.from, csv.from)
		}
	}
}

func TestRun(t *testing.T) {
	var out bytes.Buffer
	if err := run([]string{"-json-rows-per-second", "1e6", "-csv-rows-per-second", "2e6", "-readme", filepath.Join(t.TempDir(), "none")}, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"functions from a queue        $", "Distributed Map over objects  $", "Beam on Dataflow", "2 million rows a second of one core (given by a flag)", "https://aws.amazon.com/lambda/pricing/"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("there is no %q in\n%s", want, &out)
		}
	}
	for args, want := range map[string]string{
		"-rows 0":                              "must be above 0",
		"-memory -1":                           "must be above 0",
		"-rows NaN":                            "-rows must be a number",
		"-rows Inf":                            "-rows must be a number from 1e-06 to 1e+15",
		"-rows 1e300":                          "-rows must be a number",
		"-rows -Inf":                           "must be above 0",
		"-speed 1e-99":                         "-speed must be a number",
		"-start NaN":                           "-start must be a number",
		"-memory 127":                          "from 128 to 10240 MB",
		"-memory 1e5":                          "from 128 to 10240 MB",
		"-message-rows 2000":                   "a message would have 1.2 million bytes, and SQS takes at most 1048576",
		"-answer-bytes 20000":                  "a message would have 2 million bytes",
		"-json-rows-per-second NaN":            "-json-rows-per-second must be a number",
		"-message-rows 1e9 -json-bytes 0.0001": "a message would have",
		"more":                                 "is no flag",
		"-readme none":                         "give both",
	} {
		if err := run(strings.Fields(args), &out); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", args, err, want)
		}
	}
}

// TestHelp: -help is no error.
func TestHelp(t *testing.T) {
	if os.Getenv("COST_HELP") != "" {
		os.Args = []string{"cost", "-help"}
		main()
		os.Exit(0)
	}
	c := exec.Command(os.Args[0], "-test.run=^TestHelp$")
	c.Env = append(os.Environ(), "COST_HELP=1")
	if out, err := c.CombinedOutput(); err != nil || !strings.Contains(string(out), "-message-rows") {
		t.Errorf("got %v and %s", err, out)
	}
}

func TestSpan(t *testing.T) {
	for seconds, want := range map[float64]string{90: "1m30s", 4e9: "127 years", 1e30: "3.171e+16 million years"} {
		if got := span(seconds); got != want {
			t.Errorf("%v: got %s, want %s", seconds, got, want)
		}
	}
}
