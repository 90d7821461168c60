package main

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"text/template"

	"example.com/copse/pkg/schema"
)

//go:embed card.md.tmpl
var cardTemplate string

// card is what the template is filled with.
type card struct {
	Plan           plan
	Chosen         shape
	Doc            schema.Document
	Rows           int
	DataDigest     string
	GolearnVersion string
	Scores         []score

	Accuracy, Spread     float64 // of the repeats
	Lowest, Highest      float64 // of the folds
	Assessed, Ties       int     // answers, over all repeats
	Guess                float64 // accuracy of always saying the most frequent label
	Classes              []classFigures
	Features             []featureFigures
	Matrix               string
	ArchiveName          string
	BundleName           string
	ArchiveKB, BundleKB  float64
	TrainNodes, MaxSteps int
}

// classFigures are a label's precision and recall.
type classFigures struct {
	Label             string
	Rows              int
	Precision, Recall float64
}

// featureFigures are a column's range in the table, and its rule.
type featureFigures struct {
	Name, Unit, Rules, Description string
	Min, Max, Mean, Spread         float64
	Splits                         int // nodes of the forest that ask for it
}

func newCard(tr *trainer, r *result, doc schema.Document, raw, archive, bundle []byte) *card {
	a := &r.assessed
	c := &card{
		Plan: tr.plan, Chosen: r.chosen, Doc: doc, Rows: len(tr.table.rows),
		DataDigest: fmt.Sprintf("sha256:%x", sha256.Sum256(raw)), GolearnVersion: golearnVersion,
		Scores: r.scores, Lowest: slices.Min(a.folds), Highest: slices.Max(a.folds), Ties: a.ties,
		Matrix: matrixFile, ArchiveName: archiveFile, BundleName: bundleFile,
		ArchiveKB: float64(len(archive)) / 1024, BundleKB: float64(len(bundle)) / 1024,
	}
	c.Accuracy, c.Spread = meanSpread(a.accuracy)
	counts := make([]int, tr.labels)
	for _, class := range tr.table.classes {
		counts[class]++
	}
	c.Guess = float64(slices.Max(counts)) / float64(c.Rows)
	for i, label := range doc.Labels {
		c.Classes = append(c.Classes, figures(a.confusion, i, label, counts[i]))
		for _, n := range a.confusion[i] {
			c.Assessed += n
		}
	}
	c.describe(tr.table, r.forest)
	return c
}

func figures(confusion [][]int, class int, label string, rows int) classFigures {
	said, is := 0, 0
	for i := range confusion {
		said += confusion[i][class]
		is += confusion[class][i]
	}
	hit := float64(confusion[class][class])
	f := classFigures{Label: label, Rows: rows}
	if said > 0 {
		f.Precision = hit / float64(said)
	}
	if is > 0 {
		f.Recall = hit / float64(is)
	}
	return f
}

// describe fills in the features' ranges and what the forest is made of.
func (c *card) describe(t *table, forest []*tree) {
	splits := map[string]int{}
	for _, m := range forest {
		nodes, steps := m.count(splits)
		c.TrainNodes += nodes
		c.MaxSteps = max(c.MaxSteps, steps)
	}
	for i, name := range t.names {
		column := make([]float64, len(t.rows))
		for r := range t.rows {
			column[r] = t.rows[r][i]
		}
		f := &c.Doc.Features[i]
		mean, sd := meanSpread(column)
		c.Features = append(c.Features, featureFigures{
			Name: name, Unit: f.Unit, Rules: f.Rules, Description: f.Description,
			Min: slices.Min(column), Max: slices.Max(column), Mean: mean, Spread: sd, Splits: splits[name],
		})
	}
}

// writeCard fills in the template.
func writeCard(c *card) ([]byte, error) {
	t, err := template.New("card").Funcs(template.FuncMap{
		"percent": func(x float64) string { return fmt.Sprintf("%.1f %%", 100*x) },
		"points":  func(x float64) string { return fmt.Sprintf("%.1f", 100*x) },
		"short":   func(x float64) string { return fmt.Sprintf("%.2f", x) },
		"tenth":   func(x float64) string { return fmt.Sprintf("%.1f", x) },
		"join":    func(s []string) string { return strings.Join(s, ", ") },
	}).Option("missingkey=error").Parse(cardTemplate)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := t.Execute(&out, c); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
