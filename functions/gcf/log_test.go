package gcf

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"reflect"
	"testing"
	"time"
)

func TestLogger(t *testing.T) {
	traced := context.WithValue(t.Context(), traceKey{}, trace{traceID, spanID, true})
	noSpan := context.WithValue(t.Context(), traceKey{}, trace{id: traceID})
	type line = map[string]any
	tests := []struct {
		name    string
		project string
		write   func(l *slog.Logger)
		want    line
	}{
		{"plain", "p", func(l *slog.Logger) { l.Info("50% off", "n", 1) },
			line{"severity": "INFO", "message": "50% off", "n": 1.0}},
		{"warning", "p", func(l *slog.Logger) { l.Warn("m") }, line{"severity": "WARNING", "message": "m"}},
		{"error", "p", func(l *slog.Logger) { l.Error("m") }, line{"severity": "ERROR", "message": "m"}},
		{"between levels", "p", func(l *slog.Logger) { l.Log(traced, slog.LevelWarn+1, "m") },
			line{"severity": "WARNING", "message": "m", keyTrace: "projects/p/traces/" + traceID, keySpan: spanID, keySampled: true}},
		{"a level of ours is no severity", "", func(l *slog.Logger) { l.Info("m", "level", "high") },
			line{"severity": "INFO", "message": "m", "level": "high"}},
		{"traced", "p", func(l *slog.Logger) { l.InfoContext(traced, "m") },
			line{"severity": "INFO", "message": "m", keyTrace: "projects/p/traces/" + traceID, keySpan: spanID, keySampled: true}},
		{"project unknown", "", func(l *slog.Logger) { l.InfoContext(traced, "m") },
			line{"severity": "INFO", "message": "m", keyTrace: traceID, keySpan: spanID, keySampled: true}},
		{"no span", "p", func(l *slog.Logger) { l.InfoContext(noSpan, "m") },
			line{"severity": "INFO", "message": "m", keyTrace: "projects/p/traces/" + traceID, keySampled: false}},
		{"with attributes", "p", func(l *slog.Logger) { l.With("a", 1).InfoContext(noSpan, "m", "b", 2) },
			line{"severity": "INFO", "message": "m", "a": 1.0, "b": 2.0, keyTrace: "projects/p/traces/" + traceID, keySampled: false}},
		{"in a group", "p", func(l *slog.Logger) { l.With("a", 1).WithGroup("g").With("b", 2).InfoContext(noSpan, "m", "msg", 3) },
			line{"severity": "INFO", "message": "m", "a": 1.0, "g": line{"b": 2.0, "msg": 3.0},
				keyTrace: "projects/p/traces/" + traceID, keySampled: false}},
	}
	for _, tt := range tests {
		var out bytes.Buffer
		tt.write(NewLogger(&out, tt.project))
		var got line
		if err := json.Unmarshal(out.Bytes(), &got); err != nil {
			t.Errorf("%s: %v: %s", tt.name, err, out.Bytes())
			continue
		}
		if _, err := time.Parse(time.RFC3339Nano, got["time"].(string)); err != nil {
			t.Errorf("%s: time: %v", tt.name, err)
		}
		delete(got, "time")
		if !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestLoggerLevel(t *testing.T) {
	var out bytes.Buffer
	l := NewLogger(&out, "")
	if l.Debug("m"); out.Len() != 0 {
		t.Errorf("DEBUG is written: %s", out.Bytes())
	}
	if got := severity(slog.LevelDebug); got != "DEBUG" {
		t.Errorf("got %s", got)
	}
}
