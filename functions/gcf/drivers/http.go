//go:build copse_http

package drivers

import (
	"example.com/copse/functions/gcf"
	"example.com/copse/pkg/ingest/httpsink"
	"example.com/copse/pkg/ingest/logsink"
)

// All is what a function is opened with: no client of a cloud.
func All() gcf.Options {
	return gcf.Options{Sinks: map[string]gcf.Driver{
		"log":   logsink.Open,
		"http":  httpsink.Open,
		"https": httpsink.Open,
	}}
}
