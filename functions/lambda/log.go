package lambda

import (
	"context"
	"log"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambdacontext"
)

// NewLog returns the log of a function: aws-lambda-go's own handler, which
// writes one JSON object a line with timestamp, level, message and requestId
// where AWS_LAMBDA_LOG_FORMAT is JSON, and text otherwise. What other packages
// write to the standard log (aws-lambda-go, each failed invocation) goes the
// same way.
func NewLog() *slog.Logger {
	h := &leveled{lambdacontext.NewLogHandler(), level(os.Getenv("AWS_LAMBDA_LOG_LEVEL"))}
	log.SetFlags(0)
	log.SetOutput(slog.NewLogLogger(h, slog.LevelError).Writer())
	return slog.New(h)
}

// level reads the platform's six levels; aws-lambda-go's handler knows four.
func level(name string) slog.Level {
	switch name {
	case "TRACE":
		return slog.LevelDebug - 4
	case "DEBUG":
		return slog.LevelDebug
	case "WARN":
		return slog.LevelWarn
	case "ERROR":
		return slog.LevelError
	case "FATAL":
		return slog.LevelError + 4
	}
	return slog.LevelInfo
}

// leveled is a handler with its level set from outside.
type leveled struct {
	slog.Handler
	min slog.Level
}

func (h *leveled) Enabled(_ context.Context, l slog.Level) bool { return l >= h.min }

func (h *leveled) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &leveled{h.Handler.WithAttrs(attrs), h.min}
}

func (h *leveled) WithGroup(name string) slog.Handler {
	return &leveled{h.Handler.WithGroup(name), h.min}
}
