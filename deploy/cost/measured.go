package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// figure is a number and where it is from.
type figure struct {
	value float64
	from  string
}

// The README's measured block, a table row a line: what | measured | ….
const (
	begin = "<!-- measured:"
	end   = "<!-- /measured -->"
)

// rowOf finds the first row of the measured block whose name and figure match.
func rowOf(readme string, name, value *regexp.Regexp) (figure, error) {
	_, block, ok := strings.Cut(readme, begin)
	block, _, closed := strings.Cut(block, end)
	if !ok || !closed {
		return figure{}, fmt.Errorf("the README has no measured block")
	}
	for line := range strings.SplitSeq(block, "\n") {
		cells := strings.Split(line, "|")
		if len(cells) < 3 || !name.MatchString(cells[1]) {
			continue
		}
		m := value.FindStringSubmatch(cells[2])
		if m == nil {
			continue
		}
		n, err := strconv.ParseFloat(m[1], 64)
		if err != nil || n <= 0 {
			return figure{}, fmt.Errorf("the README's row %q has no figure", strings.TrimSpace(cells[1]))
		}
		return figure{n, "README, “" + strings.TrimSpace(cells[1]) + "”: " + strings.TrimSpace(cells[2])}, nil
	}
	return figure{}, fmt.Errorf("the README's measured block has no row %q with %q", name, value)
}

var (
	jsonRow   = regexp.MustCompile(`^ 30 features, against FastAPI at its best`)
	millions  = regexp.MustCompile(`([0-9.]+) million rows/s`)
	objectRow = regexp.MustCompile(`^ CSV object → JSONL, one core`)
	megabytes = regexp.MustCompile(`([0-9.]+) MB/s`)
)

// speeds are rows a second of one core, of rows in JSON and of CSV files.
func speeds(readme string, rowBytes float64) (json, csv figure, err error) {
	if json, err = rowOf(readme, jsonRow, millions); err != nil {
		return json, csv, err
	}
	json.value *= 1e6
	if csv, err = rowOf(readme, objectRow, megabytes); err != nil {
		// As long as there is no figure of files: that of rows in requests.
		csv = json
		csv.from += " (rows in requests, for want of a figure of files)"
		return json, csv, nil //nolint:nilerr // as said
	}
	csv.value = csv.value * 1e6 / rowBytes
	csv.from += fmt.Sprintf(", at %.0f bytes a row", rowBytes)
	return json, csv, nil
}
