package httpapi_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"example.com/copse/pkg/httpapi"
)

// TestExamplesOfTheDocument sends every example of /openapi.json where it says.
func TestExamplesOfTheDocument(t *testing.T) {
	h := httpapi.New(options(t))
	var doc struct {
		Paths map[string]map[string]struct {
			RequestBody struct {
				Content map[string]struct {
					Examples map[string]struct{ Value json.RawMessage }
				}
			}
		}
	}
	reply := httptest.NewRecorder()
	h.ServeHTTP(reply, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/openapi.json", nil))
	if err := json.Unmarshal(reply.Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	sent := 0
	for path, operations := range doc.Paths {
		for media, content := range operations["post"].RequestBody.Content {
			for name, example := range content.Examples {
				body := string(example.Value)
				if media != "application/json" {
					if err := json.Unmarshal(example.Value, &body); err != nil {
						t.Fatal(err)
					}
				}
				r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path+"?strict=true", strings.NewReader(body))
				r.Header.Set("Content-Type", media)
				reply := httptest.NewRecorder()
				h.ServeHTTP(reply, r)
				if reply.Code != http.StatusOK {
					t.Errorf("%s, %s, %s: %d %s", path, media, name, reply.Code, reply.Body)
				}
				sent++
			}
		}
	}
	// Of the default model and of each by its name: a row, and batches as a
	// list, rows, columns, CSV and NDJSON.
	if want := 3 * 6; sent != want {
		t.Errorf("%d examples, want %d", sent, want)
	}
}

// TestDocumentsHaveETags asks for each document twice.
func TestDocumentsHaveETags(t *testing.T) {
	h := httpapi.New(options(t))
	for _, path := range []string{"/docs", "/openapi.json"} {
		ask := func(tag string) *httptest.ResponseRecorder {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
			r.Header.Set("If-None-Match", tag)
			reply := httptest.NewRecorder()
			h.ServeHTTP(reply, r)
			return reply
		}
		first := ask("")
		tag := first.Header().Get("ETag")
		if first.Code != http.StatusOK || tag == "" {
			t.Fatalf("%s: %d, ETag %q", path, first.Code, tag)
		}
		if again := ask(tag); again.Code != http.StatusNotModified || again.Body.Len() > 0 {
			t.Errorf("%s with its ETag: %d and %d bytes", path, again.Code, again.Body.Len())
		}
		if other := ask(`"other"`); other.Code != http.StatusOK {
			t.Errorf("%s with another ETag: %d", path, other.Code)
		}
	}
}
