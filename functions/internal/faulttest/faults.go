package faulttest

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
)

// Kind is a way in which a call fails.
type Kind int

// The kinds. The first ones happen before the call has an effect, the others
// after it: the call succeeded, and the function is not told.
const (
	None       Kind = iota
	Error500        // the service has an internal error
	SlowDown        // it asks to slow down: 503, or how the service says it
	Conflict        // another conditional write is under way: 409
	Reset           // the connection is cut
	Hang            // no answer, ever
	Kill            // the process is killed (SIGKILL)
	LostReset       // the connection is cut
	LostError       // the answer is an internal error
	LostHang        // no answer
	LostCut         // the answer breaks off in the middle
	KilledDone      // the process is killed
	numKinds
)

var kindNames = [numKinds]string{"", "error 500", "slow down", "conflict", "reset", "hangs", "killed before",
	"done, then reset", "done, then error 500", "done, then hangs", "done, answer cut", "done, then killed"}

func (k Kind) String() string { return kindNames[k] }
func (k Kind) after() bool    { return k >= LostReset }
func (k Kind) hangs() bool    { return k == Hang || k == LostHang }

// act answers a call in the way of its kind; answer is what it would have got.
func (k Kind) act(w http.ResponseWriter, x *call, s *sandbox, answer *httptest.ResponseRecorder) {
	switch k {
	case Error500, LostError:
		refuse(w, x, http.StatusInternalServerError, "InternalError")
	case SlowDown:
		slowDown(w, x)
	case Conflict:
		if x.r.Header.Get("If-None-Match") == "" {
			refuse(w, x, http.StatusInternalServerError, "InternalError")
			return
		}
		refuse(w, x, http.StatusConflict, "ConditionalRequestConflict")
	case Hang, LostHang:
		<-x.r.Context().Done()
		reset(w)
	case LostCut:
		if answer.Body.Len() == 0 {
			reset(w)
			return
		}
		cut(w, answer)
	case Kill, KilledDone:
		s.kill()
		reset(w)
	default:
		reset(w)
	}
}

func slowDown(w http.ResponseWriter, x *call) {
	switch x.op {
	case "SendMessage":
		sqsFailure(w, http.StatusBadRequest, "ThrottlingException")
	case "PutEvents": // which has taken none of one
		fmt.Fprint(w, `{"FailedEntryCount":1,"Entries":[{"ErrorCode":"ThrottlingException","ErrorMessage":"slow down"}]}`)
	case "POST":
		w.Header().Set("Retry-After", "1")
		refuse(w, x, http.StatusTooManyRequests, "")
	default:
		refuse(w, x, http.StatusServiceUnavailable, "SlowDown")
	}
}

// refuse is an error in the way of the service that is called.
func refuse(w http.ResponseWriter, x *call, status int, code string) {
	switch {
	case x.op == "SendMessage" || x.op == "PutEvents":
		sqsFailure(w, status, code)
	case x.op == "POST" || x.r.Method == http.MethodHead:
		w.WriteHeader(status)
	default:
		w.Header().Set("Content-Type", "application/xml")
		if x.op != "CompleteMultipartUpload" || status != http.StatusInternalServerError {
			w.WriteHeader(status)
		} // else 200, as S3 may say before it knows (API_CompleteMultipartUpload)
		writeXML(w, failure(status, code))
	}
}

// reset cuts the connection without a farewell.
func reset(w http.ResponseWriter) {
	conn := hijack(w)
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // else it is closed politely, which is as good
	}
	_ = conn.Close()
}

func hijack(w http.ResponseWriter) net.Conn {
	h, ok := w.(http.Hijacker)
	if !ok {
		panic("the server's answers cannot be hijacked")
	}
	conn, _, err := h.Hijack()
	if err != nil {
		panic(err)
	}
	return conn
}

// cut sends half of an answer.
func cut(w http.ResponseWriter, answer *httptest.ResponseRecorder) {
	conn := hijack(w)
	defer conn.Close()
	body := answer.Body.Bytes()
	answer.Header().Set("Content-Length", strconv.Itoa(len(body)))
	fmt.Fprintf(conn, "HTTP/1.1 %d X\r\n", answer.Code)
	_ = answer.Header().Write(conn) // it may be gone, as below
	fmt.Fprintf(conn, "\r\n%s", body[:len(body)/2])
}
