// Command train makes the default model: a forest of golearn's CART trees on
// Fisher's iris, its card and the bundle that is embedded in every binary.
//
//	go run ./model/train        (make model)
//
// It runs offline, and is the only program that links golearn. The same code,
// data and seed give the same bytes on amd64, which a test holds; on other
// processors golearn's floating-point sums may be fused, and a tree with them.
//
// Question: why CART trees and a bootstrap of our own, not golearn's
// RandomForest? Choice: RandomForest.Fit learns from scrambled classes (see
// grid), and its ID3 trees use each number once a path. What would change it:
// a golearn whose bootstrap is right.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"example.com/copse/pkg/format"
	"example.com/copse/pkg/predict"
)

// Names of the model and its files.
const (
	modelName   = "iris"
	archiveFile = "iris.golearn"
	bundleFile  = "iris.copse"
	cardFile    = "CARD.md"
	matrixFile  = "confusion.svg"
)

func main() {
	data := flag.String("data", "testdata/iris/iris.csv", "the table to learn from")
	out := flag.String("out", "model", "folder to write the model's files to")
	flag.Parse()
	if err := run(*data, *out); err != nil {
		fmt.Fprintln(os.Stderr, "train:", err)
		os.Exit(1)
	}
}

func run(data, out string) error {
	files, err := build(data)
	if err != nil {
		return err
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(out, name), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// build makes all files of the model, by name.
func build(data string) (map[string][]byte, error) {
	raw, err := os.ReadFile(data)
	if err != nil {
		return nil, err
	}
	t, err := readTable(raw, labels)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", data, err)
	}
	tr := &trainer{table: t, labels: len(labels), plan: defaultPlan()}
	r, err := tr.train()
	if err != nil {
		return nil, err
	}
	doc := irisSchema(t)
	archive, err := writeArchive(doc, r.forest)
	if err != nil {
		return nil, err
	}
	bundle, err := compile(archive)
	if err != nil {
		return nil, err
	}
	card, err := writeCard(newCard(tr, r, doc, raw, archive, bundle))
	if err != nil {
		return nil, err
	}
	return map[string][]byte{
		archiveFile: archive,
		bundleFile:  bundle,
		cardFile:    card,
		matrixFile:  matrix(labels, r.assessed.confusion),
	}, nil
}

// compile goes the way that any model file goes: through its reader.
func compile(archive []byte) ([]byte, error) {
	f, err := format.Read(bytes.NewReader(archive))
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(archive)
	info := predict.Info{Name: modelName, Source: f.Source, SourceSHA256: hex.EncodeToString(sum[:])}
	return predict.Compile(f.IR, f.Schema, info, selfTest(f.IR, f.Schema))
}
