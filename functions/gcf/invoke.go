package gcf

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"

	"example.com/copse/pkg/fault"
)

// Reply is what the platform would be told.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte
}

// Invoke runs the adapter on one event as a file holds it:
//   - a CloudEvent in structured mode (a JSON object with specversion), or the
//     body of a push (with message), goes to OnEvent;
//   - the text of an HTTP request ("POST /predict HTTP/1.1", header, an empty
//     line, body), which may be a CloudEvent in binary mode or a task of Cloud
//     Tasks, goes where the platform would send it;
//   - any other JSON is a bare row or batch.
//
// The error is one of reading the file.
func (f *Function) Invoke(ctx context.Context, event []byte) (*Reply, error) {
	return f.InvokeAs(ctx, event, "")
}

// InvokeAs is Invoke of one entry point, TargetPredict or TargetOnEvent,
// whatever the event is; "" is the one that the event belongs to. To
// TargetPredict all that is no request's text is a bare row or batch.
func (f *Function) InvokeAs(ctx context.Context, event []byte, target string) (*Reply, error) {
	if line, _, _ := bytes.Cut(event, []byte("\n")); bytes.Contains(line, []byte(" HTTP/1.")) {
		return f.invokeRequest(ctx, event, target)
	}
	if target == TargetPredict {
		return f.invokeRows(ctx, event)
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(event, &members) == nil {
		_, isCloudEvent := members["specversion"]
		if isCloudEvent || isObject(members["message"]) {
			media := "application/json"
			if isCloudEvent {
				media = "application/cloudevents+json"
			}
			return f.post(ctx, media, event)
		}
	}
	if target == TargetOnEvent {
		return f.post(ctx, "application/json", event)
	}
	return f.invokeRows(ctx, event)
}

func (f *Function) invokeRows(ctx context.Context, rows []byte) (*Reply, error) {
	body, err := f.app.HTTP.Invoke(ctx, rows)
	if err == nil {
		return &Reply{Status: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: body}, nil
	}
	fe, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return nil, err
	}
	w := newRecorder()
	problem(w, fe)
	return w.reply(), nil
}

func (f *Function) post(ctx context.Context, media string, body []byte) (*Reply, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "/", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", media)
	w := newRecorder()
	f.OnEvent(w, r)
	return w.reply(), nil
}

// invokeRequest reads the request from its text. Lines may end in "\n", and a
// Content-Length is not needed: the body is what is left.
func (f *Function) invokeRequest(ctx context.Context, text []byte, target string) (*Reply, error) {
	reader := bufio.NewReader(bytes.NewReader(text))
	r, err := http.ReadRequest(reader)
	if err != nil {
		return nil, errors.New("the file begins like an HTTP request and cannot be read as one: it needs a request line, a header, an empty line and the body")
	}
	body, err := io.ReadAll(reader)
	if err != nil {
		return nil, err
	}
	if len(body) > 0 {
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	}
	if target == "" {
		target = targetOf(r.Header)
	}
	w := newRecorder()
	f.Handler(target).ServeHTTP(w, r.WithContext(ctx))
	return w.reply(), nil
}

// targetOf tells a CloudEvent and a task from other requests.
func targetOf(h http.Header) string {
	if hasPrefixFold(h.Get("Content-Type"), "application/cloudevents") || h.Get(headerQueue) != "" {
		return TargetOnEvent
	}
	for name := range h {
		if strings.HasPrefix(name, "Ce-") {
			return TargetOnEvent
		}
	}
	return TargetPredict
}

// recorder is a ResponseWriter in memory. (net/http/httptest has one, and adds
// a flag to every command that links it.)
type recorder struct {
	status int
	header http.Header
	body   bytes.Buffer
}

func newRecorder() *recorder { return &recorder{header: http.Header{}} }

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *recorder) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}

func (w *recorder) reply() *Reply {
	w.WriteHeader(http.StatusOK)
	return &Reply{Status: w.status, Header: w.header, Body: w.body.Bytes()}
}
