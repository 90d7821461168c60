package awsenv

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

func TestRegion(t *testing.T) {
	for _, c := range []struct{ region, fallback, want string }{
		{"eu-west-1", "us-east-1", "eu-west-1"}, {"", "us-east-1", "us-east-1"}, {"", "", ""},
	} {
		t.Setenv("AWS_REGION", c.region)
		t.Setenv("AWS_DEFAULT_REGION", c.fallback)
		if got := Region(); got != c.want {
			t.Errorf("%q, %q: got %q, want %q", c.region, c.fallback, got, c.want)
		}
	}
}

func TestEndpoint(t *testing.T) {
	for _, c := range []struct{ own, all, want string }{
		{"http://a", "http://b", "http://a"}, {"", "http://b", "http://b"}, {"", "", ""},
	} {
		t.Setenv("AWS_ENDPOINT_URL_S3", c.own)
		t.Setenv("AWS_ENDPOINT_URL", c.all)
		if got := aws.ToString(Endpoint("S3")); got != c.want {
			t.Errorf("%q, %q: got %q, want %q", c.own, c.all, got, c.want)
		}
	}
}

func TestCredentials(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "example")
	t.Setenv("AWS_SESSION_TOKEN", "token")
	c, err := Credentials().Retrieve(t.Context())
	if err != nil || c.AccessKeyID != "AKIAEXAMPLE" || c.SecretAccessKey != "example" || c.SessionToken != "token" {
		t.Errorf("got %+v, %v", c, err)
	}
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	if _, err := Credentials().Retrieve(t.Context()); err == nil || !strings.Contains(err.Error(), "no credentials") {
		t.Errorf("without a secret: got %v", err)
	}
}

// TestWait: a wait ends with its context, and is bounded however often an
// attempt failed.
func TestWait(t *testing.T) {
	if err := Wait(t.Context(), 1); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	begin := time.Now()
	for failed := range Attempts {
		if err := Wait(ctx, failed+1); err == nil && time.Since(begin) > Attempts*maxBackoff {
			t.Errorf("after %d failures: waited for the whole time", failed+1)
		}
	}
	if firstBackoff<<Attempts <= 0 {
		t.Error("the growth of waits overflows")
	}
}
