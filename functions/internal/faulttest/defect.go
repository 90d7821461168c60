package faulttest

import (
	"bytes"
	"crypto/md5" //nolint:gosec // SQS's digests are of MD5
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
)

// Defect breaks what the promise rests on, as a function would that is written
// wrongly, so that the test can show that it would notice.
type Defect int

// The defects.
const (
	NoDefect     Defect = iota
	Overwrites          // objects are written without a condition
	FreshIDs            // each message has a deduplication id of its own
	DropsLetters        // dead letters count as written, and are not
	LosesOrder          // messages of a group arrive in another order
	AcksAll             // every event is acknowledged whole, whatever failed
	AcksFirst           // a result counts as written before it is
)

// spoil commits the cloud's defect on a call, and says whether it is still to
// be done.
func (c *Cloud) spoil(w http.ResponseWriter, x *call) (do bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	letter := strings.HasPrefix(x.on, "dead")
	writes := x.op == "PutObject" || x.op == "SendMessage"
	switch {
	case c.defect == Overwrites:
		x.r.Header.Del("If-None-Match")
	case c.defect == FreshIDs && x.op == "SendMessage":
		x.body = bytes.Replace(x.body, []byte(`"MessageDeduplicationId":"`), fmt.Appendf(nil, `"MessageDeduplicationId":"%d-`, c.calls), 1)
	case c.defect == DropsLetters && letter && writes:
		pretend(w, x)
		return false
	case c.defect == AcksFirst && !letter && writes:
		c.late[x.from] = append(c.late[x.from], x)
		pretend(w, x)
		return false
	}
	return true
}

// pretend answers a write as if it had been done.
func pretend(w http.ResponseWriter, x *call) {
	if x.op == "PutObject" {
		w.Header().Set("ETag", etag(x.body))
		return
	}
	var in struct{ MessageBody string }
	_ = json.Unmarshal(x.body, &in)        // an empty body has the wrong digest, which is an error too
	sum := md5.Sum([]byte(in.MessageBody)) //nolint:gosec // as above
	fmt.Fprintf(w, `{"MessageId":"m","MD5OfMessageBody":%q}`, hex.EncodeToString(sum[:]))
}

// settle does what a sandbox was told before that it was done.
func (c *Cloud) settle(from int) {
	c.mu.Lock()
	late := c.late[from]
	delete(c.late, from)
	c.mu.Unlock()
	for _, x := range late {
		c.do(httptest.NewRecorder(), x)
	}
}

// forget is the end of a sandbox's process, with what it had still to do.
func (c *Cloud) forget(from int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.late, from)
}
