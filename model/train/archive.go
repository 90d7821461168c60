package main

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"example.com/copse/pkg/format/golearn"
	"example.com/copse/pkg/schema"
)

// golearnVersion is the version in go.mod, which a test compares.
const golearnVersion = "v0.0.0-20221228163002-74ae077eafb2"

// writeArchive keeps a forest as pkg/format/golearn's document has it: a tar
// without times, owners or compression, so that the same forest gives the
// same bytes whichever Go wrote it.
func writeArchive(doc schema.Document, forest []*tree) ([]byte, error) {
	manifest := golearn.CARTManifest{
		Format: golearn.CARTFormat, Version: golearn.CARTVersion,
		LibraryVersion: golearnVersion, Task: golearn.Classifier,
	}
	roots := make([][]byte, len(forest))
	for i, m := range forest {
		var err error
		if roots[i], err = m.rootJSON(); err != nil {
			return nil, err
		}
		manifest.Trees = append(manifest.Trees, golearn.CARTTree{File: fmt.Sprintf("trees/%d.json", i), Features: m.features})
	}
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	if err := writeJSON(w, golearn.CARTManifestName, manifest); err != nil {
		return nil, err
	}
	if err := writeJSON(w, golearn.CARTSchemaName, doc); err != nil {
		return nil, err
	}
	for i, root := range roots {
		if err := writeEntry(w, manifest.Trees[i].File, root); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func writeJSON(w *tar.Writer, name string, v any) error {
	text, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return err
	}
	return writeEntry(w, name, text)
}

func writeEntry(w *tar.Writer, name string, data []byte) error {
	head := &tar.Header{Name: name, Mode: 0o644, Size: int64(len(data)), ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR}
	if err := w.WriteHeader(head); err != nil {
		return err
	}
	_, err := w.Write(data)
	return err
}
