package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/options/jobopts"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/runners"
	"github.com/aws/aws-sdk-go-v2/config"
)

// Runners of this command, by Beam's names. Beam itself ends the process in
// silence where it does not know one. Those with a job server are told where it
// is by --endpoint.
var (
	jobServers = []string{"flink", "FlinkRunner", "spark", "SparkRunner", "universal", "portable", "PortableRunner"}
	others     = []string{"prism", "PrismRunner", "dataflow", "DataflowRunner", "direct", "DirectRunner", "dot"}
)

// dialTime is how long a job server may take to be reached; Beam would wait for
// two minutes, and say nothing meanwhile.
const dialTime = 10 * time.Second

// preflight refuses, before anything is done, what Beam would find out late or
// tell in words that help nobody.
func preflight(ctx context.Context, o *own, patterns []string) error {
	if len(patterns) == 0 {
		return errors.New("which files? (see copse-beam --help)")
	}
	for _, p := range patterns {
		if strings.HasPrefix(p, "-") {
			return fmt.Errorf("%s stands behind a file: put all flags before the files (a file of that name is ./%s)", p, p)
		}
	}
	if o.write.Out == "" {
		return errors.New("--out: the folder of the results is missing")
	}
	if o.write.Range == 0 { // which the package takes for its default
		return errors.New("range: must be at least 64 bytes")
	}
	if *runners.Runner == "" || *runners.Runner == "local" {
		*runners.Runner = "prism"
	}
	if err := hasRegion(ctx, append(slices.Clone(patterns), o.model, o.write.Out)); err != nil {
		return err
	}
	return reachable(ctx, *runners.Runner)
}

// hasRegion: the client of S3 has no default region.
func hasRegion(ctx context.Context, names []string) error {
	at := slices.IndexFunc(names, func(name string) bool { return strings.HasPrefix(name, "s3://") })
	if at < 0 {
		return nil
	}
	c, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return fmt.Errorf("%s: AWS's settings cannot be read: %w", names[at], err)
	}
	if c.Region == "" {
		return fmt.Errorf("%s: the region is not known: set AWS_REGION to the bucket's, here and for the workers", names[at])
	}
	return nil
}

// reachable: there is such a runner, it has a worker's binary, and its job
// server answers.
func reachable(ctx context.Context, runner string) error {
	served := slices.Contains(jobServers, runner)
	if !served && !slices.Contains(others, runner) {
		return fmt.Errorf("--runner: there is no %q: there are prism (the default), dataflow, flink, spark and universal", runner)
	}
	endpoint := *jobopts.Endpoint
	if served && endpoint == "" {
		return fmt.Errorf("--endpoint: where is the job server of %s? (HOST:PORT, such as localhost:8099)", runner)
	}
	dataflow := strings.EqualFold(strings.TrimSuffix(runner, "Runner"), "dataflow")
	if (served || dataflow || endpoint != "") && !jobopts.IsLoopback() {
		if err := worker(); err != nil {
			return err
		}
	}
	if _, _, err := net.SplitHostPort(endpoint); dataflow || err != nil {
		return nil // none, or an address of another kind, which is gRPC's to read
	}
	ctx, stop := context.WithTimeout(ctx, dialTime)
	defer stop()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", endpoint)
	if err != nil {
		return fmt.Errorf("--endpoint: the job server cannot be reached: %w", err)
	}
	return conn.Close()
}

// worker has this binary be the worker's where it can be. Beam would compile
// it, from sources that it looks for where this binary was built.
func worker() error {
	if *jobopts.WorkerBinary != "" {
		if _, err := os.Stat(*jobopts.WorkerBinary); err != nil {
			return fmt.Errorf("--worker_binary: %w", err)
		}
		return nil
	}
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		return errors.New("--worker_binary: name a copse-beam for the workers: GOOS=linux GOARCH=amd64 make beam builds it")
	}
	self, err := os.Executable()
	*jobopts.WorkerBinary = self
	return err
}
