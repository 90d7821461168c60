package main

import (
	"encoding/json"
	"testing"
)

func TestBatch(t *testing.T) {
	for _, r := range []*rows{irisRows(1), wideRows(1)} {
		for range 3 {
			var batch []json.RawMessage
			if err := json.Unmarshal(r.batch(), &batch); err != nil {
				t.Fatal(err)
			}
			if got, want := len(batch), batchRows; got != want {
				t.Fatalf("got %d rows, want %d", got, want)
			}
			distinct := make(map[string]bool)
			for _, row := range batch {
				distinct[string(row)] = true
			}
			if got, want := len(distinct), batchDistinct; got != want {
				t.Errorf("got %d distinct rows, want %d", got, want)
			}
		}
	}
}

func TestOneIsAnotherEachTime(t *testing.T) {
	for _, r := range []*rows{irisRows(1), wideRows(1)} {
		seen := make(map[string]bool)
		for range 1000 {
			var row map[string]float64
			body := r.one()
			if err := json.Unmarshal(body, &row); err != nil {
				t.Fatal(err)
			}
			if got, want := len(row), len(r.names); got != want {
				t.Fatalf("got %d features, want %d", got, want)
			}
			if seen[string(body)] {
				t.Fatalf("%s came twice", body)
			}
			seen[string(body)] = true
		}
	}
}
