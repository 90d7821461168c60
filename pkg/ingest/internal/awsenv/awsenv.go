// Package awsenv is what the drivers of AWS share: region, credentials and
// endpoints from the environment, and the bounds of calls and retries.
//
// Question: aws-sdk-go-v2/config, or the environment alone? Choice: the
// environment. Lambda hands region and credentials over in variables, and the
// package that would also look into profiles, single sign-on and instance
// metadata adds 2.1 MB to the binary. What would change it: a function whose
// credentials come another way.
package awsenv

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

const (
	// Attempts of a call and maxBackoff bound the SDK's retries (exponential, with
	// full jitter): some ten seconds at most, and never beyond the event's deadline.
	Attempts       = 8
	maxBackoff     = 2 * time.Second
	firstBackoff   = 50 * time.Millisecond
	connectTimeout = 5 * time.Second
)

// CallTimeout bounds one attempt of a usual call, so that one which hangs is
// tried again; a part of 8 MiB takes less than a second in a cloud's network.
const CallTimeout = 30 * time.Second

// ErrNoRegion says that the environment names no region.
var ErrNoRegion = errors.New("no region: Lambda sets AWS_REGION, elsewhere export it")

// Region is the function's own, or "".
func Region() string {
	if region := os.Getenv("AWS_REGION"); region != "" {
		return region
	}
	return os.Getenv("AWS_DEFAULT_REGION")
}

// Endpoint is where a service ("S3", "SQS", …) is, if not at its own address:
// nil, or what the SDKs' own variables say.
func Endpoint(service string) *string {
	for _, name := range []string{"AWS_ENDPOINT_URL_" + service, "AWS_ENDPOINT_URL"} {
		if endpoint := os.Getenv(name); endpoint != "" {
			return &endpoint
		}
	}
	return nil
}

// Credentials returns those of the function's role.
func Credentials() aws.CredentialsProvider { return aws.CredentialsProviderFunc(credentials) }

func credentials(context.Context) (aws.Credentials, error) {
	c := aws.Credentials{
		AccessKeyID:     os.Getenv("AWS_ACCESS_KEY_ID"),
		SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
		SessionToken:    os.Getenv("AWS_SESSION_TOKEN"),
		Source:          "environment",
	}
	if !c.HasKeys() {
		return c, errors.New("no credentials: Lambda sets AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, elsewhere export them")
	}
	return c, nil
}

// Retryer tries again what may pass: besides what the SDK takes for such, the
// error codes given.
func Retryer(codes ...string) aws.Retryer {
	more := retry.RetryableErrorCode{Codes: map[string]struct{}{}}
	for _, code := range codes {
		more.Codes[code] = struct{}{}
	}
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts, o.MaxBackoff = Attempts, maxBackoff
		o.Retryables = append(o.Retryables, more)
	})
}

// Client makes calls, each attempt bounded in time, or, with a timeout of 0,
// bounded by its context only.
func Client(timeout time.Duration) aws.HTTPClient {
	return awshttp.NewBuildableClient().WithTimeout(timeout).WithDialerOptions(func(d *net.Dialer) { d.Timeout = connectTimeout })
}

// Wait waits before the next attempt, for a random time that grows with those
// that failed (from 1), or for the end of ctx.
func Wait(ctx context.Context, failed int) error {
	timer := time.NewTimer(rand.N(min(maxBackoff, firstBackoff<<failed)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
