package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
)

// quiet shows warnings, such as that of a file with bad rows, and nothing else:
// what Beam logs while all goes well is for who looks into Beam, and an error is
// logged at each of the layers that it passes, before it ends the pipeline and
// is told once.
type quiet struct {
	mu sync.Mutex
	to io.Writer
}

func (q *quiet) Enabled(_ context.Context, level slog.Level) bool { return level == slog.LevelWarn }

func (q *quiet) Handle(_ context.Context, r slog.Record) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	_, err := fmt.Fprintf(q.to, "copse-beam: %s\n", strings.TrimPrefix(r.Message, "[SDK] "))
	return err
}

func (q *quiet) WithAttrs([]slog.Attr) slog.Handler { return q }
func (q *quiet) WithGroup(string) slog.Handler      { return q }

// dofn is what Beam's Go SDK writes before the error that a DoFn returned. All
// before it says where in Beam that was.
const dofn = "] failed:\n"

// reason is why a pipeline failed, in our own words where they are found.
func reason(err error) error {
	text := err.Error()
	if i := strings.LastIndex(text, dofn); i >= 0 {
		text = text[i+len(dofn):]
	}
	return errors.New(strings.TrimSpace(text))
}
