package local

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"example.com/copse/pkg/httpapi"
	"example.com/copse/pkg/predict"
	"example.com/copse/pkg/registry"
)

// TestReadmeModels: for each library the README serves a file, asks it, and
// shows the answer that comes.
func TestReadmeModels(t *testing.T) {
	root := filepath.Join("..", "..")
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile(`(?s)serve --model (testdata/models/[^\n]+)\ncurl [^\n]+ -d '([^\n]+)'\n`+"```\n```json\n"+`([^\n]+)\n`).FindAllSubmatch(readme, -1)
	if len(blocks) != 4 {
		t.Fatalf("the README shows %d models, want 4", len(blocks))
	}
	digest := regexp.MustCompile(`"sha256:[0-9a-f]{64}"`)
	for _, b := range blocks {
		path := filepath.Join(root, string(b[1]))
		models, err := registry.Open(t.Context(), []registry.Source{{Name: "model", Load: registry.File(path, 1<<20, predict.Options{})}}, 1)
		if err != nil {
			t.Fatal(err)
		}
		h := httpapi.New(httpapi.Options{Models: models, MaxBody: 1 << 20, MaxInflight: 1 << 20, Log: slog.New(slog.DiscardHandler)})
		r := httptest.NewRequest(http.MethodPost, "/predict", bytes.NewReader(b[2]))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		got := digest.ReplaceAll(bytes.TrimSpace(w.Body.Bytes()), []byte(`"sha256:…"`))
		if w.Code != http.StatusOK || !json.Valid(got) || !bytes.Equal(got, b[3]) {
			t.Errorf("%s: status %d, got %s, the README says %s", b[1], w.Code, got, b[3])
		}
	}
}
