package setup

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"

	"example.com/copse/model"
	"example.com/copse/pkg/config"
	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/ingest"
)

// held is a store of objects in memory.
type held map[string][]byte

func (h held) Open(_ context.Context, o ingest.Object) (ingest.Reader, error) {
	data, ok := h[o.Bucket+"/"+o.Key]
	if !ok {
		return nil, fault.New(fault.ObjectNotFound, "there is no such object")
	}
	if o.Size = int64(len(data)); o.Key == "cut.copse" {
		o.Size++
	}
	return heldObject{bytes.NewReader(data), o}, nil
}

type heldObject struct {
	*bytes.Reader
	o ingest.Object
}

func (r heldObject) Object() ingest.Object { return r.o }
func (heldObject) Close() error            { return nil }

// TestModelsOfStores: a model may be an object of a store that the binary
// links; its digest is checked as a file's is.
func TestModelsOfStores(t *testing.T) {
	golearn, err := os.ReadFile("../../../model/iris.golearn")
	if err != nil {
		t.Fatal(err)
	}
	store := held{"b/dir/iris.copse": model.Bundle(), "b/iris.golearn": golearn, "b/cut.copse": model.Bundle(), "b/empty.copse": {}, "b/none.txt": []byte("none")}
	drivers := map[string]ObjectsDriver{"s3": func(context.Context, *slog.Logger) (ingest.Objects, error) { return store, nil }}
	sum := func(data []byte) string { return fmt.Sprintf("%x", sha256.Sum256(data)) }
	for _, c := range []struct{ settings, want string }{
		{"COPSE_MODEL=s3://b/dir/iris.copse", ""},
		{"COPSE_MODEL=s3://b/dir/iris.copse#sha256=" + sum(model.Bundle()), ""},
		{"COPSE_MODEL=s3://b/iris.golearn#sha256=" + sum(golearn), ""},
		{"COPSE_MODELS=iris=s3://b/dir/iris.copse,b=../../../model/iris.copse", ""},
		{"COPSE_MODEL=s3://b/dir/iris.copse#sha256=00", `model "iris": the file's digest is sha256:`},
		{"COPSE_MODEL=s3://b/iris.golearn#sha256=00", "not the one that was asked for"},
		{"COPSE_MODEL=s3://b/no.copse", "object_not_found"},
		{"COPSE_MODEL=s3://b/cut.copse", "breaks off"},
		{"COPSE_MODEL=s3://b/empty.copse", "is empty"},
		{"COPSE_MODEL=s3://b/none.txt", `model "none": `},
		{"COPSE_MODEL=s3://b", "must be SCHEME://BUCKET/KEY"},
		{"COPSE_MODEL=s3://b/dir/iris.copse COPSE_MAX_MODEL=1024", "raise COPSE_MAX_MODEL"},
		{"COPSE_MODEL=gs://b/iris.copse", "does not read models from gs://"},
	} {
		conf, err := config.Load(strings.Fields(c.settings))
		if err != nil {
			t.Fatal(err)
		}
		a, err := New(t.Context(), Options{Config: conf, Log: slog.New(slog.DiscardHandler), Objects: drivers})
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want …%s…", c.settings, err, c.want)
		}
		if err == nil && a.Models.Names()[0] != "iris" {
			t.Errorf("%s: got %v", c.settings, a.Models.Names())
		}
	}
}
