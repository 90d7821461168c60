package gcf

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/copse/model"
	"example.com/copse/pkg/config"
)

// TestModelsFromSource: a relative path is of the working directory, and else
// of the folder that the build pack moves the source to.
func TestModelsFromSource(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, file := range []string{"here.copse", sourceFolder + "/here.copse", sourceFolder + "/my.copse", sourceFolder + "/m/a.copse"} {
		write(t, file, model.Bundle())
	}
	absolute := filepath.Join(t.TempDir(), "my.copse")
	for in, want := range map[string]string{
		"":                        "",
		"my.copse":                sourceFolder + "/my.copse",
		"./m/a.copse":             sourceFolder + "/m/a.copse",
		"my.copse#sha256=00":      sourceFolder + "/my.copse#sha256=00",
		"here.copse":              "here.copse",
		"nowhere.copse":           "nowhere.copse",
		"gs://bucket/my.copse":    "gs://bucket/my.copse",
		absolute:                  absolute,
		"a=my.copse, b=m/a.copse": "a=" + sourceFolder + "/my.copse, b=" + sourceFolder + "/m/a.copse",
		"a=gs://b/k,b=here.copse": "a=gs://b/k,b=here.copse",
	} {
		c := &config.Config{Model: in}
		got := &c.Model
		if strings.Contains(in, ",") {
			c = &config.Config{Models: in}
			got = &c.Models
		}
		if modelsFromSource(c); *got != want {
			t.Errorf("%s: got %s, want %s", in, *got, want)
		}
	}
}

// TestOpenFromSource: it is so where the platform names an entry point, and
// nowhere else.
func TestOpenFromSource(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.Mkdir(sourceFolder, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(sourceFolder, "my.copse"), model.Bundle())
	for target, want := range map[string]bool{"": false, TargetPredict: true} {
		for _, setting := range []string{"COPSE_MODEL=my.copse", "COPSE_MODELS=a=my.copse"} {
			f, err := Open(t.Context(), []string{"FUNCTION_TARGET=" + target, setting}, slog.New(slog.DiscardHandler), Options{})
			if (err == nil) != want || want && f == nil {
				t.Errorf("target %q, %s: got %v", target, setting, err)
			}
		}
	}
}
