package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// startMoto starts moto's server (functions/lambda/testdata/requirements.txt),
// and has AWS's SDKs speak with it.
func startMoto(t *testing.T) {
	t.Helper()
	server := filepath.Join("..", "..", "..", ".venv", "moto", "bin", "moto_server")
	if _, err := os.Stat(server); errors.Is(err, fs.ErrNotExist) && os.Getenv("CI") == "" {
		t.Skipf("no %s: install functions/lambda/testdata/requirements.txt there", server)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	host, port, _ := net.SplitHostPort(address)
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(server, "-H", host, "-p", port)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": "http://" + address, "AWS_REGION": "us-east-1",
		"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x",
	} {
		t.Setenv(name, value)
	}
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	for {
		if up, err := new(net.Dialer).DialContext(ctx, "tcp", address); err == nil {
			_ = up.Close()
			return
		}
		select {
		case <-ctx.Done():
			t.Fatal("moto did not start")
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// TestBuckets is from S3 to S3, in ranges, with a name that is no URL.
func TestBuckets(t *testing.T) {
	startMoto(t)
	ctx := t.Context()
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		t.Fatal(err)
	}
	client := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	if _, err := client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("rows")}); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	names := []string{"50% b+ü.csv", "a.csv"}
	for i, name := range names {
		text := rows(400+i, i == 0)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String("rows"), Key: aws.String("in/" + name), Body: strings.NewReader(text)}); err != nil {
			t.Fatal(err)
		}
	}
	r := start(t, dir, command, "--out", "s3://rows/out", "--format", "jsonl", "--range", "2000", "s3://rows/in/*.csv")
	if r.status != failed {
		t.Fatalf("got status %d: %s", r.status, r.errs)
	}
	list, err := client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String("rows"), Prefix: aws.String("out/")})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range list.Contents {
		got = append(got, aws.ToString(o.Key))
	}
	if want := []string{"out/50% b+ü.csv.jsonl", "out/a.csv.jsonl"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for _, name := range names {
		o, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("rows"), Key: aws.String("out/" + name + ".jsonl")})
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(o.Body)
		_ = o.Body.Close()
		if want := start(t, dir, copse, "score", "--format", "jsonl", name).out; err != nil || string(text) != want {
			t.Errorf("%s is not what copse score writes: %v", name, err)
		}
	}
	// Nothing was written, so nothing stays.
	r = start(t, dir, command, "--out", "s3://none/out", names[1])
	if r.status != wrong || !strings.Contains(r.errs, "s3://none/out/a.csv.csv cannot be written") || strings.Contains(r.errs, "stay") {
		t.Errorf("got status %d: %s", r.status, r.errs)
	}
}
