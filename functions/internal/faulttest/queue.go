package faulttest

import (
	"crypto/md5" //nolint:gosec // SQS's digests are of MD5
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// Sent is a message that a queue has taken.
type Sent struct {
	ID, Body, Group, Dedup string
	Key                    string // the attribute copse_id
}

// queue is a queue of SQS that results are sent to: SendMessage, in the JSON
// protocol. A FIFO queue takes one message of a deduplication id; its window of
// five minutes is longer than any schedule.
type queue struct {
	fifo bool
	got  []Sent
	ids  map[string]string // message ids, by deduplication id
	// disordered lets each message pass the one before it (LosesOrder).
	disordered bool
}

// maxMessage is SQS's limit of a message, in bytes.
const maxMessage = 1 << 20

// identifier is what a group and a deduplication id may be: letters, digits
// and punctuation of ASCII.
var identifier = regexp.MustCompile("^[!-~]{1,128}$")

func sqsFailure(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	if code == "QueueDoesNotExist" { // what it was called in the older protocol
		w.Header().Set("X-Amzn-Query-Error", "AWS.SimpleQueueService.NonExistentQueue;Sender")
	}
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"__type":"com.amazonaws.sqs#%s","message":"%s"}`, code, code)
}

func (c *Cloud) sendMessage(w http.ResponseWriter, body []byte) {
	var in struct {
		QueueURL          string `json:"QueueUrl"`
		MessageBody       string
		GroupID           *string `json:"MessageGroupId"`
		DedupID           *string `json:"MessageDeduplicationId"`
		MessageAttributes map[string]struct{ StringValue string }
	}
	if err := json.Unmarshal(body, &in); err != nil {
		sqsFailure(w, http.StatusBadRequest, "SerializationException")
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	q := c.queues[in.QueueURL[strings.LastIndexByte(in.QueueURL, '/')+1:]]
	switch {
	case q == nil:
		sqsFailure(w, http.StatusBadRequest, "QueueDoesNotExist")
		return
	case in.MessageBody == "" || len(in.MessageBody) > maxMessage:
		sqsFailure(w, http.StatusBadRequest, "InvalidParameterValue")
		return
	case q.fifo && (in.GroupID == nil || in.DedupID == nil):
		sqsFailure(w, http.StatusBadRequest, "MissingParameter")
		return
	case in.DedupID != nil && (!q.fifo || !identifier.MatchString(*in.DedupID)),
		in.GroupID != nil && !identifier.MatchString(*in.GroupID):
		sqsFailure(w, http.StatusBadRequest, "InvalidParameterValue")
		return
	}
	sum := md5.Sum([]byte(in.MessageBody)) //nolint:gosec // as above
	m := Sent{Body: in.MessageBody, Key: in.MessageAttributes["copse_id"].StringValue}
	fmt.Fprintf(w, `{"MessageId":%q,"MD5OfMessageBody":%q}`, q.take(m, in.GroupID, in.DedupID), hex.EncodeToString(sum[:]))
}

// take keeps a message, unless one of its deduplication id is there.
func (q *queue) take(m Sent, group, dedup *string) (id string) {
	m.ID = fmt.Sprintf("m-%d", len(q.got))
	if group != nil {
		m.Group = *group
	}
	if q.fifo {
		m.Dedup = *dedup
		if id, ok := q.ids[m.Dedup]; ok {
			return id
		}
		q.ids[m.Dedup] = m.ID
	}
	if n := len(q.got); q.disordered && n > 0 {
		q.got = slices.Insert(q.got, n-1, m)
		return m.ID
	}
	q.got = append(q.got, m)
	return m.ID
}
