package gcf

import (
	"bytes"
	"compress/gzip"
	"io"
	"mime"
	"net/http"
	"strings"

	"example.com/copse/pkg/ingest"
)

// Headers of a task's request (cloud.google.com/tasks/docs/creating-http-target-tasks,
// "Handler"); short names both, without project and place. A client cannot set
// them in a task. Those that count the tries are left out of the result, which
// is to be the same at each.
const (
	headerQueue = "X-Cloudtasks-Queuename"
	headerTask  = "X-Cloudtasks-Taskname"
)

// kindTask stands for a task, which comes without a CloudEvent.
const kindTask = "google.cloud.tasks"

// decodeTask reads a task of Cloud Tasks: its body is a record.
func decodeTask(h http.Header, body []byte, limit int64) event {
	r := ingest.Record{Source: ingest.Source{Kind: "cloudtasks"}, Body: body}
	if task := h.Get(headerTask); task != "" {
		r.Source.MessageID = h.Get(headerQueue) + "/" + task
	}
	r.ContentType = h.Get("Content-Type")
	if media, _, err := mime.ParseMediaType(r.ContentType); err == nil && media == "application/octet-stream" {
		// What gcloud and several clients send for a body of which nothing is said.
		r.ContentType = ""
	}
	switch strings.ToLower(h.Get("Content-Encoding")) {
	case "", "identity":
	case "gzip":
		plain, why := inflate(body, limit)
		if why != "" {
			r.Unreadable, r.Why = true, why
			break
		}
		r.Body = plain
	default:
		r.Unreadable, r.Why = true, "the task's content encoding is not gzip"
	}
	return event{kind: kindTask, record: r}
}

// inflate undoes gzip, or says why it does not.
func inflate(zipped []byte, limit int64) (plain []byte, why string) {
	z, err := gzip.NewReader(bytes.NewReader(zipped))
	if err != nil {
		return nil, "the task's body is not gzip, as its content encoding says"
	}
	plain, err = io.ReadAll(io.LimitReader(z, limit+1))
	switch {
	case err != nil:
		return nil, "the task's gzip is broken off or damaged"
	case int64(len(plain)) > limit:
		return nil, "the task's body inflates to more than COPSE_MAX_BODY"
	}
	return plain, ""
}
