package config

import (
	"strings"
	"testing"
	"time"

	"github.com/go-playground/validator/v10"
)

func TestDefaults(t *testing.T) {
	c, err := Load([]string{"PATH=/bin", "HOME=/"})
	if err != nil {
		t.Fatal(err)
	}
	if c.MaxRows != 100_000 || c.MaxBody != 16<<20 || c.Timeout != 30*time.Second || c.Sink != "log" ||
		c.Cache != (Cache{"auto", 32 << 20}) || c.CORS != nil {
		t.Errorf("got %+v", c)
	}
}

// TestSettingsAreSound holds every default against its own rule: Load does not.
func TestSettingsAreSound(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range Settings() {
		if seen[s.Name] || !strings.HasPrefix(s.Name, Prefix) {
			t.Errorf("%s: stands twice, or lacks the prefix", s.Name)
		}
		seen[s.Name] = true
		if s.Unit == "" || s.Help == "" || s.Reason == "" {
			t.Errorf("%s: unit, help or reason is missing", s.Name)
		}
		if s.Default == "" {
			continue
		}
		value, err := s.parse(new(Config), s.Default)
		if err != nil {
			t.Errorf("%s: default: %v", s.Name, err)
		}
		if s.Rule == "" {
			continue
		}
		if err := validator.New().Var(value, s.Rule); err != nil {
			t.Errorf("%s: default breaks its rule: %v", s.Name, err)
		}
	}
}

func TestFromMap(t *testing.T) {
	tests := []struct {
		name, value string
		want        string // in the error; "" for none
	}{
		{"COPSE_MAX_ROWS", "10", ""},
		{"COPSE_MAX_ROWS", "", ""},
		{"COPSE_MAX_ROWS", "ten", "COPSE_MAX_ROWS: must be a whole number"},
		{"COPSE_MAX_ROWS", "0", "COPSE_MAX_ROWS: must be at least 1 (rows)"},
		{"COPSE_MAX_ROWS", "99999999999999999999", "must be a whole number"},
		{"COPSE_MAX_BODY", "8MB", ""},
		{"COPSE_MAX_BODY", "8 MiB", ""},
		{"COPSE_MAX_BODY", "-1", "must be a size"},
		{"COPSE_MAX_BODY", "9999999999GiB", "must be a size"},
		{"COPSE_MAX_BODY", "100", "must be at least 1024 (bytes)"},
		{"COPSE_TIMEOUT", "5s", ""},
		{"COPSE_TIMEOUT", "5", "must be a duration"},
		{"COPSE_TIMEOUT", "-5s", "must be at least 1ms (duration)"},
		{"COPSE_CACHE", "on", ""},
		{"COPSE_CACHE", "64MB", ""},
		{"COPSE_CACHE", "on,64MB", ""},
		{"COPSE_CACHE", "sometimes", "must be auto, on, off"},
		{"COPSE_CACHE", "on,off", "must be auto, on, off"},
		{"COPSE_CACHE", "64MB,32MB", "must be auto, on, off"},
		{"COPSE_MAX_ROWS", "10000001", "must be at most 10000000 (rows)"},
		{"COPSE_CORS", "https://app.example.com, http://localhost:3000", ""},
		{"COPSE_CORS", "*", ""},
		{"COPSE_CORS", "app.example.com", "must be * or origins"},
		{"COPSE_CORS", "https://app.example.com/", "must be * or origins"},
		{"COPSE_CORS", "https://App.example.com", "must be * or origins"},
		{"COPSE_FOO", "1", "unknown setting COPSE_FOO: the settings are COPSE_MODEL, "},
		{"COPSE_MAX_ROW", "10", "unknown setting COPSE_MAX_ROW: did you mean COPSE_MAX_ROWS?"},
		{"COPSE_CASH", "on", "did you mean COPSE_CACHE?"},
		{"COPSE_SOMETHING_ELSE_ENTIRELY", "on", "the settings are COPSE_MODEL,"},
	}
	for _, tt := range tests {
		_, err := FromMap(map[string]string{tt.name: tt.value})
		got := ""
		if err != nil {
			got = err.Error()
		}
		if (tt.want == "") != (err == nil) || !strings.Contains(got, tt.want) {
			t.Errorf("%s=%q: got %q, want %q", tt.name, tt.value, got, tt.want)
		}
	}
}

func TestCache(t *testing.T) {
	tests := map[string]Cache{
		"off":      {"off", 32 << 20},
		"64MB":     {"auto", 64 << 20},
		"on, 1GiB": {"on", 1 << 30},
	}
	for text, want := range tests {
		c, err := FromMap(map[string]string{"COPSE_CACHE": text})
		if err != nil || c.Cache != want {
			t.Errorf("%q: got %+v, %v, want %+v", text, c.Cache, err, want)
		}
	}
}

func TestAllErrorsAtOnce(t *testing.T) {
	_, err := FromMap(map[string]string{
		"COPSE_MAX_ROWS": "x", "COPSE_TIMEOUT": "x", "COPSE_MODEL": "a", "COPSE_MODELS": "b=c"})
	if err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("got %v, want three lines", err)
	}
}

func TestFlag(t *testing.T) {
	s := Setting{Name: "COPSE_MAX_ROWS"}
	if got := s.Flag(); got != "max-rows" {
		t.Errorf("got %s", got)
	}
}
