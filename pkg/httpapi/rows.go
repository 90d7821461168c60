package httpapi

import (
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"net/url"
	"sync"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/frame"
	"example.com/copse/pkg/predict"
	"example.com/copse/pkg/wire"
)

// predict answers POST /predict: one row, a JSON object, or its id.
func (h *Handler) predict(x *exchange) {
	if m, fe := mediaOf(x.r.Header); fe != nil || m != wire.JSON {
		x.fail(fault.New(fault.UnsupportedMedia, "/predict takes one row as application/json (with curl: -H 'content-type: application/json'); other forms go to /batch-predict"))
		return
	}
	if m, ok := accepted(x.r.Header["Accept"]); !ok || m != wire.JSON {
		x.fail(fault.New(fault.NotAcceptable, "/predict answers application/json"))
		return
	}
	req := predict.Get()
	defer req.Release()
	var held int64
	var fe *fault.Error
	req.Body, held, fe = x.body(req.Body)
	defer h.held.Add(-held)
	if fe != nil {
		x.fail(fe)
		return
	}
	m, release, err := h.o.Models.Get(x.r.Context(), x.model)
	if err != nil {
		x.fail(asFault(err))
		return
	}
	defer release()
	if fe := h.one(x.r.Context(), m, req); fe != nil {
		x.failRows(fe, &req.Frame)
		return
	}
	h.metrics.rows(&req.Answers.Stats)
	req.Out = req.Encoder.AppendReply(req.Out[:0], m.Formatter(), &req.Answers)
	x.bytes(http.StatusOK, jsonType, req.Out)
}

// one reads and answers the single row of req.Body.
func (h *Handler) one(ctx context.Context, m *predict.Model, req *predict.Request) *fault.Error {
	ids, fe := req.Decoder.Row(req.Body, m.Schema(), &h.wire, &req.Frame)
	if fe != nil {
		return fe
	}
	if ids != nil {
		var cancel context.CancelFunc
		ctx, cancel = h.deadline(ctx)
		defer cancel()
	}
	if err := h.answer(ctx, m, req, ids); err != nil {
		return asFault(err)
	}
	if faults := req.Frame.Faults; len(faults) > 0 {
		return rowsFault(faults)
	}
	return nil
}

// answer fetches the features of ids, if any, and predicts.
func (h *Handler) answer(ctx context.Context, m *predict.Model, req *predict.Request, ids []string) error {
	if ids != nil {
		if err := h.o.Features.Fill(ctx, ids, m.Schema(), &req.Frame); err != nil {
			return err
		}
	}
	return m.Predict(ctx, req)
}

// rowsFault is the error of a request whose rows are bad. If only the source
// of features failed, trying again may help.
func rowsFault(faults []fault.Error) *fault.Error {
	for i := range faults {
		if faults[i].Code.Outcome() != fault.Retry {
			return fault.New(fault.InvalidRows, "the rows are readable, but not valid")
		}
	}
	return fault.New(fault.Unavailable, "the source of features failed: try again")
}

// batch answers POST /batch-predict.
func (h *Handler) batch(x *exchange) {
	in, fe := mediaOf(x.r.Header)
	if fe != nil {
		x.fail(fe)
		return
	}
	out, ok := accepted(x.r.Header["Accept"])
	if !ok {
		x.fail(fault.New(fault.NotAcceptable, "/batch-predict answers application/json, text/csv or application/x-ndjson"))
		return
	}
	strict, fe := strictness(x.r.URL.RawQuery)
	if fe != nil {
		x.fail(fe)
		return
	}
	req := predict.Get()
	defer req.Release()
	var held int64
	req.Body, held, fe = x.body(req.Body)
	defer h.held.Add(-held)
	if fe != nil {
		x.fail(fe)
		return
	}
	ctx, cancel := h.deadline(x.r.Context())
	defer cancel()
	m, release, err := h.o.Models.Get(ctx, x.model)
	if err != nil {
		x.fail(asFault(err))
		return
	}
	defer release()
	memory := admission{h: h}
	defer memory.release()
	if fe := h.many(ctx, m, req, in, &memory); fe != nil {
		x.fail(fe)
		return
	}
	if strict && len(req.Frame.Faults) > 0 {
		x.failRows(rowsFault(req.Frame.Faults), &req.Frame)
		return
	}
	h.metrics.rows(&req.Answers.Stats)
	x.stream(out, func(w io.Writer) error {
		return req.Encoder.Batch(w, out, m.Formatter(), &req.Frame, &req.Answers)
	}, sizeHint(out, &req.Answers))
}

// many reads and answers the rows of req.Body.
func (h *Handler) many(ctx context.Context, m *predict.Model, req *predict.Request, in wire.Media, a *admission) *fault.Error {
	ids, fe := h.decode(ctx, m, req, in, a)
	if fe != nil {
		return fe
	}
	if err := h.answer(ctx, m, req, ids); err != nil {
		return asFault(err)
	}
	a.shrink(int64(req.Memory()) + workDeflate)
	return nil
}

// deadline ends a request's work in time.
func (h *Handler) deadline(ctx context.Context) (context.Context, context.CancelFunc) {
	if h.o.Timeout <= 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, h.o.Timeout)
}

// sizeHint is about the size of a batch reply, for the question whether to
// compress it.
func sizeHint(m wire.Media, a *frame.Answers) int {
	if m == wire.CSV {
		return perLine * len(a.Index)
	}
	return perRow * len(a.Index)
}

// perRow and perLine are about what an answer takes in JSON and in CSV.
const (
	perRow  = 60
	perLine = 16
)

// Invoke answers a bare JSON payload, as a direct invocation sends it: an
// object is a row and gets the reply of /predict, a list, or an object with
// rows, columns or ids, is a batch and gets the reply of /batch-predict. Its
// error is a *predict.Error.
func (h *Handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	if int64(len(payload)) > h.o.MaxBody {
		return nil, tooLarge(h.o.MaxBody)
	}
	m, release, err := h.o.Models.Get(ctx, "")
	if err != nil {
		return nil, asFault(err)
	}
	defer release()
	req := predict.Get()
	defer req.Release()
	req.Body = append(req.Body[:0], payload...)
	if !wire.IsBatch(req.Body, m.Schema()) {
		if fe := h.one(ctx, m, req); fe != nil {
			return nil, invokeFault(fe, req.Frame.Faults)
		}
		h.metrics.rows(&req.Answers.Stats)
		return req.Encoder.AppendReply(nil, m.Formatter(), &req.Answers), nil
	}
	ctx, cancel := h.deadline(ctx)
	defer cancel()
	memory := admission{h: h}
	defer memory.release()
	if fe := h.many(ctx, m, req, wire.JSON, &memory); fe != nil {
		return nil, fe
	}
	h.metrics.rows(&req.Answers.Stats)
	var out buffer
	if err := req.Encoder.Batch(&out, wire.JSON, m.Formatter(), &req.Frame, &req.Answers); err != nil {
		return nil, asFault(err)
	}
	return out, nil
}

// invokeFault gives a single row's first fault to who invoked directly, since
// there is no body of errors to look into.
func invokeFault(fe *fault.Error, faults []fault.Error) *fault.Error {
	if fe.Code == fault.InvalidRows && len(faults) > 0 {
		first := faults[0]
		return &first
	}
	return fe
}

// buffer is a byte slice that can be written to.
type buffer []byte

func (b *buffer) Write(p []byte) (int, error) {
	*b = append(*b, p...)
	return len(p), nil
}

// strictness reads ?strict=true.
func strictness(query string) (bool, *fault.Error) {
	if query == "" {
		return false, nil
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return false, fault.Wrap(fault.BadParameter, err, "the query cannot be read")
	}
	switch v := values["strict"]; {
	case len(v) == 0, len(v) == 1 && v[0] == "false":
		return false, nil
	case len(v) == 1 && v[0] == "true":
		return true, nil
	}
	return false, fault.New(fault.BadParameter, "strict must be true or false")
}

// mediaOf tells the body's form; a body without a type is taken for JSON.
func mediaOf(h http.Header) (wire.Media, *fault.Error) {
	v := h["Content-Type"]
	if len(v) == 0 || v[0] == "" {
		return wire.JSON, nil
	}
	if m, ok := wire.MediaType(v[0]); ok && len(v) == 1 {
		return m, nil
	}
	return wire.JSON, fault.New(fault.UnsupportedMedia,
		"the content type must be application/json, text/csv or application/x-ndjson, in UTF-8 (with curl: -H 'content-type: application/json')")
}

// minGzip is the reply from which gzip is worth its cost: what fits into one
// packet is not compressed.
const minGzip = 1400

var deflaters = sync.Pool{New: func() any {
	z, _ := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed) // the level is a valid one
	return z
}}

// stream writes a reply that may be large, gzipped where the client takes it.
func (x *exchange) stream(m wire.Media, write func(io.Writer) error, size int) {
	zipped := size >= minGzip && acceptsGzip(x.r.Header["Accept-Encoding"])
	if zipped {
		x.w.Header()["Content-Encoding"] = gzipHeader
	}
	x.begin(http.StatusOK, mediaHeaders[m])
	var err error
	if !zipped {
		err = write(x.w)
	} else {
		z, _ := deflaters.Get().(*gzip.Writer)
		z.Reset(x.w)
		if err = write(z); err == nil {
			err = z.Close()
		}
		deflaters.Put(z)
	}
	if err != nil {
		// The client is gone: nothing can be said to it.
		x.h.o.Log.Debug("reply cut", "request_id", x.id, "error", err)
	}
}
