package setup

import (
	"errors"
	"fmt"
	"strings"

	"example.com/copse/pkg/config"
	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/ingest"
	"example.com/copse/pkg/ingest/sinkuri"
)

// sinkKind is what is known of a kind of sink without its driver.
type sinkKind struct {
	where string                 // the functions that have it
	shape func(uri string) error // as its driver reads it
}

// built are all sinks by the scheme of their URIs.
var built = map[string]sinkKind{
	"events": {onAWS, onlyError(sinkuri.Events)},
	"file":   {"copse invoke", onlyError(ingest.ParseLocation)},
	"gs":     {onGoogle, onlyError(ingest.ParseLocation)},
	"http":   {everywhere, onlyError(sinkuri.HTTP)},
	"https":  {everywhere, onlyError(sinkuri.HTTP)},
	"log":    {everywhere, sinkuri.Log},
	"pubsub": {onGoogle, onlyError(sinkuri.PubSub)},
	"s3":     {onAWS, onlyError(sinkuri.S3)},
	"sqs":    {onAWS, onlyError(sinkuri.SQS)},
}

const (
	onAWS      = "functions/lambda/events on AWS"
	onGoogle   = "OnEvent on Google Cloud"
	everywhere = "every function for events"
)

// CheckSinks checks the settings about sinks and objects as a function for
// events does at its start, without opening any.
func CheckSinks(c *config.Config) error {
	p, err := readPlaces(c)
	if err != nil {
		return err
	}
	return p.knownSinks(c)
}

func (p *places) knownSinks(c *config.Config) error {
	return errors.Join(p.knownSink("COPSE_SINK", c.Sink), p.knownSink("COPSE_DEAD_LETTER", c.DeadLetter))
}

func (p *places) knownSink(setting, uri string) error {
	if uri == "" {
		return nil
	}
	scheme, _, _ := strings.Cut(uri, ":")
	kind, known := built[scheme]
	if !known {
		return fmt.Errorf("%s: there is no sink %q: there are %s", setting, fault.Quote([]byte(scheme)), schemes(built))
	}
	if err := kind.shape(uri); err != nil {
		return fmt.Errorf("%s: %w", setting, err)
	}
	if where, err := ingest.ParseLocation(uri); err == nil && (scheme == "s3" || scheme == "gs" || scheme == "file") {
		return p.checkLocation(setting, where)
	}
	return nil
}

// onlyError is a reader of URIs of whose results only the error counts.
func onlyError[T any](read func(string) (T, error)) func(string) error {
	return func(uri string) error {
		_, err := read(uri)
		return err
	}
}
