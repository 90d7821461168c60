package gcf

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"time"

	"example.com/copse/functions/internal/serve"
	"example.com/copse/pkg/config"
	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/ingest"
)

// OnEvent answers one event: 200 once its record is done, another status where
// it should be delivered again. Requests that are no POST (probes, metrics)
// are those of Predict.
func (f *Function) OnEvent(w http.ResponseWriter, r *http.Request) {
	f.contain(w, r, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			f.app.HTTP.ServeHTTP(w, r)
			return
		}
		if fe := f.onEvent(w, r); fe != nil {
			f.app.Log.WarnContext(r.Context(), "event not done", "code", fe.Code.String(), "error", fe.Error())
			problem(w, fe)
		}
	})
}

func (f *Function) onEvent(w http.ResponseWriter, r *http.Request) *fault.Error {
	if f.app.Ingest == nil {
		return fault.New(fault.NotFound, "this function answers requests: deploy with --entry-point=%s for events", TargetOnEvent)
	}
	ctx := r.Context()
	if limit := f.app.Config.Timeout; limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	held, fe := f.hold(ctx, r.ContentLength)
	if fe != nil {
		return fe
	}
	defer f.events.Release(held)
	body, fe := f.read(w, r)
	if fe != nil {
		return fe
	}
	e, fe := decode(r.Header, body, f.app.Config.MaxBody)
	if fe != nil {
		return fe
	}
	if e.idle != "" {
		// Delivering it again would change nothing.
		f.app.Log.WarnContext(ctx, "no work in the event: passed over", "type", fault.Quote([]byte(e.kind)), "why", e.idle)
		return nil
	}
	return f.answer(ctx, e.record)
}

// answer answers the event's record. Its error is what the platform is told:
// that it should deliver the record again, or, where no dead letter was
// written, why that will not help.
func (f *Function) answer(ctx context.Context, r ingest.Record) *fault.Error {
	reports := f.app.Ingest.Report(ctx, []ingest.Record{r})
	if len(reports) != 1 {
		return fault.New(fault.Internal, "the record is not done and should be delivered again")
	}
	fe := reports[0].Fault
	switch {
	case reports[0].Outcome == ingest.Done:
		return nil
	case fe == nil:
		return fault.New(fault.Internal, "the record is not done and should be delivered again: the log says why")
	case f.app.Config.DeadLetter != "" && fe.Code.Outcome() == fault.DeadLetter:
		return fault.Wrap(fault.Unavailable, fe, "the record can never be answered, and its dead letter could not be written: deliver it again")
	}
	return fe
}

// eventCopies is how often an event is in memory while it is taken apart: as
// the body, the CloudEvent's data, the message, its base64, its payload, rows.
const eventCopies = 4

// eventBudget is how many bytes of events are read at a time: a share of
// COPSE_MAX_INFLIGHT, but never less than one event may have.
func eventBudget(c *config.Config) int64 { return max(c.MaxInflight/eventCopies, c.MaxBody) }

// hold waits for room in memory before a body is read, so that many large
// events at once are answered one after the other.
func (f *Function) hold(ctx context.Context, length int64) (int64, *fault.Error) {
	c := f.app.Config
	if length > c.MaxBody {
		return 0, tooLarge(c.MaxBody)
	}
	if length < 0 {
		length = c.MaxBody // chunked: it may be anything
	}
	if err := f.events.Acquire(ctx, length); err != nil {
		return 0, fault.Wrap(fault.Overloaded, err, "too many events at once: deliver it again, or set COPSE_MAX_INFLIGHT higher")
	}
	return length, nil
}

func (f *Function) read(w http.ResponseWriter, r *http.Request) ([]byte, *fault.Error) {
	// The time for the body begins when there is room for it. Where there is no
	// connection whose deadline could be set, there is none that drips.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(serve.ReadTimeout))
	var body bytes.Buffer
	if r.ContentLength > 0 {
		body.Grow(int(r.ContentLength) + bytes.MinRead)
	}
	_, err := body.ReadFrom(http.MaxBytesReader(w, r.Body, f.app.Config.MaxBody))
	if err == nil {
		return body.Bytes(), nil
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, tooLarge(f.app.Config.MaxBody)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, fault.Wrap(fault.Malformed, err, "the body did not arrive in time")
	}
	return nil, fault.Wrap(fault.Malformed, err, "the body did not arrive whole")
}

func tooLarge(limit int64) *fault.Error {
	return fault.New(fault.TooLarge, "the event has more than %d bytes: send less, or set COPSE_MAX_BODY higher", limit)
}

// problem answers with an error in the shape of the native interface.
func problem(w http.ResponseWriter, fe *fault.Error) {
	status := statusOf(fe.Code)
	body, err := json.Marshal(struct {
		Type   string `json:"type"`
		Title  string `json:"title"`
		Status int    `json:"status"`
		Code   string `json:"code"`
		Detail string `json:"detail"`
	}{"urn:copse:problem:" + fe.Code.String(), fe.Code.Title(), status, fe.Code.String(), fe.Message})
	if err != nil { // strings and a number only
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		h.Set("Retry-After", "1")
	}
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}

// statusOf is a code's status. What may succeed later is 429 or of the server:
// a queue is not to take it for final.
func statusOf(c fault.Code) int {
	status := c.Status()
	if c.Outcome() == fault.Retry && status != http.StatusTooManyRequests && status < http.StatusInternalServerError {
		return http.StatusServiceUnavailable
	}
	return status
}
