package setup

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"example.com/copse/pkg/config"
	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/ingest"
)

// sinkKind is what is known of a kind of sink without its driver.
type sinkKind struct {
	where string                 // the functions that have it
	shape func(uri string) error // as its driver reads it
}

// built are all sinks by the scheme of their URIs.
//
// Question: why are shapes known here, which drivers check as well? Choice: a
// function that links no driver (copse serve, copse invoke) tells a slip all
// the same; a test holds each shape to what its driver says.
var built = map[string]sinkKind{
	"events": {onAWS, eventsShape},
	"file":   {"copse invoke", bucketShape},
	"gs":     {onGoogle, bucketShape},
	"http":   {everywhere, httpShape},
	"https":  {everywhere, httpShape},
	"log":    {everywhere, logShape},
	"pubsub": {onGoogle, pubsubShape},
	"s3":     {onAWS, s3Shape},
	"sqs":    {onAWS, sqsShape},
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

func logShape(uri string) error {
	if uri != "log" {
		return errors.New(`must be "log" alone: the log is the function's own`)
	}
	return nil
}

func bucketShape(uri string) error {
	_, err := ingest.ParseLocation(uri)
	return err
}

func s3Shape(uri string) error {
	where, err := ingest.ParseLocation(uri)
	if err != nil {
		return err
	}
	if n := len(where.Bucket); n < 3 || n > 63 || !only(where.Bucket, lower+digits+"-.") {
		return errors.New("a bucket's name, or an access point's alias, has 3 to 63 small letters, digits, '-' and '.'")
	}
	return nil
}

func sqsShape(uri string) error {
	u, err := url.Parse(strings.TrimPrefix(uri, "sqs:"))
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return errors.New(`must be "sqs:" and the queue's URL, such as sqs:https://sqs.eu-west-1.amazonaws.com/123456789012/results`)
	}
	account, name, ok := strings.Cut(strings.Trim(u.Path, "/"), "/")
	if !ok || account == "" || name == "" || strings.Contains(name, "/") {
		return errors.New("the queue's URL must end in /ACCOUNT/NAME")
	}
	return nil
}

func eventsShape(uri string) error {
	name := strings.TrimPrefix(uri, "events:")
	if strings.HasPrefix(name, "arn:") { // arn:PARTITION:events:REGION:ACCOUNT:event-bus/NAME
		part := strings.SplitN(name, ":", 6)
		if len(part) != 6 || part[2] != "events" || part[3] == "" || part[4] == "" || !strings.HasPrefix(part[5], "event-bus/") {
			return errEvents
		}
		name = strings.TrimPrefix(part[5], "event-bus/")
	}
	if name == "" || len(name) > 256 || !only(name, lower+upper+digits+"/.-_") {
		return errEvents
	}
	return nil
}

var errEvents = errors.New(`must be "events:" and a bus's name or ARN, such as events:default or events:arn:aws:events:eu-west-1:123456789012:event-bus/results`)

func pubsubShape(uri string) error {
	part := strings.Split(strings.TrimPrefix(uri, "pubsub:"), "/")
	if len(part) != 4 || part[0] != "projects" || part[2] != "topics" || part[1] == "" || !only(part[1], lower+upper+digits+"-:.") {
		return errors.New("must be pubsub:projects/PROJECT/topics/TOPIC")
	}
	id := part[3]
	if len(id) < 3 || len(id) > 255 || !only(id[:1], lower+upper) || strings.HasPrefix(id, "goog") || !only(id, lower+upper+digits+"-_.~+%") {
		return errors.New(`a topic's name has 3 to 255 letters, digits and -_.~+%, begins with a letter, and not with "goog"`)
	}
	return nil
}

func httpShape(uri string) error {
	u, err := url.Parse(uri)
	if err != nil || u.Hostname() == "" || u.Opaque != "" {
		return errors.New("must be a URL such as https://example.com/results")
	}
	if u.Scheme == "http" && u.Hostname() != "localhost" {
		if ip, err := netip.ParseAddr(u.Hostname()); err != nil || !ip.IsLoopback() {
			return errors.New("results go over https only, but for a receiver on this machine")
		}
	}
	if u.Fragment != "" {
		return errors.New("a fragment (#…) is never sent: leave it out")
	}
	if port := u.Port(); port != "" {
		if _, err := netip.ParseAddrPort("127.0.0.1:" + port); err != nil || strings.Trim(port, "0") == "" {
			return errors.New("a port is a number from 1 to 65535")
		}
	}
	return nil
}

const (
	lower  = "abcdefghijklmnopqrstuvwxyz"
	upper  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits = "0123456789"
)

// only says whether all bytes of a text are among some.
func only(text, some string) bool { return strings.Trim(text, some) == "" }
