package faulttest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
)

// Cloud is S3, SQS, EventBridge and a callback in memory, as far as results
// and objects go, and what was asked of them, in order.
type Cloud struct {
	defect Defect

	mu       sync.Mutex
	buckets  map[string]map[string]*Object
	etags    map[string]string // of objects of the bucket in, there or gone
	uploads  map[string]*upload
	queues   map[string]*queue
	events   []string // details
	posted   []posted
	count    int // of uploads
	calls    int
	faults   map[int]Kind // by number of the call
	down     string       // a sink of which every call fails, for good
	steps    []string
	late     map[int][]*call // results that count as written, by sandbox (AcksFirst)
	breakage map[Kind]int    // faults that have happened
}

// posted is a request to the callback.
type posted struct {
	body, key string
	dead      bool
}

func newCloud(faults map[int]Kind, defect Defect) *Cloud {
	return &Cloud{
		defect: defect, faults: faults, breakage: map[Kind]int{},
		buckets: map[string]map[string]*Object{"in": {}, "results": {}, "dead": {}},
		etags:   map[string]string{},
		late:    map[int][]*call{},
		uploads: map[string]*upload{},
		queues: map[string]*queue{
			"results": {}, "results.fifo": {fifo: true, ids: map[string]string{}, disordered: defect == LosesOrder},
			"dead": {}, "dead.fifo": {fifo: true, ids: map[string]string{}},
		},
	}
}

// note adds a step to the story that a failing schedule tells.
func (c *Cloud) note(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.steps = append(c.steps, fmt.Sprintf(format, args...))
}

// call is one request of the function.
type call struct {
	from int // the sandbox
	r    *http.Request
	body []byte
	op   string // "PutObject"
	on   string // "results": the bucket, queue or other place
	what string // for people
}

func readCall(r *http.Request) (*call, error) {
	body, err := io.ReadAll(r.Body)
	c := &call{r: r, body: body}
	target := r.Header.Get("X-Amz-Target")
	switch {
	case strings.HasPrefix(r.URL.Path, "/callback/"):
		c.op, c.on = "POST", "callback"
		c.what = r.Header.Get("Idempotency-Key")
	case target == "AmazonSQS.SendMessage":
		var in struct {
			QueueURL               string `json:"QueueUrl"`
			MessageDeduplicationID string `json:"MessageDeduplicationId"`
		}
		if e := json.Unmarshal(body, &in); err == nil {
			err = e
		}
		c.op, c.on, c.what = "SendMessage", in.QueueURL[strings.LastIndexByte(in.QueueURL, '/')+1:], in.MessageDeduplicationID
	case target == "AWSEvents.PutEvents":
		c.op, c.on = "PutEvents", "events"
	default:
		c.op = storeOp(r)
		c.on, c.what, _ = strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		if span := r.Header.Get("Range"); span != "" {
			c.what += " " + span
		}
	}
	return c, err
}

// arrive counts a call, and says what happens to it.
func (c *Cloud) arrive(x *call) Kind {
	c.mu.Lock()
	defer c.mu.Unlock()
	kind := c.faults[c.calls]
	if kind == None && c.down != "" && x.on == c.down {
		kind = Error500
	}
	story := ""
	if kind != None {
		c.breakage[kind]++
		story = ": " + kind.String()
	}
	c.steps = append(c.steps, fmt.Sprintf("  call %d of sandbox %d: %s %s %s%s", c.calls, x.from, x.op, x.on, x.what, story))
	c.calls++
	return kind
}

// pending says whether a fault that takes an invocation's whole time is still to
// come.
func (c *Cloud) pending() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.down != "" {
		return true
	}
	for at, kind := range c.faults {
		if at >= c.calls && kind.hangs() {
			return true
		}
	}
	return false
}

// serve does what a call asks for.
func (c *Cloud) serve(w http.ResponseWriter, x *call) {
	if c.spoil(w, x) {
		c.do(w, x)
	}
}

func (c *Cloud) do(w http.ResponseWriter, x *call) {
	switch x.op {
	case "POST":
		c.mu.Lock()
		c.posted = append(c.posted, posted{string(x.body), x.r.Header.Get("Idempotency-Key"), strings.HasSuffix(x.r.URL.Path, "/dead")})
		c.mu.Unlock()
	case "SendMessage":
		c.sendMessage(w, x.body)
	case "PutEvents":
		c.putEvents(w, x.body)
	default:
		c.serveStore(w, x.r, x.body)
	}
}

// putEvents is EventBridge's API of that name.
func (c *Cloud) putEvents(w http.ResponseWriter, body []byte) {
	var in struct {
		Entries []struct{ Detail, DetailType, Source, EventBusName string }
	}
	if err := json.Unmarshal(body, &in); err != nil || len(in.Entries) == 0 || len(in.Entries) > 10 {
		sqsFailure(w, http.StatusBadRequest, "ValidationException")
		return
	}
	type entry struct {
		EventID string `json:"EventId"`
	}
	var out struct {
		FailedEntryCount int
		Entries          []entry
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range in.Entries {
		c.events = append(c.events, e.Detail)
		out.Entries = append(out.Entries, entry{fmt.Sprintf("event-%d", len(c.events))})
	}
	data, err := json.Marshal(out)
	if err != nil {
		panic(err) // of the types above only
	}
	_, _ = w.Write(data) // who hung up has no use for it
}

// front is what one sandbox calls: the cloud, behind the faults.
func (c *Cloud) front(s *sandbox) *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x, err := readCall(r)
		if err != nil {
			reset(w) // its process was killed meanwhile
			return
		}
		x.from = s.number
		c.settle(s.number)
		kind := c.arrive(x)
		if kind.after() {
			answer := httptest.NewRecorder()
			c.serve(answer, x)
			kind.act(w, x, s, answer)
			return
		}
		if kind == None {
			c.serve(w, x)
			return
		}
		kind.act(w, x, s, nil)
	}))
}
