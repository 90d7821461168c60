// Package logsink writes the results of events to the log, one line each: the
// sink that needs no permission.
package logsink

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/ingest"
	"example.com/copse/pkg/ingest/sinkuri"
)

// maxLine is the largest result that is logged: Google's logging takes entries
// of 256 KiB, CloudWatch of more. A longer one would be cut, which is a loss.
const maxLine = 250 << 10

// Sink logs messages.
type Sink struct{ handler slog.Handler }

// Open returns the sink for the URI "log".
func Open(_ context.Context, uri string, log *slog.Logger) (ingest.Sink, error) {
	if err := sinkuri.Log(uri); err != nil {
		return nil, err
	}
	return &Sink{log.Handler()}, nil
}

// MaxMessage is the largest body that is taken, in bytes, where nothing is
// beside it.
func (*Sink) MaxMessage() int { return maxLine }

// Put logs one message: "result" at INFO or "dead letter" at WARN, with the
// body as one JSON value. It goes past the log's level, since a result that is
// not written is lost.
func (s *Sink) Put(ctx context.Context, m ingest.Message) error {
	if len(m.Body) > maxLine {
		return fault.New(fault.ReplyTooLarge, "the result is over %d bytes, the most that a log keeps whole: send smaller batches, or set COPSE_SINK to a queue", maxLine)
	}
	level, text := slog.LevelInfo, "result"
	if m.Dead {
		level, text = slog.LevelWarn, "dead letter"
	}
	record := slog.NewRecord(time.Now(), level, text, 0)
	record.AddAttrs(slog.Any("result", json.RawMessage(m.Body)))
	return s.handler.Handle(ctx, record)
}
