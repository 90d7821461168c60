// Package httpsink posts the results of events to a URL: a callback.
//
// It is delivered at least once. Every request carries an Idempotency-Key,
// which is the same at each delivery of a record, so that the receiver can
// tell; the bodies of one key may differ in what they say of their making
// (stats), so only keys are to be compared.
//
// What a status means here is the receiver's word on one record:
//   - 2xx: it has it.
//   - 413: the result is too large for it, today and tomorrow: a final failure.
//   - 400, 422: it can read the request and will never take it: final too.
//   - 408, 425, 429, 5xx, no answer at all, and 409, which says that a request
//     with the same key is still under way (draft-ietf-httpapi-idempotency-key-header):
//     it is asked again, within the time left; after that the platform delivers
//     the record again.
//   - everything else, such as 401, 403, 404 or a redirect, is a setting that is
//     wrong, on one side or the other. No record is given up for that: it is
//     left to the platform, without asking again now.
//
// Question: follow redirects? Choice: no. A POST that is redirected comes out
// as a GET without a body (301, 302, 303), whose success means nothing, and one
// to another host would carry results to where no setting sends them. What
// would change it: a receiver that can only be reached by 307 or 308.
package httpsink

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/cenkalti/backoff/v5"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/ingest"
	"example.com/copse/pkg/ingest/sinkuri"
)

const (
	// attempts, firstWait and maxWait bound the requests of one message: some
	// ten seconds of waiting at most, and never beyond the event's deadline.
	attempts  = 8
	firstWait = 100 * time.Millisecond
	maxWait   = 3 * time.Second
	// maxRetryAfter is the longest wait that a receiver can ask for. Where it
	// wants a longer one, the platform delivers the record again later, which
	// costs no time of the function.
	maxRetryAfter = 15 * time.Second
	// timeout bounds one request, so that an answer that is lost does not use up
	// the time for the next.
	timeout = 10 * time.Second
	// maxReply is how much of a reply is read, so that its connection can be
	// used again. What it says is not looked at.
	maxReply = 64 << 10
	// idle is as many connections as there are writers at the same time.
	idle = 10
	// maxKey is the longest key that is sent as it is.
	maxKey = 255
)

// Sink posts messages to one URL.
type Sink struct {
	url *url.URL
	// transport is used without http.Client, whose errors repeat the URL, which
	// may hold a secret, and which would read where a redirect leads to.
	transport http.RoundTripper
}

// Open returns the sink for a URL, "https://host/path". Only this machine is
// spoken to without TLS. Errors do not repeat the URL, which may hold a secret.
func Open(_ context.Context, uri string, _ *slog.Logger) (ingest.Sink, error) {
	u, err := sinkuri.HTTP(uri)
	if err != nil {
		return nil, err
	}
	transport, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return nil, errors.New("net/http's default transport was replaced")
	}
	transport = transport.Clone()
	transport.Proxy = nil // nobody but the named host is called
	transport.MaxIdleConnsPerHost = idle
	return &Sink{u, transport}, nil
}

// Put posts one message, again and again where it may help.
func (s *Sink) Put(ctx context.Context, m ingest.Message) error {
	waits := backoff.NewExponentialBackOff()
	waits.InitialInterval, waits.MaxInterval, waits.Multiplier = firstWait, maxWait, 2
	options := []backoff.RetryOption{backoff.WithBackOff(waits), backoff.WithMaxTries(attempts)}
	if deadline, ok := ctx.Deadline(); ok {
		// A wait that would outlast the event is not begun.
		options = append(options, backoff.WithMaxElapsedTime(max(time.Until(deadline), 1)))
	}
	_, err := backoff.Retry(ctx, func() (struct{}, error) { return struct{}{}, s.post(ctx, &m) }, options...)
	return err
}

// post sends one request. An error that another request cannot mend is a
// backoff.Permanent.
func (s *Sink) post(ctx context.Context, m *ingest.Message) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "", bytes.NewReader(m.Body))
	if err != nil {
		return backoff.Permanent(err)
	}
	r.URL = s.url
	if s.url.User != nil {
		password, _ := s.url.User.Password()
		r.SetBasicAuth(s.url.User.Username(), password)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "copse")
	r.Header.Set("Idempotency-Key", key(m.ID))
	if m.Dead {
		r.Header.Set("Copse-Dead-Letter", "true")
	}
	reply, err := s.transport.RoundTrip(r)
	if err != nil {
		return fmt.Errorf("callback: %w", err)
	}
	defer reply.Body.Close()
	// Whatever happens to the reply's body, its status was the answer.
	_, _ = io.Copy(io.Discard, io.LimitReader(reply.Body, maxReply))
	return verdict(reply)
}

// verdict is what a reply means (see the package's document).
func verdict(reply *http.Response) error {
	switch status := reply.StatusCode; {
	case status/100 == 2:
		return nil
	case status == http.StatusRequestEntityTooLarge:
		return backoff.Permanent(fault.New(fault.ReplyTooLarge, "the result is larger than the callback takes (status 413): send smaller batches"))
	case status == http.StatusBadRequest, status == http.StatusUnprocessableEntity:
		return backoff.Permanent(fault.New(fault.Refused, "the callback refuses the result (status %d): its own log says why", status))
	case status/100 == 5, status == http.StatusRequestTimeout, status == http.StatusTooEarly,
		status == http.StatusTooManyRequests, status == http.StatusConflict:
		return later(status, reply.Header.Get("Retry-After"))
	case status/100 == 3:
		return backoff.Permanent(fmt.Errorf("the callback redirects (status %d), which is not followed: set the address that it names", status))
	default:
		return backoff.Permanent(fmt.Errorf("the callback answers with status %d: check its address and permissions", status))
	}
}

// later is the error of a receiver that may be asked again, which honours when
// it wants to be. Those who wait as long as others come back spread out.
func later(status int, retryAfter string) error {
	wait, ok := readRetryAfter(retryAfter, time.Now())
	switch {
	case !ok:
		return fmt.Errorf("the callback answers with status %d", status)
	case wait > maxRetryAfter:
		return backoff.Permanent(fmt.Errorf("the callback answers with status %d and wants to be left alone for %v", status, wait.Round(time.Second)))
	}
	wait += rand.N(firstWait + wait/4)
	return fmt.Errorf("the callback answers with status %d: %w", status, &backoff.RetryAfterError{Duration: wait})
}

// readRetryAfter reads the header of that name: seconds, or a date (RFC 9110,
// section 10.2.3).
func readRetryAfter(text string, now time.Time) (time.Duration, bool) {
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second, true
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(at.Sub(now), 0), true
	}
	return 0, false
}

// key is a record's identity as a header can carry it: itself, or its hash.
func key(id string) string {
	for i := range len(id) {
		if id[i] <= ' ' || id[i] > '~' {
			return hash(id)
		}
	}
	if id == "" || len(id) > maxKey {
		return hash(id)
	}
	return id
}

func hash(id string) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:])
}
