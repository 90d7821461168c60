package setup

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"example.com/copse/pkg/config"
	"example.com/copse/pkg/ingest"
)

func open(t *testing.T, sinks map[string]Driver, settings ...string) (*App, error) {
	t.Helper()
	c, err := config.Load(settings)
	if err != nil {
		t.Fatal(err)
	}
	return New(t.Context(), Options{Config: c, Log: slog.New(slog.DiscardHandler), Sinks: sinks})
}

// nowhere is a driver whose sink is never written to.
func nowhere(context.Context, string, *slog.Logger) (ingest.Sink, error) { return nil, nil }

func TestNew(t *testing.T) {
	a, err := open(t, nil)
	if err != nil || a.HTTP == nil || a.Ingest != nil || a.Models.Names()[0] != "iris" {
		t.Errorf("got %+v, %v", a, err)
	}
	a, err = open(t, map[string]Driver{"log": nowhere})
	if err != nil || a.Ingest == nil {
		t.Errorf("with a sink: got %+v, %v", a, err)
	}
	a, err = open(t, nil, "COPSE_MODELS=b=../../../model/iris.copse,a=../../../model/iris.golearn")
	if err != nil || strings.Join(a.Models.Names(), " ") != "b a" {
		t.Errorf("two models: got %+v, %v", a, err)
	}
}

// TestNewRefuses: whatever is wrong is an error at start, with its setting.
func TestNewRefuses(t *testing.T) {
	events := map[string]Driver{"log": nowhere, "sqs": nowhere}
	tests := []struct {
		sinks   map[string]Driver
		setting string
		want    string
	}{
		{nil, "COPSE_MODEL=nobody.copse", `model "nobody": open nobody.copse`},
		{nil, "COPSE_MODEL=s3://bucket/m.copse", "this function does not read models from s3://"},
		{nil, "COPSE_MODEL=../../../model/iris.copse#sha256=00", "not the one that was asked for"},
		{nil, "COPSE_MODELS=a", "must be name=path"},
		{nil, "COPSE_MODELS=../x=a.copse", "must be name=path"},
		{nil, "COPSE_FEATURES=ftp://host/{id}", "COPSE_FEATURES: "},
		{nil, "COPSE_SINK=s4://bucket/", `COPSE_SINK: there is no sink "s4": there are events, file, gs, http, https, log, pubsub, s3, sqs`},
		{nil, "COPSE_DEAD_LETTER=kafka", `COPSE_DEAD_LETTER: there is no sink "kafka"`},
		{events, "COPSE_SINK=pubsub:projects/p/topics/t", `COPSE_SINK: this function has no sink "pubsub": it has log, sqs`},
		{events, "COPSE_DEAD_LETTER=gs://bucket/", `COPSE_DEAD_LETTER: this function has no sink "gs"`},
	}
	for _, tt := range tests {
		if _, err := open(t, tt.sinks, tt.setting); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want …%s…", tt.setting, err, tt.want)
		}
	}
}

func TestValidName(t *testing.T) {
	for name, want := range map[string]bool{"iris": true, "a-B_1.2": true, "": false, ".x": false, "a/b": false,
		"é": false, strings.Repeat("x", 65): false} {
		if got := ValidName(name); got != want {
			t.Errorf("%q: got %v, want %v", name, got, want)
		}
	}
}
