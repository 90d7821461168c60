package templatetest

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"example.com/copse/functions/local"
)

// TestMap executes the machine as deployed on one engine, with the function as
// deployed behind it.
func TestMap(t *testing.T) {
	t.Parallel()
	c := begin(t)
	c.put("/lake", "")
	c.put("/out", "")
	c.request(http.MethodPut, "s3", "/lake?versioning", []byte("<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"))
	f := startBootstrap(t, c, mapParameters)
	l := &lake{c, f, make(map[string]string)}
	c.run("prefix", func(t *testing.T) { prefix(t, l) })
	c.run("manifests", func(t *testing.T) { manifests(t, l) })
	c.run("failures", func(t *testing.T) { failures(t, c) })
}

// lake is the bucket of objects to be scored, and what is in it.
type lake struct {
	*cloud
	f       *bootstrap
	content map[string]string // by key, or by key@version
}

// escaped is a key as the path of a request has it.
func escaped(key string) string {
	return strings.ReplaceAll((&url.URL{Path: key}).EscapedPath(), "+", "%2B")
}

func (l *lake) add(t *testing.T, key, text string) (version string) {
	t.Helper()
	_, header := l.exchange(http.MethodPut, "s3", "/lake/"+escaped(key), []byte(text))
	version = header.Get("X-Amz-Version-Id")
	l.content[key], l.content[key+"@"+version] = text, text
	return version
}

// rows are n rows of iris, each 50th of them bad.
func rows(n int, form string) string {
	var b strings.Builder
	if form != "jsonl" {
		b.WriteString("sepal_length,sepal_width,petal_length,petal_width\n")
	}
	for i := range n {
		width := 2 + float64(i%23)/10
		if i%50 == 49 {
			width = 35
		}
		line := "%.1f,%.1f,%.1f,%.1f\n"
		if form == "jsonl" {
			line = `{"sepal_length":%.1f,"sepal_width":%.1f,"petal_length":%.1f,"petal_width":%.1f}` + "\n"
		}
		fmt.Fprintf(&b, line, 4.5+float64(i%31)/10, width, 1+float64(i%59)/10, 0.1+float64(i%24)/10)
	}
	return b.String()
}

// stored is a gzip file of about the size of what is in it.
func stored(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.NoCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// score is what copse score writes of a file.
func score(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), filepath.Base(name))
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, log bytes.Buffer
	if status := local.Main([]string{"score", "--format", "jsonl", path}, strings.NewReader(""), &out, &log); status > 1 {
		t.Fatalf("copse score %s: status %d: %s", name, status, &log)
	}
	return out.String()
}

// list returns the keys of a bucket that begin with a prefix.
func (c *cloud) list(bucket, prefix string) (keys []string) {
	c.t.Helper()
	var page struct {
		IsTruncated bool
		Contents    []struct{ Key string }
	}
	text := c.request(http.MethodGet, "s3", "/"+bucket+"?list-type=2&prefix="+url.QueryEscape(prefix), nil)
	if err := xml.Unmarshal(text, &page); err != nil || page.IsTruncated {
		c.t.Fatalf("%v in %s", err, text)
	}
	for _, o := range page.Contents {
		keys = append(keys, o.Key)
	}
	return keys
}

func (c *cloud) get(bucket, key string) string {
	c.t.Helper()
	return string(c.request(http.MethodGet, "s3", "/"+bucket+"/"+escaped(key), nil))
}

// reportOf is the report of an execution, which is its output, the cause of its
// failure, and in the bucket.
func (l *lake) reportOf(t *testing.T, e execution) report {
	t.Helper()
	text := e.Output
	if e.Error == "SomeFailed" {
		text = e.Cause
	}
	var got, kept report
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatalf("%v in %+v", err, e)
	}
	if err := json.Unmarshal([]byte(l.get("out", "reports/run/report.json")), &kept); err != nil || !reflect.DeepEqual(got, kept) {
		t.Errorf("report.json: %v: got %+v, want %+v", err, kept, got)
	}
	if got.Execution != "run" || !strings.HasPrefix(got.Lines, "s3://out/reports/run/") {
		t.Errorf("got %+v", got)
	}
	return got
}

// numbered is the row's number, which within a range begins with 0.
var numbered = regexp.MustCompile(`(?m)^\{"row":\d+,`)

// holds checks that the results of some objects are what copse score writes,
// each written once, and that nothing else was written. It returns how many
// rows there are, and how many bad ones.
func (l *lake) holds(t *testing.T, want []string) (rows, bad int) {
	t.Helper()
	byObject, written := make(map[string][]scored), make(map[string]bool)
	for _, s := range l.f.scored {
		if s.Error != nil || s.Result == "" {
			continue
		}
		name := strings.TrimPrefix(s.Object, "s3://lake/")
		if old := l.content[name+"@"+s.Version]; old != "" && old != l.content[name] {
			name += "@" + s.Version
		}
		if !written[s.Result] {
			byObject[name] = append(byObject[name], s)
		}
		written[s.Result] = true
		if n := l.f.written[strings.TrimPrefix(s.Result, "s3:/")]; n != 1 {
			t.Errorf("%s was written %d times, want once", s.Result, n)
		}
	}
	if len(l.f.written) != len(written) {
		t.Errorf("%d results were written, want %d: %v", len(l.f.written), len(written), l.f.written)
	}
	for _, name := range want {
		parts := byObject[name]
		delete(byObject, name)
		slices.SortFunc(parts, func(a, b scored) int { return int(a.From - b.From) })
		var got strings.Builder
		for _, part := range parts {
			got.WriteString(l.get("out", strings.TrimPrefix(part.Result, "s3://out/")))
		}
		key, _, _ := strings.Cut(name, "@")
		given, wanted := got.String(), score(t, key, l.content[name])
		rows += strings.Count(wanted, "\n")
		bad += strings.Count(wanted, `,"error":{`)
		if len(parts) != 1 {
			given, wanted = numbered.ReplaceAllString(given, "{"), numbered.ReplaceAllString(wanted, "{")
		}
		if given != wanted {
			t.Errorf("%s: the %d bytes of its %d results are not the %d of copse score", name, len(given), len(parts), len(wanted))
		}
	}
	if len(byObject) > 0 {
		t.Errorf("results of others: %q", slices.Sorted(maps.Keys(byObject)))
	}
	return rows, bad
}

// asked is what each call was given, sorted.
func (l *lake) asked() (all []string) {
	for _, one := range l.calls {
		var parts []string
		for _, i := range one.Items {
			part := strings.TrimPrefix(i.Object, "s3://lake/in/")
			if i.From != nil {
				part = fmt.Sprint(part, " ", *i.From, "-")
			}
			if i.To != nil {
				part = fmt.Sprint(part, *i.To)
			}
			parts = append(parts, part)
		}
		all = append(all, strings.Join(parts, ", "))
	}
	slices.Sort(all)
	return all
}

// prefix scores all objects below one: small ones together, large ones by
// ranges. One object can never be scored, two results are refused at first, and
// the function dies of a third.
func prefix(t *testing.T, l *lake) {
	const mebibyte = 1 << 20
	large, lines := rows(mebibyte*9/4/16, "csv"), rows(mebibyte*5/4/80, "jsonl")
	for name, text := range map[string]string{
		"a.csv": rows(7, "csv"), "b c+d%.csv": rows(60, "csv"), "deep/": "", "e.jsonl": rows(100, "jsonl"),
		"f.csv": rows(1, "csv"), "g.csv": rows(55, "csv"), "h.csv": rows(3, "csv"),
		"bad.csv":   strings.Replace(rows(2, "csv"), "petal_width", "colour", 1),
		"large.csv": large, "large.csv.gz": stored(t, large[:mebibyte+mebibyte/8]), "large.jsonl": lines,
	} {
		l.add(t, "in/"+name, text)
	}
	l.put("/lake/elsewhere/z.csv", rows(1, "csv"))
	l.answer = l.f.answer
	l.f.faults = []gateFault{
		{regexp.MustCompile(`/in/f\.csv@`), forbid},
		{regexp.MustCompile(`/in/large\.csv@.*@1048576-2097152`), forbid},
		{regexp.MustCompile(`/in/large\.jsonl@.*@0-1048576`), kill},
	}
	definition := machine(t, mapParameters)
	e := l.execute(definition, `{}`)
	if e.Status != "FAILED" || e.Error != "SomeFailed" {
		t.Fatalf("got %+v\n%s", e, l.f.Log())
	}
	want := []string{
		"a.csv, b c+d%.csv, bad.csv",
		"e.jsonl, f.csv, g.csv, h.csv", "e.jsonl, f.csv, g.csv, h.csv",
		"large.csv 0-1048576", "large.csv 1048576-2097152", "large.csv 1048576-2097152", "large.csv 2097152-",
		"large.csv.gz",
		"large.jsonl 0-1048576", "large.jsonl 0-1048576", "large.jsonl 1048576-",
	}
	if got := l.asked(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	all, bad := l.holds(t, []string{"in/a.csv", "in/b c+d%.csv", "in/e.jsonl", "in/f.csv", "in/g.csv", "in/h.csv",
		"in/large.csv", "in/large.csv.gz", "in/large.jsonl"})
	if got, want := l.reportOf(t, e).counts(), (report{Objects: 11, Parts: 13, Failed: 1, Rows: all, BadRows: bad}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	var told strings.Builder
	for _, key := range l.list("out", "reports/run/") {
		if strings.HasSuffix(key, ".jsonl") {
			told.WriteString(l.get("out", key))
		}
	}
	if text := told.String(); strings.Count(text, `"code"`) != 1 || !strings.Contains(text, "s3://lake/in/bad.csv") || !strings.Contains(text, "unknown_field") {
		t.Errorf("the lines do not name the object that failed, or others: %s", text)
	}
	again(t, l, definition)
}

// again: a second execution, over some of the objects, counts the same and
// writes nothing.
func again(t *testing.T, l *lake, definition []byte) {
	l.calls = nil
	l.f.forget()
	e := l.execute(definition, `{"prefix":"in/e"}`)
	if got := l.asked(); e.Status != "SUCCEEDED" || !slices.Equal(got, []string{"e.jsonl"}) || len(l.f.written) != 0 {
		t.Fatalf("got %q, wrote %v, %+v\n%s", got, l.f.written, e, l.f.Log())
	}
	if got, want := l.reportOf(t, e).counts(), (report{Objects: 1, Parts: 1, Rows: 100, BadRows: 2}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// manifests: objects named by lists of each form, by version and by size. One
// is no longer what the list says, and one is gone.
func manifests(t *testing.T, l *lake) {
	l.answer = l.f.answer
	for form, manifest := range map[string]string{
		"CSV": "Bucket,Key,Size,VersionId,ETag\nlake,in/CSV/a.csv,10,VERSION,\nlake,in/CSV/b.csv,SIZE,,\nlake,in/CSV/c.csv,,,\n" +
			"lake,in/CSV/d.csv,10,,0123\nlake,in/CSV/gone.csv,10,,\n",
		"JSON": `[{"Key":"in/JSON/a.csv","Size":10,"VersionId":"VERSION"},{"object":"s3://lake/in/JSON/b.csv","size":SIZE},
			{"Key":"in/JSON/c.csv"},{"Key":"in/JSON/d.csv","ETag":"\"0123\""},{"Key":"in/JSON/gone.csv","Size":10}]`,
		"JSONL": `{"Key":"in/JSONL/a.csv","Size":"10","VersionId":"VERSION"}` + "\n" + `{"Key":"in/JSONL/b.csv","Size":SIZE}` + "\n" +
			`{"Key":"in/JSONL/c.csv"}` + "\n" + `{"Key":"in/JSONL/d.csv","ETag":"0123"}` + "\n" + `{"Key":"in/JSONL/gone.csv"}` + "\n",
	} {
		l.run(form, func(t *testing.T) {
			folder := "in/" + form + "/"
			version := l.add(t, folder+"a.csv", rows(11, "csv"))
			l.add(t, folder+"a.csv", rows(12, "csv"))
			large := rows(1<<20*9/8/16, "csv")
			l.add(t, folder+"b.csv", large)
			l.add(t, folder+"c.csv", rows(13, "csv"))
			l.add(t, folder+"d.csv", rows(14, "csv"))
			l.put("/lake/lists/today", strings.NewReplacer("VERSION", version, "SIZE", fmt.Sprint(len(large))).Replace(manifest))
			l.calls = nil
			l.f.forget()
			e := l.execute(machine(t, with(mapParameters, "Input", form, "ObjectsPerBatch", "5")), `{"manifest":"lists/today"}`)
			if e.Error != "SomeFailed" {
				t.Fatalf("got %+v\n%s", e, l.f.Log())
			}
			var failed []string
			for _, s := range l.f.scored {
				if s.Error != nil {
					failed = append(failed, s.Error.Code)
				}
			}
			slices.Sort(failed)
			if !slices.Equal(failed, []string{"object_changed", "object_not_found"}) {
				t.Errorf("failed for %q", failed)
			}
			all, bad := l.holds(t, []string{folder + "a.csv@" + version, folder + "b.csv", folder + "c.csv"})
			if got, want := l.reportOf(t, e).counts(), (report{Objects: 5, Parts: 6, Failed: 2, Rows: all, BadRows: bad}); !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}
