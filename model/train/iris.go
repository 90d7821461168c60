package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"strconv"
)

// table is the data set: rows of measurements and the species of each.
type table struct {
	names   []string // of the measurements, in the file's order
	rows    [][]float64
	classes []int // of each row, an index of labels
}

// readTable reads a CSV whose last column is the class. Labels are numbered
// as given; a class that is none of them is an error.
func readTable(data []byte, labels []string) (*table, error) {
	records, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	if err != nil {
		return nil, err
	}
	if len(records) < 2 || len(records[0]) < 2 {
		return nil, fmt.Errorf("the table has no rows")
	}
	last := len(records[0]) - 1
	number := map[string]int{}
	for i, label := range labels {
		number[label] = i
	}
	t := &table{names: records[0][:last]}
	for i, record := range records[1:] {
		row := make([]float64, last)
		for c := range row {
			if row[c], err = strconv.ParseFloat(record[c], 64); err != nil {
				return nil, fmt.Errorf("row %d: %s: %w", i, t.names[c], err)
			}
		}
		class, ok := number[record[last]]
		if !ok {
			return nil, fmt.Errorf("row %d: class %q is none of %q", i, record[last], labels)
		}
		t.rows = append(t.rows, row)
		t.classes = append(t.classes, class)
	}
	return t, nil
}

// column finds a measurement by its name.
func (t *table) column(name string) (int, error) {
	for i, n := range t.names {
		if n == name {
			return i, nil
		}
	}
	return 0, fmt.Errorf("the table has no column %q", name)
}
