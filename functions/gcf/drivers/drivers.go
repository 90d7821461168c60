//go:build !copse_http

// Package drivers is what the functions on Google Cloud can write to and read
// from: the one list of the build pack's function and of functions/gcf/server.
//
// Question: must a function that only answers requests link the clients of
// Pub/Sub and Cloud Storage? Choice: no, the build tag copse_http leaves them
// out, and the readers of Parquet and zstd with them; function.yaml sets it.
// Measured on functions/gcf/server, linux/amd64, stripped: 12.3 MB instead of
// 29.2 MB, 9.7 ms instead of 14.9 ms from process start to the first connection
// (median of 25), 10.7 MB instead of 20.3 MB resident then. Without the tag a binary has both entry
// points, all sinks. What would change it: clients that cost nothing until they
// are used.
package drivers

import (
	"example.com/copse/functions/gcf"
	"example.com/copse/pkg/ingest/gcsstore"
	"example.com/copse/pkg/ingest/httpsink"
	"example.com/copse/pkg/ingest/logsink"
	"example.com/copse/pkg/ingest/objectscore"
	"example.com/copse/pkg/ingest/pubsubsink"
)

// All is what a function is opened with.
func All() gcf.Options {
	return gcf.Options{
		Sinks: map[string]gcf.Driver{
			"log":             logsink.Open,
			"http":            httpsink.Open,
			"https":           httpsink.Open,
			gcsstore.Scheme:   gcsstore.Open,
			pubsubsink.Scheme: pubsubsink.Open,
		},
		Objects: map[string]gcf.ObjectsDriver{gcsstore.Scheme: gcsstore.OpenObjects},
		Score:   objectscore.Score,
	}
}
