package lambda

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	jsonv2 "github.com/go-json-experiment/json"
)

// plain is a request as the slow twin reads it: a general JSON reader (strict:
// exact names, none twice, UTF-8) with the event types of aws-lambda-go.
type plain struct {
	method, path, host, ip string
	query                  url.Values
	header                 http.Header
	body                   []byte
}

func plainRequest(k kind, payload []byte) (*plain, error) {
	switch k {
	case rest:
		var e events.APIGatewayProxyRequest
		if err := jsonv2.Unmarshal(payload, &e); err != nil {
			return nil, err
		}
		path, ok := fill(e.Resource, e.PathParameters)
		if !ok {
			path = unescape(e.Path)
			if isFormat1(payload) {
				path = strip(e.Path, e.RequestContext.Stage)
			}
		}
		return finishPlain(&plain{method: e.HTTPMethod, path: path, host: e.RequestContext.DomainName, ip: e.RequestContext.Identity.SourceIP,
			query:  values(e.MultiValueQueryStringParameters, e.QueryStringParameters),
			header: http.Header(values(e.MultiValueHeaders, e.Headers))}, e.Body, e.IsBase64Encoded)
	case alb:
		var e events.ALBTargetGroupRequest
		if err := jsonv2.Unmarshal(payload, &e); err != nil {
			return nil, err
		}
		return finishPlain(&plain{method: e.HTTPMethod, path: unescape(e.Path),
			query:  undecoded(values(e.MultiValueQueryStringParameters, e.QueryStringParameters)),
			header: http.Header(values(e.MultiValueHeaders, e.Headers))}, e.Body, e.IsBase64Encoded)
	}
	var e events.APIGatewayV2HTTPRequest
	if err := jsonv2.Unmarshal(payload, &e); err != nil {
		return nil, err
	}
	path := unescape(e.RawPath)
	if k == http2 {
		path = strip(e.RawPath, e.RequestContext.Stage)
	}
	query, _ := url.ParseQuery(e.RawQueryString)
	p := &plain{method: e.RequestContext.HTTP.Method, path: path, host: e.RequestContext.DomainName, ip: e.RequestContext.HTTP.SourceIP,
		query: query, header: http.Header(values(nil, e.Headers))}
	if len(e.Cookies) > 0 && strings.Join(e.Cookies, "; ") != "" {
		p.header["Cookie"] = append(p.header["Cookie"], strings.Join(e.Cookies, "; "))
	}
	return finishPlain(p, e.Body, e.IsBase64Encoded)
}

func isFormat1(payload []byte) bool {
	var v struct {
		Version string `json:"version"`
	}
	_ = jsonv2.Unmarshal(payload, &v) // unreadable is not 1.0
	return v.Version == "1.0"
}

func finishPlain(p *plain, body string, is64 bool) (*plain, error) {
	p.body = []byte(body)
	if is64 {
		var err error
		if p.body, err = base64.StdEncoding.DecodeString(body); err != nil {
			return nil, err
		}
	}
	canonical := http.Header{}
	for name, list := range p.header {
		key := http.CanonicalHeaderKey(name)
		canonical[key] = append(canonical[key], list...)
	}
	if host := canonical["Host"]; len(host) > 0 {
		p.host = host[0]
		delete(canonical, "Host")
	}
	p.header = canonical
	return p, nil
}

// values merges the two shapes: several values where there are any.
func values(multi map[string][]string, single map[string]string) map[string][]string {
	out := map[string][]string{}
	for name, list := range multi {
		if len(list) > 0 {
			out[name] = list
		}
	}
	if len(out) > 0 {
		return out
	}
	for name, value := range single {
		out[name] = []string{value}
	}
	return out
}

// undecoded is what a query means that was split but not decoded.
func undecoded(raw map[string][]string) url.Values {
	var parts []string
	for name, list := range raw {
		for _, value := range list {
			parts = append(parts, name+"="+value)
		}
	}
	v, _ := url.ParseQuery(strings.Join(parts, "&"))
	return v
}

func unescape(path string) string {
	if p, err := url.PathUnescape(path); err == nil {
		return p
	}
	return path
}

func strip(path, stage string) string {
	if stage == "" {
		return path
	}
	if path == "/"+stage {
		return "/"
	}
	if strings.HasPrefix(path, "/"+stage+"/") {
		return strings.TrimPrefix(path, "/"+stage)
	}
	return path
}

// fill puts the parameters into a resource such as /models/{name}/{rest+}.
func fill(resource string, parameters map[string]string) (string, bool) {
	if !strings.HasPrefix(resource, "/") {
		return "", false
	}
	var out strings.Builder
	for {
		before, after, found := strings.Cut(resource, "{")
		out.WriteString(before)
		if !found {
			return out.String(), true
		}
		name, rest, closed := strings.Cut(after, "}")
		value, known := parameters[strings.TrimSuffix(name, "+")]
		if !closed || !known {
			return "", false
		}
		out.WriteString(value)
		resource = rest
	}
}

func isRequest(k kind) bool { return k == rest || k == http2 || k == funcURL || k == alb }

// checkTwin reads a payload both ways. What the strict reader takes, the fast
// one takes too, with the same result; what the fast one takes is JSON.
func checkTwin(t *testing.T, payload []byte) {
	t.Helper()
	x, _ := exchanges.Get().(*exchange)
	defer x.release()
	k := x.event.read(payload)
	if !isRequest(k) {
		return
	}
	r, err := x.request(context.Background(), k)
	want, slowErr := plainRequest(k, payload)
	if slowErr != nil {
		return
	}
	if err != nil {
		if depth(payload) > maxDepth {
			return
		}
		t.Fatalf("the event is refused: %v\n%s", err, payload)
	}
	if !json.Valid(payload) {
		t.Fatalf("an event is taken that is no JSON: %q", payload)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	if r.Method != want.method || r.URL.Path != want.path || r.Host != want.host || r.RemoteAddr != want.ip {
		t.Errorf("method, path, host, address: got %q %q %q %q, want %q %q %q %q\n%s",
			r.Method, r.URL.Path, r.Host, r.RemoteAddr, want.method, want.path, want.host, want.ip, payload)
	}
	if !bytes.Equal(body, want.body) || r.ContentLength != int64(len(want.body)) {
		t.Errorf("body: got %q (%d), want %q", body, r.ContentLength, want.body)
	}
	query, _ := url.ParseQuery(r.URL.RawQuery)
	if got, want := flat(query), flat(want.query); !slices.Equal(got, want) {
		t.Errorf("query: got %q, want %q\n%s", got, want, payload)
	}
	if got, want := flat(r.Header), flat(want.header); !slices.Equal(got, want) {
		t.Errorf("headers: got %q, want %q\n%s", got, want, payload)
	}
}

// flat lists names and values without an order among them, which the twin's
// maps do not have.
func flat(m map[string][]string) []string {
	var out []string
	for name, list := range m {
		for _, value := range list {
			out = append(out, name+"\x00"+value)
		}
	}
	slices.Sort(out)
	return out
}

const eventDir = "../../testdata/events/aws"

func readEvent(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(eventDir, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// libraryEvents are the payloads that aws-lambda-go tests itself with, read
// from where the module is.
func libraryEvents(t testing.TB) map[string][]byte {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/aws-lambda-go").Output()
	if err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(out)), "events/testdata/*.json"))
	if err != nil || len(names) == 0 {
		t.Fatal(errors.Join(err, errors.New("aws-lambda-go has no test data")))
	}
	all := map[string][]byte{}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimSuffix(filepath.Base(name), ".json")] = data
	}
	return all
}

// TestLibraryEvents runs every payload of aws-lambda-go's own tests: each is
// told apart, and requests are read like the twin reads them.
func TestLibraryEvents(t *testing.T) {
	kinds := map[string]kind{
		"alb-lambda-target-request-headers-only":       alb,
		"alb-lambda-target-request-multivalue-headers": alb,
		"apigw-request":                      rest,
		"apigw-restapi-openapi-request":      rest,
		"apigw-v2-request-iam":               http2,
		"apigw-v2-request-jwt-authorizer":    http2,
		"apigw-v2-request-lambda-authorizer": http2,
		"apigw-v2-request-no-authorizer":     http2,
		"lambda-urls-request":                funcURL,
		"sqs-event":                          records,
		"s3-event":                           records,
		"kinesis-event":                      records,
		"sns-event":                          records,
		"dynamodb-event":                     records,
		"kinesis-time-window-event":          records,
		"dynamodb-time-window-event":         records,
		"s3-lifecycle-event":                 records,
		"s3-event-with-decoded":              records,
		"ses-lambda-event":                   records,
		"codebuild-state-change":             bridge,
		"kafka-event":                        other,
		"activemq-event":                     other,
	}
	all := libraryEvents(t)
	for name, want := range kinds {
		payload, ok := all[name]
		if !ok {
			t.Errorf("aws-lambda-go has no %s any more", name)
			continue
		}
		var e event
		if got := e.read(payload); got != want {
			t.Errorf("%s: kind %d, want %d", name, got, want)
		}
	}
	for _, payload := range all {
		checkTwin(t, payload)
	}
}

// TestEvents does the same for this project's own fixtures.
func TestEvents(t *testing.T) {
	names, err := filepath.Glob(filepath.Join(eventDir, "*.json"))
	if err != nil || len(names) == 0 {
		t.Fatal("no fixtures in ", eventDir)
	}
	for _, name := range names {
		checkTwin(t, readEvent(t, filepath.Base(name)))
	}
}

// TestFixtureMembers holds the fixtures to what aws-lambda-go knows of each
// source: none has a member that the platform does not send.
func TestFixtureMembers(t *testing.T) {
	for file, e := range map[string]any{
		"rest.json": new(events.APIGatewayProxyRequest), "rest-null-maps.json": new(events.APIGatewayProxyRequest),
		"http-api-v2.json": new(events.APIGatewayV2HTTPRequest), "http-api-v2-stage.json": new(events.APIGatewayV2HTTPRequest),
		"http-api-v2-base64.json": new(events.APIGatewayV2HTTPRequest), "function-url.json": new(events.LambdaFunctionURLRequest),
		"alb.json": new(events.ALBTargetGroupRequest), "alb-multi-value.json": new(events.ALBTargetGroupRequest),
	} {
		if err := jsonv2.Unmarshal(readEvent(t, file), e, jsonv2.RejectUnknownMembers(true)); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	odd := []string{"sqs-odd-records.json", "s3-bad-key.json", "eventbridge-scheduled-input.json"} // which are none, or depart on purpose
	for prefix, typed := range map[string]func() any{
		"sqs": func() any { return new(events.SQSEvent) }, "sns": func() any { return new(events.SNSEvent) },
		"s3": func() any { return new(events.S3Event) }, "eventbridge": func() any { return new(events.EventBridgeEvent) },
		"kinesis": func() any { return new(events.KinesisEvent) }, "dynamodb": func() any { return new(events.DynamoDBEvent) },
	} {
		names, err := filepath.Glob(filepath.Join(eventDir, prefix+"*.json"))
		if err != nil || len(names) == 0 {
			t.Fatal("no fixtures of ", prefix)
		}
		for _, name := range names {
			file := filepath.Base(name)
			e := typed()
			if file == "s3-test.json" {
				e = new(events.S3TestEvent)
			}
			err := jsonv2.Unmarshal(readEvent(t, file), e, jsonv2.RejectUnknownMembers(true))
			if err != nil && !slices.Contains(odd, file) {
				t.Errorf("%s: %v", file, err)
			}
		}
	}
}

// oddEvents are requests that differ from the ordinary in one respect.
var oddEvents = []string{
	`{"httpMethod":"GET","path":"/a","requestContext":{"resourceId":null}}`,
	`{"version":"1.0","resource":"$default","path":"/prod/docs","httpMethod":"GET","requestContext":{"resourceId":null,"stage":"prod"}}`,
	`{"version":"1.0","resource":"$default","path":"/prod","httpMethod":"GET","requestContext":{"resourceId":null,"stage":"prod"}}`,
	`{"version":"1.0","resource":"$default","path":"6prod/docs","httpMethod":"GET","requestContext":{"resourceId":null,"stage":"prod"}}`,
	`{"veRsion":"1.0","resource":"$default","path":"/prod","httpMethod":"GET","requestContext":{"resourceId":null,"stage":"prod"}}`,
	`{"version":"1.0","resource":"$default","path":"/production","httpMethod":"GET","requestContext":{"resourceId":null,"stage":"prod"}}`,
	`{"resource":"/models/{name}/predict","path":"/base/models/iris/predict","httpMethod":"POST","pathParameters":{"name":"iris"},"requestContext":{"resourceId":"x"}}`,
	`{"resource":"/{proxy+}","path":"/base/docs","httpMethod":"GET","pathParameters":null,"requestContext":{"resourceId":"x"}}`,
	`{"resource":"/{proxy+","path":"/base/docs","httpMethod":"GET","pathParameters":{"proxy":"docs"},"requestContext":{"resourceId":"x"}}`,
	`{"resource":"/{proxy+}","path":"/base/docs","httpMethod":"GET","pathParameters":{"\u0070roxy":"docs"},"requestContext":{"resourceId":"x"}}`,
	`{"httpMethod":"GET","path":"/a%20b","headers":null,"multiValueHeaders":null,"queryStringParameters":null,"multiValueQueryStringParameters":null,"body":null,"requestContext":{"resourceId":"x"}}`,
	`{"httpMethod":"GET","path":"/a%2","headers":{"a":null,"HOST":"h"},"multiValueHeaders":{},"queryStringParameters":{"a b":"ü&="},"requestContext":{"resourceId":"x"}}`,
	`{"httpMethod":"GET","path":"/","headers":{"x-a":"1"},"multiValueHeaders":{"x-a":["2","3"],"X-A":["4"],"bad name":["5"],"x-none":null},"requestContext":{"resourceId":"x"}}`,
	`{"httpMethod":"GET","path":"/","multiValueQueryStringParameters":{"a":["1","2"],"b":[]},"queryStringParameters":{"a":"2"},"requestContext":{"elb":{}}}`,
	`{"httpMethod":"GET","path":"/a%2Fb","queryStringParameters":{"a%20b":"c+d%26"},"requestContext":{"elb":{}}}`,
	`{"version":"2.0","rawPath":"/prod/predict","rawQueryString":"a=%20&b","cookies":["a=1","b=2"],"requestContext":{"stage":"prod","domainName":"x.execute-api.y","http":{"method":"PUT","sourceIp":"::1"}}}`,
	`{"version":"2.0","rawPath":"/100%","requestContext":{"stage":"$default","http":{"method":"PUT"}}}`,
	`{"version":"2.0","rawPath":"/a%41","requestContext":{"domainName":"x.lambda-url.eu-west-1.on.aws","http":{"method":"PUT"}}}`,
	`{"version":"2.0","rawPath":"/","body":"eyJhIjoxfQ==","isBase64Encoded":true,"requestContext":{"http":{"method":"POST"}}}`,
	`{"version":"2.0","rawPath":"/","body":"\u00fc\ud83d\ude00","isBase64Encoded":false,"requestContext":{"http":{"method":"POST"}}}`,
	`{"version":"2.0","requestContext":{"http":{}}}`,
	`{"version":"2.0","requestContext":{"stage":"","http":{}},"rawPath":"//x"}`,
}

func TestOddEvents(t *testing.T) {
	for _, text := range oddEvents {
		checkTwin(t, []byte(text))
	}
}

func FuzzEvent(f *testing.F) {
	for _, text := range oddEvents {
		f.Add([]byte(text))
	}
	for name, payload := range libraryEvents(f) {
		if strings.HasPrefix(name, "apigw") || strings.HasPrefix(name, "alb") || strings.HasPrefix(name, "lambda-urls") {
			f.Add(payload)
		}
	}
	f.Fuzz(func(t *testing.T, payload []byte) { checkTwin(t, payload) })
}
