package local

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"example.com/copse/functions/internal/setup"
	"example.com/copse/pkg/config"
	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/ingest"
	"example.com/copse/pkg/ingest/filestore"
	"example.com/copse/pkg/ingest/logsink"
)

// bucketSchemes are the stores that a folder stands in for.
var bucketSchemes = [...]string{"s3", "gs", "file"}

func isBucket(uri string) bool {
	scheme, _, found := strings.Cut(uri, "://")
	return found && slices.Contains(bucketSchemes[:], scheme)
}

// standIn has an invocation write nowhere but on this machine: buckets are
// below dir, where there is one, and everything else is the log. It says on
// notes which settings are not followed; results are what was written.
func standIn(o *setup.Options, dir string, notes io.Writer) (*results, error) {
	if err := setup.CheckSinks(o.Config); err != nil {
		return nil, err
	}
	o.Sinks = map[string]setup.Driver{"log": logsink.Open}
	o.Objects = map[string]setup.ObjectsDriver{}
	written := new(results)
	if dir == "" {
		for _, scheme := range bucketSchemes {
			o.Objects[scheme] = noObjects(scheme)
		}
		redirect(notes, "COPSE_SINK", "results", &o.Config.Sink, "log", "the log")
		redirect(notes, "COPSE_DEAD_LETTER", "dead letters", &o.Config.DeadLetter, "log", "the log")
		return written, nil
	}
	folder, err := filestore.New(dir, filestore.Options{AnyVersion: true})
	if err != nil {
		return nil, err
	}
	for _, scheme := range bucketSchemes {
		o.Objects[scheme] = func(context.Context, *slog.Logger) (ingest.Objects, error) { return folder, nil }
		o.Sinks[scheme] = func(_ context.Context, uri string, _ *slog.Logger) (ingest.Sink, error) {
			where, err := ingest.ParseLocation(uri)
			if err != nil {
				return nil, err
			}
			store := &notedBucket{folder.Bucket(where.Bucket), filepath.Join(dir, where.Bucket), written}
			var options ingest.BucketOptions
			if where.Scheme == "file" { // whose URIs would seem to begin at the root
				options.Base = filepath.ToSlash(store.path) + "/"
			}
			return ingest.NewBucket(store, where.Scheme, where.Bucket, where.Prefix, options), nil
		}
	}
	placeBelow(o.Config, dir, notes)
	return written, nil
}

// placeBelow has results go to a bucket below dir, and dead letters to one or
// to the log.
func placeBelow(c *config.Config, dir string, notes io.Writer) {
	below := func(setting, what string, uri *string, other, where string) {
		if !isBucket(*uri) {
			redirect(notes, setting, what, uri, other, where)
			return
		}
		_, name, _ := strings.Cut(*uri, "://")
		fmt.Fprintf(notes, "copse: %s go to %s in place of %s\n", what, clean(filepath.Join(dir, name)), setting)
	}
	if c.Sink == "log" { // the default
		c.Sink = "file://results/"
	} else {
		below("COPSE_SINK", "results", &c.Sink, "file://results/", clean(filepath.Join(dir, "results")))
	}
	if c.DeadLetter != "" {
		below("COPSE_DEAD_LETTER", "dead letters", &c.DeadLetter, "log", "the log")
	}
}

// redirect changes a sink that was set, and says so. The URI is not shown: that
// of a callback may have a secret in it.
func redirect(notes io.Writer, setting, what string, uri *string, to, where string) {
	if *uri == "" || *uri == to {
		return
	}
	scheme, _, _ := strings.Cut(*uri, ":")
	fmt.Fprintf(notes, "copse: nothing is sent to %s (%s): %s go to %s\n", setting, scheme, what, where)
	*uri = to
}

// noObjects is the store where no folder was given.
func noObjects(scheme string) setup.ObjectsDriver {
	return func(context.Context, *slog.Logger) (ingest.Objects, error) {
		return nil, fault.New(fault.ObjectRefused, "no objects of %s:// are read without --objects DIR, a folder that stands in for the buckets: the object is DIR/BUCKET/KEY", scheme)
	}
}

// results are the objects that an invocation wrote, or found written.
type results struct {
	mu    sync.Mutex
	paths []string
	kept  map[string]bool // by path: it was there already
}

func (r *results) note(path string, kept bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.kept[path]; known {
		return // written by this invocation, and met again
	}
	if r.kept == nil {
		r.kept = map[string]bool{}
	}
	r.paths, r.kept[path] = append(r.paths, path), kept
}

// tell says where results are, and what to do about those that stayed.
func (r *results) tell(w io.Writer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	stayed := false
	for _, path := range r.paths {
		if r.kept[path] {
			stayed = true
			fmt.Fprintf(w, "copse: %s was there already, and stays as it is\n", clean(path))
		} else {
			fmt.Fprintf(w, "copse: wrote %s\n", clean(path))
		}
	}
	if stayed {
		fmt.Fprintln(w, "copse: for a new result remove the old file, name another version of the object in the event, or set COPSE_SINK to another prefix")
	}
}

// notedBucket is a bucket whose results are noted.
type notedBucket struct {
	*filestore.Bucket
	path string
	to   *results
}

func (b *notedBucket) file(name string) string {
	return filepath.Join(b.path, filepath.FromSlash(name))
}

// Exists says whether there is an object of a name.
func (b *notedBucket) Exists(ctx context.Context, name string) (bool, error) {
	there, err := b.Bucket.Exists(ctx, name)
	if there && err == nil {
		b.to.note(b.file(name), true)
	}
	return there, err
}

// Create begins an object.
func (b *notedBucket) Create(ctx context.Context, name string, info ingest.Info) (ingest.Upload, error) {
	u, err := b.Bucket.Create(ctx, name, info)
	if err != nil {
		return nil, err
	}
	return &notedUpload{u, b.file(name), b.to}, nil
}

type notedUpload struct {
	ingest.Upload
	path string
	to   *results
}

// Commit makes the object visible.
func (u *notedUpload) Commit(ctx context.Context) (existed bool, err error) {
	if existed, err = u.Upload.Commit(ctx); err == nil {
		u.to.note(u.path, existed)
	}
	return existed, err
}
