package setup

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"example.com/copse/pkg/config"
	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/ingest"
)

// bucketAt is a driver of buckets that are never written to.
func bucketAt(_ context.Context, uri string, _ *slog.Logger) (ingest.Sink, error) {
	l, err := ingest.ParseLocation(uri)
	return ingest.NewBucket(nil, l.Scheme, l.Bucket, l.Prefix, ingest.BucketOptions{}), err
}

// TestPlaces: settings about objects, and a sink that would trigger the
// function again, are checked at start.
func TestPlaces(t *testing.T) {
	sinks := map[string]Driver{"log": nowhere, "s3": bucketAt, "gs": bucketAt}
	for _, c := range []struct{ settings, want string }{
		{"", ""},
		{"COPSE_SINK=s3://b/out/", ""},
		{"COPSE_SINK=s3://b/out/ COPSE_OBJECTS=s3://b/in/", ""},
		{"COPSE_SINK=s3://b/out/ COPSE_OBJECTS=s3://c/,gs://b/", ""},
		{"COPSE_SINK=s3://b/in2/ COPSE_OBJECTS=s3://b/in", ""},
		{"COPSE_SINK=s3://b/in/out COPSE_OBJECTS=s3://b/in/", "COPSE_SINK: results would trigger the function again: s3://b/in/out/ and s3://b/in/ of COPSE_OBJECTS overlap"},
		{"COPSE_SINK=s3://b COPSE_OBJECTS=s3://b/in/", "would trigger the function again"},
		{"COPSE_SINK=s3://b/out COPSE_OBJECTS=s3://c/,s3://b", "would trigger the function again"},
		{"COPSE_DEAD_LETTER=s3://b/in/dead COPSE_OBJECTS=s3://b/in/", "COPSE_DEAD_LETTER: results would trigger"},
		{"COPSE_OBJECTS=b/in/", "COPSE_OBJECTS: must be"},
		{"COPSE_SINK=s3://b/{bucket}/", "COPSE_SINK: the prefix is as it is"},
		{"COPSE_OBJECTS=,", "COPSE_OBJECTS: it names no place"},
		{"COPSE_OBJECTS=s3://b/in/*.csv", "COPSE_OBJECTS: there are no patterns"},
		{"COPSE_SINK=s3://b/" + strings.Repeat("p", maxPrefix-1), ""},
		{"COPSE_SINK=s3://b/" + strings.Repeat("p", maxPrefix), "COPSE_SINK: the prefix has 513 bytes"},
		{"COPSE_DEAD_LETTER=s3://b/" + strings.Repeat("p", maxPrefix), "COPSE_DEAD_LETTER: the prefix has 513 bytes"},
		{"COPSE_RESULT_NAME={key}.jsonl", "COPSE_RESULT_NAME: it has no {version}"},
		{"COPSE_RESULT_NAME={version}", "COPSE_RESULT_NAME: it has no {key}"},
		{"COPSE_RESULT_NAME={bucket}/../{key}@{version}", "COPSE_RESULT_NAME: it leads out"},
		{"COPSE_RESULT_NAME={bucket}/{key}@{version}.{date}", "no placeholder {date}"},
		{"COPSE_RESULT_NAME={key}@{version}", "does not name one bucket alone"},
		{"COPSE_RESULT_NAME={key}@{version} COPSE_OBJECTS=s3://b/,gs://b/", "does not name one bucket alone"},
		{"COPSE_RESULT_NAME={key}@{version} COPSE_OBJECTS=s3://b/in/,s3://b/more/", ""},
		{"COPSE_SINK=events:default", `this function has no sink "events": it has gs, log, s3; functions/lambda/events on AWS has it`},
		{"COPSE_SINK=kafka:x", `this function has no sink "kafka": it has gs, log, s3`},
		{"COPSE_SINK=file:/tmp/x", "copse invoke has it"},
	} {
		for _, some := range []map[string]Driver{sinks, nil} {
			_, err := open(t, some, strings.Fields(c.settings)...)
			if some == nil && (strings.Contains(c.settings, "SINK") || strings.Contains(c.settings, "DEAD")) {
				continue // a function for requests opens none
			}
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: got %v, want …%s…", c.settings, err, c.want)
			}
		}
	}
}

// TestReadableBy: a place of a store that the function does not have is refused
// at start.
func TestReadableBy(t *testing.T) {
	c, err := config.Load([]string{"COPSE_OBJECTS=s3://in/,gs://in/"})
	if err != nil {
		t.Fatal(err)
	}
	for _, some := range []struct {
		stores map[string]ObjectsDriver
		want   string
	}{
		{map[string]ObjectsDriver{"s3": nil}, "COPSE_OBJECTS: this function reads no objects of gs://: it reads those of s3"},
		{map[string]ObjectsDriver{"s3": nil, "gs": nil}, ""},
		{nil, ""},
	} {
		_, err := New(t.Context(), Options{Config: c, Log: slog.New(slog.DiscardHandler), Sinks: map[string]Driver{"log": nowhere}, Objects: some.stores})
		if (err == nil) != (some.want == "") || err != nil && err.Error() != some.want {
			t.Errorf("%v: got %v, want %q", some.stores, err, some.want)
		}
	}
}

// TestDefaultName: the settings' default is the template's.
func TestDefaultName(t *testing.T) {
	c, err := config.Load(nil)
	if err != nil || c.ResultName != ingest.DefaultName {
		t.Errorf("got %s, want %s", c.ResultName, ingest.DefaultName)
	}
}

type noObjects struct{ ingest.Objects }

// TestStores: a store is opened when its first object comes, once, and again
// after an error; and outlives the start.
func TestStores(t *testing.T) {
	opened, down := 0, true
	ctx, cancel := context.WithCancel(t.Context())
	s := newStores(ctx, &Options{Objects: map[string]ObjectsDriver{"s3": func(ctx context.Context, _ *slog.Logger) (ingest.Objects, error) {
		opened++
		if ctx.Err() != nil {
			t.Error("the store's context ended with the start")
		}
		if down {
			return nil, errors.New("down")
		}
		return noObjects{}, nil
	}}})
	cancel()
	if _, err := s.get("s3"); err == nil || !strings.Contains(err.Error(), "s3: down") {
		t.Errorf("got %v", err)
	}
	down = false
	for range 3 {
		if store, err := s.get("s3"); err != nil || store != (noObjects{}) {
			t.Errorf("got %v, %v", store, err)
		}
	}
	if opened != 2 {
		t.Errorf("opened %d times, want 2", opened)
	}
	_, err := s.get("gs")
	if fe, ok := errors.AsType[*fault.Error](err); !ok || fe.Code != fault.ObjectRefused {
		t.Errorf("got %v", err)
	}
}
