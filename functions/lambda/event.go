package lambda

import "bytes"

// kind is which of the platform's events a payload is.
type kind uint8

const (
	direct  kind = iota // none of the others: a bare payload
	rest                // API Gateway REST, or an HTTP API with payload format 1.0
	http2               // API Gateway HTTP API, payload format 2.0
	funcURL             // Function URL, whose payload is that of http2
	alb                 // Application Load Balancer
	records             // a list of records: SQS, streams, S3, SNS
	bridge              // an event of EventBridge
	items               // a batch of a Distributed Map
	test                // S3's test of a notification
	other               // an event of a service that is not read
)

// event holds the raw values of an event's members: parts of the payload, nil
// where absent. Only what a request needs is looked at.
type event struct {
	version, method, path, resource     []byte
	rawPath, rawQuery, cookies          []byte
	headers, multiHeaders               []byte
	queryMap, multiQuery                []byte
	pathParameters                      []byte
	body, isBase64                      []byte
	items, notice, eventSource          []byte // of events that are no requests
	bridge                              bridgeEvent
	context                             []byte
	elb, stage, domain                  []byte // requestContext.…
	contextHTTP, identity               []byte
	contextMethod, sourceIP             []byte // requestContext.http.… or .identity.…
	hasResourceID, hasContext, readable bool
	hasRecords                          bool
	delivery                            delivery // of its records
}

// reset forgets the last event, but for the memory of its records.
func (e *event) reset() {
	e.delivery.reset()
	*e = event{delivery: e.delivery}
}

// plainName returns the text of a member's name.
func plainName(name []byte) []byte {
	if bytes.IndexByte(name, '\\') >= 0 {
		return appendText(nil, name)
	}
	return name[1 : len(name)-1]
}

// read fills e from a payload and tells its kind. Members of another type than
// the platform's are found later, by whoever needs them; a payload that cannot
// be read to its end is direct, and its reader says what is wrong.
func (e *event) read(payload []byte) kind {
	e.reset()
	i := skipSpace(payload, 0)
	if i >= len(payload) || payload[i] != '{' {
		return direct
	}
	end := walkObjectAt(payload, i, func(name []byte, at int) int {
		if at < len(payload) && payload[at] == '[' && string(plainName(name)) == "Records" {
			// Read in the pass that finds its end: it is all but a few bytes.
			e.hasRecords = true
			return e.delivery.read(payload, at)
		}
		end := skipValue(payload, at, maxDepth-1)
		if end >= 0 {
			e.member(name, payload[at:end])
		}
		return end
	})
	e.readable = end >= 0 && skipSpace(payload, end) == len(payload)
	if e.hasContext = len(e.context) > 0 && e.context[0] == '{'; e.hasContext {
		walkObject(e.context, e.contextMember)
	}
	k := e.kind()
	switch k {
	case http2, funcURL:
		walkObject(e.contextHTTP, e.httpMember)
	case rest:
		walkObject(e.identity, e.httpMember) // false where it is null
	}
	return k
}

// kind tells the sources apart: contracts of API Gateway's two payload
// formats, of Function URLs (the format 2.0 with a domain of their own) and of
// target groups of a load balancer.
func (e *event) kind() kind {
	switch {
	case e.hasContext && isText(e.method) && len(e.elb) > 0 && e.elb[0] == '{':
		return alb
	case e.hasContext && isText(e.method) && e.hasResourceID:
		return rest
	case len(e.contextHTTP) > 0 && e.contextHTTP[0] == '{' && string(e.version) == `"2.0"`:
		if bytes.Contains(e.domain, []byte(".lambda-url.")) {
			return funcURL
		}
		return http2
	case !e.readable:
		return direct
	}
	return e.eventKind()
}

// eventKind tells apart what is no request.
func (e *event) eventKind() kind {
	switch {
	case e.hasRecords:
		return records
	case len(e.items) > 0 && e.items[0] == '[':
		return items
	case string(e.notice) == testEvent:
		return test
	case e.bridge.is():
		return bridge
	case bytes.HasPrefix(e.eventSource, []byte(`"aws:`)), string(e.eventSource) == `"SelfManagedKafka"`:
		return other // Kafka, MQ: their records are of another form
	}
	return direct
}

func (e *event) member(name, value []byte) {
	switch string(plainName(name)) {
	case "version":
		e.version = value
	case "httpMethod":
		e.method = value
	case "path":
		e.path = value
	case "resource":
		e.resource = value
	case "rawPath":
		e.rawPath = value
	case "rawQueryString":
		e.rawQuery = value
	case "cookies":
		e.cookies = value
	case "headers":
		e.headers = value
	case "multiValueHeaders":
		e.multiHeaders = value
	case "queryStringParameters":
		e.queryMap = value
	case "multiValueQueryStringParameters":
		e.multiQuery = value
	case "pathParameters":
		e.pathParameters = value
	case "body":
		e.body = value
	case "isBase64Encoded":
		e.isBase64 = value
	case "requestContext":
		e.context = value
	default:
		e.eventMember(name, value)
	}
}

// eventMember is member for events that are no requests.
func (e *event) eventMember(name, value []byte) {
	switch string(plainName(name)) {
	case "Records":
		e.hasRecords = false // the last of equal names counts
	case "Items":
		e.items = value
	case "Event":
		e.notice = value
	case "eventSource":
		e.eventSource = value
	default:
		e.bridge.member(name, value)
	}
}

func (e *event) contextMember(name, value []byte) {
	switch string(plainName(name)) {
	case "resourceId":
		e.hasResourceID = true // HTTP APIs with format 1.0 send null
	case "elb":
		e.elb = value
	case "stage":
		e.stage = value
	case "domainName":
		e.domain = value
	case "http":
		e.contextHTTP = value
	case "identity":
		e.identity = value
	}
}

func (e *event) httpMember(name, value []byte) {
	switch string(plainName(name)) {
	case "method":
		e.contextMethod = value
	case "sourceIp":
		e.sourceIP = value
	}
}
