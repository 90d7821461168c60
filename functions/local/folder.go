package local

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"example.com/copse/pkg/format/mlflow"
	"example.com/copse/pkg/predict"
	"example.com/copse/pkg/registry"
)

// isFolder says whether a path, which may end in #sha256=…, is a folder.
func isFolder(path string) bool {
	dir, _, _ := strings.Cut(path, "#")
	info, err := os.Stat(dir)
	return err == nil && info.IsDir()
}

// readFolder reads an MLflow model folder. A digest behind # is that of the
// model file in it. Links that lead out of the folder are not followed.
func readFolder(path string, maxBytes int64) (*registry.Opened, error) {
	dir, want, _ := strings.Cut(path, "#sha256=")
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	if !mlflow.Is(root.FS()) {
		return nil, fmt.Errorf("%s is a folder without %s: give a model file, or an MLflow model folder", filepath.Base(dir), mlflow.Name)
	}
	m, err := mlflow.Read(root.FS(), maxBytes)
	if err != nil {
		return nil, err
	}
	if want != "" && !strings.EqualFold(want, m.SHA256) {
		return nil, fmt.Errorf("the digest of %s is sha256:%s, not the one that was asked for", m.File, m.SHA256)
	}
	return &registry.Opened{Model: m.Model, SHA256: m.SHA256}, nil
}

// loadPath loads what a path holds, when it is asked for.
func loadPath(path string, maxBytes int64, o predict.Options) registry.Load {
	if !isFolder(path) {
		return registry.File(path, maxBytes, o)
	}
	return func(_ context.Context, name string) (*predict.Model, error) {
		f, err := readFolder(path, maxBytes)
		if err != nil {
			return nil, err
		}
		return f.Open(name, o)
	}
}

// sizeOf is the bytes of a file, or of all files in a folder.
func sizeOf(path string) (size int64, err error) {
	file, _, _ := strings.Cut(path, "#")
	if !isFolder(path) {
		info, err := os.Stat(file) // the file that a link leads to
		if err != nil {
			return 0, err
		}
		return info.Size(), nil
	}
	err = filepath.WalkDir(file, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	return size, err
}
