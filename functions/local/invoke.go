package local

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"reflect"
	"strings"

	"github.com/spf13/cobra"

	"example.com/copse/functions/gcf"
	"example.com/copse/functions/internal/setup"
	"example.com/copse/functions/lambda"
	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/ingest/objectscore"
)

// maxEvent is the largest event that is read: the clouds' own limits are 6 MB
// and 32 MB.
const maxEvent = 32 << 20

type invokeFlags struct {
	event       string
	objects     string // folder that stands in for the buckets
	lambda, gcf bool
	json        bool
	function    string // "predict", "events", or "" for both
}

func newInvoke() *cobra.Command {
	var flags invokeFlags
	var models []string
	c := &cobra.Command{
		Use:   "invoke --event FILE [--lambda|--gcf]",
		Short: "Run the real Lambda or Google adapter on one event and print its reply",
		Long: `invoke gives one event to the very adapter that runs in the cloud and prints
what the platform would get back. Without --lambda or --gcf the adapter is told
by the event's shape: a CloudEvent, a push of Pub/Sub, or the text of an HTTP
request goes to Google's, everything else to Lambda's. A bare row whose model
has a feature called subscription, or one called message that holds an object,
looks like such a push: give --lambda for it.

There are two functions, as in the cloud. Without --function the event chooses:
requests and bare rows or batches go to the one for requests, events (messages,
streams, objects, batches of a map) and pointers to objects to the one for
events. --function predict or --function events takes that one whatever the
event is: a bare row is then answered by the sink too, as an asynchronous
invocation or a task is, and an event of the wrong kind is refused as in the
cloud. On Google Cloud they are the entry points Predict and OnEvent.

The settings are read from the environment (COPSE_…). Results of events go to
the log, on standard error: nothing is sent anywhere. COPSE_SINK and
COPSE_DEAD_LETTER are checked, and not called.

With --objects DIR a folder stands in for the buckets of both clouds: the object
s3://BUCKET/KEY or gs://BUCKET/KEY is the file DIR/BUCKET/KEY, whatever version
the event names. Results then go to DIR/results/, or, where COPSE_SINK is a
bucket, below its name in DIR. What is there already stays as it is; which files
were written, and which stayed, is said at the end.

The exit status is 1 when the adapter answered with an error.`,
		Example: `  copse invoke --event apigateway-v2.json
  copse invoke --event s3-notification.json --objects ./buckets
  copse invoke --event pubsub-push.json --gcf
  copse invoke --event row.json --lambda --function events
  echo '{"sepal_length":5.1,"sepal_width":3.5,"petal_length":1.4,"petal_width":0.2}' | copse invoke --event - --lambda`,
		Args: exactly(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error { return runInvoke(c, flags, models) },
	}
	c.Flags().StringVar(&flags.event, "event", "", "file with the event, or - for standard input (required)")
	c.Flags().StringVar(&flags.objects, "objects", "", "folder that stands in for buckets: objects are DIR/BUCKET/KEY, and so are results")
	c.Flags().BoolVar(&flags.lambda, "lambda", false, "run the adapter of AWS Lambda")
	c.Flags().BoolVar(&flags.gcf, "gcf", false, "run the adapter of Google Cloud Functions")
	c.Flags().StringVar(&flags.function, "function", "", "function that answers: predict (requests) or events (default: the one that the event belongs to)")
	c.Flags().BoolVar(&flags.json, "json", false, "print Google's reply as one JSON object with status, header and body")
	c.Flags().StringArrayVar(&models, "model", nil, "model as [NAME=]PATH; may be given several times (default: the settings' models)")
	c.MarkFlagsMutuallyExclusive("lambda", "gcf")
	_ = c.MarkFlagRequired("event") // fails for a flag that is not there
	return c
}

func runInvoke(c *cobra.Command, flags invokeFlags, models []string) error {
	if f := c.Flags().Lookup("function"); f.Changed && flags.function != "predict" && flags.function != "events" {
		return fmt.Errorf("--function must be predict or events, not %q", fault.Quote([]byte(flags.function)))
	}
	event, err := readEvent(flags.event, c.InOrStdin())
	if err != nil {
		return err
	}
	settings, err := readSettings(c, os.Environ(), len(models) > 0)
	if err != nil {
		return err
	}
	options := setup.Options{Config: settings, Version: buildVersion().Version, Score: objectscore.Score}
	written, err := standIn(&options, flags.objects, c.ErrOrStderr())
	if err != nil {
		return err
	}
	defer written.tell(c.ErrOrStderr())
	sources, err := modelSources(models, settings)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewJSONHandler(c.ErrOrStderr(), nil))
	options.Log, options.Models = log, sources
	app, err := setup.New(c.Context(), options)
	if err != nil {
		return err
	}
	if flags.gcf || !flags.lambda && googleShape(event) {
		target := map[string]string{"predict": gcf.TargetPredict, "events": gcf.TargetOnEvent}[flags.function]
		return invokeGCF(c.Context(), gcf.New(app), event, target, flags.json, c.OutOrStdout())
	}
	answerers := lambda.Options{Log: log}
	if flags.function != "events" {
		answerers.API = app.HTTP
	}
	if flags.function != "predict" {
		answerers.Records = app.Ingest
	}
	return invokeLambda(c.Context(), lambda.New(answerers), event, c.OutOrStdout())
}

func readEvent(path string, stdin io.Reader) ([]byte, error) {
	if path != stdio {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		stdin = f
	}
	event, err := io.ReadAll(io.LimitReader(stdin, maxEvent+1))
	switch {
	case err != nil:
		return nil, err
	case len(event) > maxEvent:
		return nil, fmt.Errorf("the event is larger than %d MB, more than any platform delivers", maxEvent>>20)
	case len(bytes.TrimSpace(event)) == 0:
		return nil, errors.New("the event is empty")
	}
	return event, nil
}

// googleShape says whether an event is one that Google sends: the text of a
// request, a CloudEvent, or a push of Pub/Sub.
func googleShape(event []byte) bool {
	if line, _, _ := bytes.Cut(event, []byte("\n")); bytes.Contains(line, []byte(" HTTP/1.")) {
		return true
	}
	var shape struct {
		SpecVersion  string          `json:"specversion"`
		Message      json.RawMessage `json:"message"`
		Subscription string          `json:"subscription"`
	}
	if json.Unmarshal(event, &shape) != nil {
		return false
	}
	return shape.SpecVersion != "" || shape.Subscription != "" || bytes.HasPrefix(shape.Message, []byte("{"))
}

// invokeLambda prints the reply, or the error as the Runtime API would be told.
func invokeLambda(ctx context.Context, f *lambda.Function, event []byte, out io.Writer) error {
	reply, err := f.Invoke(ctx, event)
	if err != nil {
		name := reflect.TypeOf(err)
		if name.Kind() == reflect.Pointer {
			name = name.Elem()
		}
		return errors.Join(writeJSON(out, map[string]string{"errorType": name.Name(), "errorMessage": err.Error()}), errFailed)
	}
	if _, err := out.Write(append(bytes.TrimRight(reply, "\n"), '\n')); err != nil {
		return err
	}
	var envelope struct {
		StatusCode        int               `json:"statusCode"`
		BatchItemFailures []json.RawMessage `json:"batchItemFailures"`
	}
	if json.Unmarshal(reply, &envelope) == nil && (envelope.StatusCode >= http.StatusBadRequest || len(envelope.BatchItemFailures) > 0) {
		return errFailed
	}
	return nil
}

// invokeGCF prints the reply as HTTP would carry it.
func invokeGCF(ctx context.Context, f *gcf.Function, event []byte, target string, asJSON bool, out io.Writer) error {
	reply, err := f.InvokeAs(ctx, event, target)
	if err != nil {
		return err
	}
	if asJSON {
		err = writeJSON(out, map[string]any{"status": reply.Status, "header": reply.Header, "body": string(reply.Body)})
	} else {
		err = writeReply(out, reply)
	}
	if err == nil && reply.Status >= http.StatusBadRequest {
		err = errFailed
	}
	return err
}

func writeReply(out io.Writer, reply *gcf.Reply) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\n", reply.Status, http.StatusText(reply.Status))
	var header strings.Builder
	if err := reply.Header.Write(&header); err != nil {
		return err
	}
	b.WriteString(strings.ReplaceAll(header.String(), "\r\n", "\n"))
	b.WriteByte('\n')
	if b.Write(reply.Body); len(reply.Body) > 0 && !bytes.HasSuffix(reply.Body, []byte("\n")) {
		b.WriteByte('\n')
	}
	_, err := out.Write(b.Bytes())
	return err
}
