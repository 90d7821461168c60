// Package lambda puts the core behind AWS Lambda: it turns events into
// requests and records, and answers into what the platform expects back. It
// knows envelopes and nothing of models.
//
// One payload may be a request of API Gateway (REST, or HTTP with either
// payload format), of a Function URL or of a load balancer; records of SQS,
// SNS, S3, Kinesis or DynamoDB; an event of EventBridge; a batch of a
// Distributed Map; or, where it is none of these, a bare JSON payload of a
// direct invocation or of a Step Functions task. They are told apart by the
// members that only they have (see event.kind). docs/events.md says what each
// source is answered.
//
// A Function is safe for concurrent use, as AWS_LAMBDA_MAX_CONCURRENCY asks
// for, and contains panics: one invocation's defect does not end the others.
package lambda

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/ingest"
)

// API answers requests and bare payloads; *httpapi.Handler does.
type API interface {
	http.Handler
	Invoke(ctx context.Context, payload []byte) ([]byte, error)
}

// Records answers the records of an event, and keeps nothing of them after
// that; *ingest.Handler does.
type Records interface {
	Handle(ctx context.Context, records []ingest.Record) []ingest.Outcome
	Report(ctx context.Context, records []ingest.Record) []ingest.Report
}

// Options say what a function answers.
type Options struct {
	API     API     // nil: no requests; bare payloads go to Records
	Records Records // nil: no events
	Log     *slog.Logger
}

// Function answers the payloads of invocations.
type Function struct{ o Options }

// New returns a function.
func New(o Options) *Function { return &Function{o} }

// replyMargin is kept back from the time that the platform gives: after its
// deadline the process is frozen and nobody hears an answer, so the work must
// end a little earlier.
const replyMargin = 100 * time.Millisecond

// Invoke answers one payload: event bytes in, reply bytes out. Its errors are
// of this package's exported types.
func (f *Function) Invoke(ctx context.Context, payload []byte) (out []byte, err error) {
	x, _ := exchanges.Get().(*exchange)
	k := x.event.read(payload)
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-replyMargin))
		defer cancel()
	}
	defer func() {
		// After a panic x may be half written: it is left to the collector.
		if p := recover(); p != nil {
			out, err = f.contain(ctx, k, p)
			return
		}
		x.release()
	}()
	switch k {
	case records, bridge, test:
		return f.event(ctx, &x.event, k, payload)
	case items:
		return f.items(ctx, x.event.items)
	case other:
		return nil, &UnsupportedEvent{"it is of a service that no function of Copse reads"}
	case direct:
		if f.o.API == nil || f.o.Records != nil && isPointer(payload) {
			return f.task(ctx, payload)
		}
		return f.direct(ctx, payload)
	}
	if f.o.API == nil {
		return nil, &UnsupportedEvent{"this function answers events; requests go to the function of functions/lambda/predict"}
	}
	return f.serve(ctx, x, k)
}

// serve answers a request.
func (f *Function) serve(ctx context.Context, x *exchange, k kind) ([]byte, error) {
	r, err := x.request(ctx, k)
	if err != nil {
		return nil, err
	}
	f.handle(x, r)
	if out := x.envelope(k, r.Method); out != nil {
		return out, nil
	}
	id := x.reply.header.Get("X-Request-Id")
	x.reply.reset()
	x.problem(fault.New(fault.ReplyTooLarge, "the reply is over %d bytes, the most that the platform carries: send fewer rows", capOf(k)), id)
	return x.envelope(k, r.Method), nil
}

// handle calls the handler. A handler that gives up on its reply because it is
// too large is no defect.
func (f *Function) handle(x *exchange, r *http.Request) {
	defer func() {
		if !x.reply.over {
			return
		}
		if p := recover(); p != nil && p != http.ErrAbortHandler {
			panic(p)
		}
	}()
	f.o.API.ServeHTTP(&x.reply, r)
}

// isPointer says whether a bare payload points to an object: in a function for
// everything it belongs to the records.
func isPointer(payload []byte) bool {
	_, is, _ := ingest.Pointer(payload)
	return is
}

// direct answers a bare payload.
func (f *Function) direct(ctx context.Context, payload []byte) ([]byte, error) {
	out, err := f.o.API.Invoke(ctx, payload)
	if err != nil {
		named := directError(err)
		if _, ours := errors.AsType[*InternalError](named); ours {
			f.o.Log.ErrorContext(ctx, "direct invocation failed", "error", err.Error())
		}
		return nil, named
	}
	if len(out) > replyCap {
		return nil, new(ReplyTooLarge)
	}
	return out, nil
}

// contain logs a panic and answers in its place: a request with status 500,
// everything else with an error.
func (f *Function) contain(ctx context.Context, k kind, p any) ([]byte, error) {
	f.o.Log.ErrorContext(ctx, "panic", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
	switch k {
	case rest, http2, funcURL, alb:
		x, _ := exchanges.Get().(*exchange)
		defer x.release()
		x.problem(fault.New(fault.Internal, "an internal error: the log of the function says more"), requestID(ctx))
		return x.envelope(k, http.MethodPost), nil
	}
	return nil, new(InternalError)
}

// requestID is the platform's name for the invocation.
func requestID(ctx context.Context) string {
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		return lc.AwsRequestID
	}
	return ""
}

// problem writes a reply of this package's own, in the form of RFC 9457.
func (x *exchange) problem(e *fault.Error, requestID string) {
	w := &x.reply
	w.header["Content-Type"] = []string{"application/problem+json"}
	w.header["Cache-Control"] = []string{"no-store"}
	w.status = e.Code.Status()
	w.body = append(w.body, `{"type":"urn:copse:problem:`...)
	w.body = append(w.body, e.Code.String()...)
	w.body = append(w.body, `","title":`...)
	w.body = appendQuoted(w.body, e.Code.Title())
	w.body = fmt.Appendf(w.body, `,"status":%d,"code":%q,"detail":`, w.status, e.Code.String())
	w.body = appendQuoted(w.body, e.Message)
	if requestID != "" {
		w.header["X-Request-Id"] = []string{requestID}
		w.body = append(w.body, `,"request_id":`...)
		w.body = appendQuoted(w.body, requestID)
	}
	w.body = append(w.body, '}')
}
