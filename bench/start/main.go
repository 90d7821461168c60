// Command start measures how the Lambda functions start: the binaries that are
// deployed, run as processes against a fake Runtime API, in turn with the
// smallest function that aws-lambda-go makes. It prints tables in Markdown.
//
//	go run ./bench/start [-runs 40]
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"example.com/copse/bench/internal/figures"
	"example.com/copse/functions/lambda/runtimetest"
)

// invokes is how often a function is called before its memory is read: enough
// for the collector to have found its size.
const invokes = 1000

const residentLimit = 16e6 // bytes

func main() {
	runs := flag.Int("runs", 40, "starts of each binary")
	flag.Parse()
	if *runs < 1 {
		fmt.Fprintln(os.Stderr, "start: -runs must be at least 1")
		os.Exit(2)
	}
	if err := measure(context.Background(), os.Stdout, *runs); err != nil {
		fmt.Fprintln(os.Stderr, "start:", err)
		os.Exit(1)
	}
}

// binaries are the bootstraps by what they are.
type binaries struct{ bare, predict, events string }

func measure(ctx context.Context, w io.Writer, runs int) error {
	folder, err := os.MkdirTemp("", "copse-start")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	b, err := build(ctx, folder)
	if err != nil {
		return err
	}
	event, err := os.ReadFile(filepath.Join("testdata", "events", "aws", "http-api-v2.json"))
	if err != nil {
		return fmt.Errorf("run this in the repository's root: %w", err)
	}
	var rows []figures.Figure
	for _, step := range []func() ([]figures.Figure, error){
		func() ([]figures.Figure, error) { return starts(ctx, b, runs) },
		func() ([]figures.Figure, error) { return answers(ctx, b, event, runs) },
		func() ([]figures.Figure, error) { return memory(ctx, b, event) },
		func() ([]figures.Figure, error) { return sizes(ctx, folder) },
	} {
		more, err := step()
		if err != nil {
			return err
		}
		rows = append(rows, more...)
	}
	heading := fmt.Sprintf("Start of the Lambda functions (least and median of %d runs in turn; control: the smallest aws-lambda-go function)", runs)
	return figures.Write(w, heading, rows)
}

func build(ctx context.Context, folder string) (b binaries, err error) {
	for _, one := range []struct {
		path *string
		pkg  string
	}{
		{&b.bare, "./functions/lambda/runtimetest/bare"},
		{&b.predict, "./functions/lambda/predict"},
		{&b.events, "./functions/lambda/events"},
	} {
		dir := filepath.Join(folder, filepath.Base(one.pkg))
		if err := os.Mkdir(dir, 0o755); err != nil {
			return b, err
		}
		if *one.path, err = runtimetest.Build(ctx, dir, one.pkg); err != nil {
			return b, err
		}
	}
	return b, nil
}

// starts measures exec → first /next.
func starts(ctx context.Context, b binaries, runs int) ([]figures.Figure, error) {
	times, err := compare(ctx, runs, nil, b.bare, b.predict, b.events)
	if err != nil {
		return nil, err
	}
	next := func(s runtimetest.StartUp) time.Duration { return s.Next }
	return []figures.Figure{
		ratio("`predict`: exec → first /next", times[1], times[0], next, 1.6),
		ratio("`events`: exec → first /next", times[2], times[0], next, 2.4),
	}, nil
}

// answers measures exec → first event answered.
func answers(ctx context.Context, b binaries, event []byte, runs int) ([]figures.Figure, error) {
	times, err := compare(ctx, runs, event, b.bare, b.predict)
	if err != nil {
		return nil, err
	}
	answer := func(s runtimetest.StartUp) time.Duration { return s.Answer }
	return []figures.Figure{ratio("`predict`: exec → first prediction answered (API Gateway)", times[1], times[0], answer, 2.2)}, nil
}

// compare is runtimetest.Compare after one start of each that is not counted:
// it brings the binaries into the page cache.
func compare(ctx context.Context, runs int, event []byte, paths ...string) ([][]runtimetest.StartUp, error) {
	if _, err := runtimetest.Compare(ctx, 1, event, paths); err != nil {
		return nil, err
	}
	return runtimetest.Compare(ctx, runs, event, paths)
}

// ratio compares the least times; the medians stand beside them.
func ratio(what string, ours, control []runtimetest.StartUp, of func(runtimetest.StartUp) time.Duration, limit float64) figures.Figure {
	least, middle := spread(ours, of)
	controlLeast, controlMiddle := spread(control, of)
	f := figures.Figure{What: what,
		Value:   fmt.Sprintf("%.2f ms (median %.2f)", ms(least), ms(middle)),
		Control: fmt.Sprintf("%.2f ms (median %.2f)", ms(controlLeast), ms(controlMiddle))}
	return figures.AtMost(f, ms(least)/ms(controlLeast), limit)
}

func spread(runs []runtimetest.StartUp, of func(runtimetest.StartUp) time.Duration) (least, middle time.Duration) {
	var times []time.Duration
	for _, s := range runs {
		times = append(times, of(s))
	}
	return slices.Min(times), figures.Median(times)
}

func ms(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }

// memory reads the resident memory after many calls.
func memory(ctx context.Context, b binaries, event []byte) ([]figures.Figure, error) {
	bytes, err := resident(ctx, b.predict, event)
	if err != nil {
		return nil, err
	}
	control, err := resident(ctx, b.bare, event)
	if err != nil {
		return nil, err
	}
	return []figures.Figure{{
		What:  fmt.Sprintf("`predict`: resident memory after %d invokes", invokes),
		Value: mb(bytes), Control: mb(control), Target: mb(residentLimit), Met: bytes <= residentLimit,
	}}, nil
}

func resident(ctx context.Context, binary string, event []byte) (int64, error) {
	p, err := runtimetest.Start(binary)
	if err != nil {
		return 0, err
	}
	defer p.Close()
	for range invokes {
		reply, err := p.Invoke(ctx, event)
		if err != nil {
			return 0, err
		}
		if reply.Error != nil {
			return 0, reply.Error
		}
		if err := answered(reply.Body); err != nil {
			return 0, err
		}
	}
	return p.RSS()
}

// answered makes sure that what is measured is an answer: the control's text,
// or a reply to the gateway with status 200.
func answered(reply []byte) error {
	var envelope struct {
		StatusCode int `json:"statusCode"`
	}
	if bytes.Equal(reply, []byte(`"ok"`)) {
		return nil
	}
	if err := json.Unmarshal(reply, &envelope); err != nil {
		return fmt.Errorf("not a reply to the gateway: %w", err)
	}
	if envelope.StatusCode != 200 {
		return fmt.Errorf("answered %d, not 200", envelope.StatusCode)
	}
	return nil
}

// sizes packs the functions as `make zip` does.
func sizes(ctx context.Context, folder string) (rows []figures.Figure, err error) {
	dist := filepath.Join(folder, "dist")
	command := exec.CommandContext(ctx, "make", "--no-print-directory", "zip", "DIST="+dist)
	if out, err := command.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("make zip: %w\n%s", err, out)
	}
	for _, function := range []struct {
		name  string
		limit int64
	}{{"predict", 5e6}, {"events", 7e6}} {
		for _, arch := range []string{"arm64", "amd64"} {
			info, err := os.Stat(filepath.Join(dist, function.name+"-"+arch+".zip"))
			if err != nil {
				return nil, errors.Join(errors.New("make zip left no archive"), err)
			}
			rows = append(rows, figures.Figure{
				What: fmt.Sprintf("`%s`: zip for %s", function.name, arch), Value: mb(info.Size()),
				Target: mb(function.limit), Met: info.Size() <= function.limit,
			})
		}
	}
	return rows, nil
}

func mb(bytes int64) string { return fmt.Sprintf("%.1f MB", float64(bytes)/1e6) }
