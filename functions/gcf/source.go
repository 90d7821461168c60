package gcf

import (
	"os"
	"path/filepath"
	"strings"

	"example.com/copse/pkg/config"
)

// sourceFolder is where Google's build pack for Go moves what was uploaded; the
// function then runs in the folder above it (GoogleCloudPlatform/buildpacks,
// cmd/go/functions_framework).
const sourceFolder = "serverless_function_source_code"

// modelsFromSource has relative paths of models mean the uploaded source: one
// that is not in the working directory, but is in the folder that the build
// pack moved it to, is read there.
func modelsFromSource(c *config.Config) {
	c.Model = fromSource(c.Model)
	items := strings.Split(c.Models, ",")
	for i, item := range items {
		if name, uri, ok := strings.Cut(item, "="); ok {
			items[i] = name + "=" + fromSource(strings.TrimSpace(uri))
		}
	}
	c.Models = strings.Join(items, ",")
}

// fromSource is uri, or what it names below sourceFolder. A fragment (#sha256=…)
// stays; what is no path, absolute, or found nowhere is left as it is.
func fromSource(uri string) string {
	path, _, _ := strings.Cut(uri, "#")
	if path == "" || strings.Contains(path, "://") || filepath.IsAbs(path) {
		return uri
	}
	if _, err := os.Stat(path); err == nil {
		return uri
	}
	if _, err := os.Stat(filepath.Join(sourceFolder, path)); err != nil {
		return uri
	}
	return filepath.Join(sourceFolder, path) + strings.TrimPrefix(uri, path)
}
