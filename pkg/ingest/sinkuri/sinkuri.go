// Package sinkuri reads the URIs of sinks. Drivers read theirs with it; and a
// function that links no driver (copse serve, copse invoke, one for requests)
// tells a slip in its settings all the same.
package sinkuri

import (
	"errors"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"example.com/copse/pkg/ingest"
)

const (
	lower  = "abcdefghijklmnopqrstuvwxyz"
	upper  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits = "0123456789"
)

// only says whether all bytes of a text are among some.
func only(text, some string) bool { return strings.Trim(text, some) == "" }

// Log reads "log".
func Log(uri string) error {
	if uri != "log" {
		return errors.New(`must be "log" alone: the log is the function's own`)
	}
	return nil
}

// S3 reads "s3://BUCKET/PREFIX/". Names of buckets follow
// docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html.
func S3(uri string) (ingest.Location, error) {
	where, err := ingest.ParseLocation(uri)
	if err != nil {
		return where, err
	}
	if n := len(where.Bucket); n < 3 || n > 63 || !only(where.Bucket, lower+digits+"-.") {
		return where, errors.New("a bucket's name, or an access point's alias, has 3 to 63 small letters, digits, '-' and '.'")
	}
	return where, nil
}

// Queue is a queue of SQS.
type Queue struct{ URL, Host, Account, Name string }

// SQS reads "sqs:QUEUE_URL".
func SQS(uri string) (Queue, error) {
	q := Queue{URL: strings.TrimPrefix(uri, "sqs:")}
	u, err := url.Parse(q.URL)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return q, errors.New(`must be "sqs:" and the queue's URL, such as sqs:https://sqs.eu-west-1.amazonaws.com/123456789012/results`)
	}
	q.Host = u.Hostname()
	var ok bool
	q.Account, q.Name, ok = strings.Cut(strings.Trim(u.Path, "/"), "/")
	if !ok || q.Account == "" || q.Name == "" || strings.Contains(q.Name, "/") {
		return q, errors.New("the queue's URL must end in /ACCOUNT/NAME")
	}
	return q, nil
}

// Bus is a bus of EventBridge: its name or ARN, as the URI has it, and the
// region of an ARN.
type Bus struct{ ID, Region string }

// Events reads "events:BUS". A bus's name has at most 256 of [/\.\-_A-Za-z0-9]
// (EventBridge API reference, CreateEventBus).
func Events(uri string) (Bus, error) {
	b := Bus{ID: strings.TrimPrefix(uri, "events:")}
	name := b.ID
	if strings.HasPrefix(name, "arn:") {
		// arn:PARTITION:events:REGION:ACCOUNT:event-bus/NAME
		part := strings.SplitN(name, ":", 6)
		if len(part) != 6 || part[2] != "events" || part[3] == "" || part[4] == "" || !strings.HasPrefix(part[5], "event-bus/") {
			return b, errEvents
		}
		b.Region, name = part[3], strings.TrimPrefix(part[5], "event-bus/")
	}
	if name == "" || len(name) > 256 || !only(name, lower+upper+digits+"/.-_") {
		return b, errEvents
	}
	return b, nil
}

var errEvents = errors.New(`must be "events:" and a bus's name or ARN, such as events:default or events:arn:aws:events:eu-west-1:123456789012:event-bus/results`)

var errPubSub = errors.New("must be pubsub:projects/PROJECT/topics/TOPIC")

// PubSub reads "pubsub:projects/PROJECT/topics/TOPIC", and returns the topic's
// full name. Names of topics follow cloud.google.com/pubsub/docs/pubsub-basics,
// "Resource names".
func PubSub(uri string) (topic string, err error) {
	topic, ok := strings.CutPrefix(uri, "pubsub:")
	part := strings.Split(topic, "/")
	if !ok || len(part) != 4 || part[0] != "projects" || part[2] != "topics" || part[1] == "" || !only(part[1], lower+upper+digits+"-:.") {
		return "", errPubSub
	}
	id := part[3]
	if len(id) < 3 || len(id) > 255 || !only(id[:1], lower+upper) || strings.HasPrefix(id, "goog") || !only(id, lower+upper+digits+"-_.~+%") {
		return "", errors.New(`a topic's name has 3 to 255 letters, digits and -_.~+%, begins with a letter, and not with "goog"`)
	}
	return topic, nil
}

// HTTP reads a callback's URL. Only this machine is spoken to without TLS.
// Errors do not repeat the URL, which may hold a secret.
func HTTP(uri string) (*url.URL, error) {
	u, err := url.Parse(uri)
	switch {
	case err != nil || u.Hostname() == "" || u.Opaque != "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("must be a URL such as https://example.com/results")
	case !port(u.Port()):
		return nil, errors.New("a port is a number from 1 to 65535")
	case u.Scheme != "https" && !loopback(u.Hostname()):
		return nil, errors.New("results go over https only, but for a receiver on this machine")
	case u.Fragment != "":
		return nil, errors.New("a fragment (#…) is never sent: leave it out")
	}
	return u, nil
}

// port says whether a URL's port, which is digits or absent, can be called.
func port(text string) bool {
	n, err := strconv.ParseUint(text, 10, 16)
	return text == "" || err == nil && n > 0
}

// loopback says whether a host is this machine.
func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
