package pagetest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// post asks the server what the page should show.
func post(t *testing.T, address, contentType, accept, body string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("Accept", accept)
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err != nil || reply.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s: %s (%v)", address, reply.Status, text, err)
	}
	return string(text)
}

// bars are the shown probabilities: label → what a screen reader is told.
const bars = `Object.fromEntries([...document.querySelectorAll('#bars [role=meter]')].map(m => [m.ariaLabel, Number(m.ariaValueNow)]))`

func TestForm(t *testing.T) {
	address := serve(t)
	x := open(t, address+"/docs")
	if got := x.text("title"); got != eval[string](x, "JSON.parse(document.getElementById('data').textContent).models[0].title") {
		t.Errorf("the title is %q", got)
	}
	for name, want := range map[string]string{"sepal_length": "5.1", "sepal_width": "3.5", "petal_length": "1.4", "petal_width": "0.2"} {
		if got := x.value(name); got != want {
			t.Errorf("%s is prefilled with %q, want the example %q", name, got, want)
		}
	}

	x.click("predict")
	x.until("document.getElementById('bars')")
	same := func(row string) {
		t.Helper()
		var want struct {
			Prediction    string
			Probabilities map[string]float64
		}
		if err := json.Unmarshal([]byte(post(t, address+"/predict", "application/json", "application/json", row)), &want); err != nil {
			t.Fatal(err)
		}
		shares, err := json.Marshal(want.Probabilities)
		if err != nil {
			t.Fatal(err)
		}
		x.until(fmt.Sprintf("Object.entries(%s).every(([label, p]) => %s[label] === p)", shares, bars))
		if got := eval[string](x, "document.querySelector('.said').innerText"); got != want.Prediction {
			t.Errorf("the answer is %q, want %q", got, want.Prediction)
		}
		if said := x.text("said"); !strings.Contains(said, want.Prediction) {
			t.Errorf("a screen reader is told %q, want the prediction %q in it", said, want.Prediction)
		}
	}
	same(`{"sepal_length":5.1,"sepal_width":3.5,"petal_length":1.4,"petal_width":0.2}`)
	x.shoot("light")

	// Slid by hand, the answer follows.
	x.do(chromedp.Focus(chromedp.CSS("[data-for=f2]")))
	x.press(strings.Repeat(kb.ArrowRight, 36))
	slid := x.value("petal_length")
	if slid == "1.4" || slid == "" {
		t.Fatalf("sliding left petal_length at %q", slid)
	}
	x.until("document.querySelector('.said').innerText !== 'setosa'")
	same(`{"sepal_length":5.1,"sepal_width":3.5,"petal_length":` + slid + `,"petal_width":0.2}`)

	// Typed, the slider follows.
	x.enter("petal_length", "6")
	if got := eval[string](x, "document.querySelector('[data-for=f2]').value"); got != "6" {
		t.Errorf("the slider is at %s, want 6", got)
	}
	same(`{"sepal_length":5.1,"sepal_width":3.5,"petal_length":6,"petal_width":0.2}`)

	x.click("reset")
	same(`{"sepal_length":5.1,"sepal_width":3.5,"petal_length":1.4,"petal_width":0.2}`)
}

func TestErrorsStandAtTheirFields(t *testing.T) {
	x := open(t, serve(t)+"/docs")
	x.enter("sepal_width", "51")
	x.enter("petal_width", "")
	x.click("predict")
	x.until("document.querySelector('[aria-invalid]')")
	for name, want := range map[string]string{
		"sepal_length": "", "sepal_width": "sepal_width must be at most", "petal_length": "", "petal_width": "petal_width is required",
	} {
		if got := x.wrong(name); !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("at %s stands %q, want %q", name, got, want)
		}
	}
	if got := eval[string](x, "document.activeElement.name"); got != "sepal_width" {
		t.Errorf("the focus is at %q, want the first wrong field", got)
	}
	if said := x.text("said"); !strings.HasPrefix(said, "2 values are not valid") {
		t.Errorf("a screen reader is told %q", said)
	}
	x.shoot("error")

	// Text that is no number stops before the server.
	x.enter("sepal_width", "1e")
	x.click("predict")
	x.until("document.querySelector('#said').innerText.includes('must be a number')")
	x.enter("sepal_width", "3.5")
	x.enter("petal_width", "0.2")
	x.until("!document.querySelector('[aria-invalid]') && document.getElementById('bars')")
}

// batch is a CSV of n rows, of which row bad has a length in millimetres.
func batch(n, bad int) string {
	var b strings.Builder
	b.WriteString("sepal_length,sepal_width,petal_length,petal_width\r\n")
	for i := range n {
		if i == bad {
			b.WriteString("51,35,14,2\r\n")
			continue
		}
		fmt.Fprintf(&b, "%.1f,3,%.1f,\"%.1f\"\r\n", 5+float64(i%3), 1.5+float64(i%5), 0.2+float64(i%3)/2)
	}
	return b.String()
}

func writeFile(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestManyRows(t *testing.T) {
	address := serve(t)
	x := open(t, address+"/docs")
	x.click("predict")
	x.until("document.getElementById('bars')")
	rows := batch(120, 7)
	x.drop("drop", writeFile(t, "flowers.csv", rows))
	x.until("!document.getElementById('results').hidden")
	if got := x.text("summary"); !strings.HasPrefix(got, "120 rows in ") || !strings.HasSuffix(got, "1 with an error") {
		t.Errorf("the summary is %q", got)
	}
	if got := eval[int](x, "document.querySelectorAll('#table tbody tr').length"); got != 100 {
		t.Errorf("the table has %d rows, want the first 100", got)
	}
	if got := eval[[]string](x, "[...document.querySelectorAll('tr.failed')].map(r => r.innerText)"); len(got) != 1 || !strings.Contains(got[0], "sepal_length must be at most") {
		t.Errorf("rows with errors: %q", got)
	}
	x.shoot("csv")

	// The download is the file with the server's own answers beside it.
	x.click("download")
	name, got := x.downloaded()
	if name != "flowers-predictions.csv" {
		t.Errorf("the download is called %q", name)
	}
	answers := strings.Split(post(t, address+"/batch-predict", "text/csv", "text/csv", rows), "\n")
	lines := strings.Split(strings.NewReplacer("\r", "", `"`, "").Replace(rows), "\n")
	var want strings.Builder
	for i := range 121 {
		want.WriteString(lines[i] + "," + answers[i] + "\n")
	}
	if got != want.String() {
		t.Errorf("the download differs:\ngot  %.300q\nwant %.300q", got, want.String())
	}

	x.click("template")
	if name, got := x.downloaded(); name != "iris.csv" || got != "sepal_length,sepal_width,petal_length,petal_width\n5.1,3.5,1.4,0.2\n" {
		t.Errorf("the template %q is %q", name, got)
	}
}

func TestOtherFiles(t *testing.T) {
	x := open(t, serve(t)+"/docs")
	choose := func(name, content string) {
		x.do(chromedp.SetUploadFiles(chromedp.ID("file"), []string{writeFile(t, name, content)}))
	}
	for _, tt := range []struct{ name, content, shown, id string }{
		{"rows.jsonl", `{"sepal_length":5.1,"sepal_width":3.5,"petal_length":1.4,"petal_width":0.2}` + "\n", "1 row in", "summary"},
		{"short.csv", "petal_length,petal_width\n1,2\n", "1 with an error", "summary"},
		{"quote.csv", "sepal_length\n\"5\n", "The body cannot be read", "trouble"},
		{"column.csv", "sepal_lenght\n5\n", "sepal_length", "trouble"},
		{"empty.csv", "", "The body is empty", "trouble"},
	} {
		choose(tt.name, tt.content)
		x.until(fmt.Sprintf("document.getElementById(%q).innerText.includes(%q)", tt.id, tt.shown))
	}
	if !eval[bool](x, "document.getElementById('results').hidden") {
		t.Error("the table of an earlier file stands beside the error of a later one")
	}
}

// TestSnippetsRun executes what the page offers to copy.
func TestSnippetsRun(t *testing.T) {
	x := open(t, serve(t)+"/docs")
	x.enter("petal_length", "5.25")
	for _, tt := range []struct {
		tab  string
		want string // in the text
		run  func(code string) *exec.Cmd
	}{
		{"curl", `"petal_length": 5.25`, func(code string) *exec.Cmd { return program(t, "sh", "-c", code) }},
		{"python", `"petal_length": 5.25,`, func(code string) *exec.Cmd {
			return exec.Command(installed(t, "schemathesis/bin/python"), "-c", code)
		}},
		{"javascript", `"petal_length": 5.25,`, func(code string) *exec.Cmd {
			return program(t, "node", "--input-type=module", "-e", code+"\nconsole.log(prediction)")
		}},
	} {
		x.click("tab-" + tt.tab)
		code := x.text("code")
		if !strings.Contains(code, tt.want) {
			t.Errorf("the code of %s lacks %s:\n%s", tt.tab, tt.want, code)
		}
		command := tt.run(code)
		if command == nil {
			t.Logf("the code of %s is not run: its program is not installed", tt.tab)
			continue
		}
		if out, err := command.CombinedOutput(); err != nil || !strings.Contains(string(out), "virginica") {
			t.Errorf("%s: %v\n%s\nprints %q, want virginica", tt.tab, err, code, out)
		}
	}
	x.click("copy")
	x.until("document.getElementById('copied').innerText === 'Copied'")
}

// program is a command, or nil where it is not installed.
func program(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		return nil
	}
	return exec.CommandContext(t.Context(), name, args...)
}

// TestKeyboardAlone does everything without a pointer.
func TestKeyboardAlone(t *testing.T) {
	x := open(t, serve(t)+"/docs")
	focused := func() string {
		return eval[string](x, "(e => e.name || e.id || e.dataset.for || e.textContent.trim())(document.activeElement)")
	}
	walk := func(want ...string) {
		t.Helper()
		for _, w := range want {
			x.press(kb.Tab)
			if got := focused(); got != w {
				t.Fatalf("the focus is at %q, want %q", got, w)
			}
			if !eval[bool](x, "document.activeElement.matches(':focus-visible')") {
				t.Errorf("the focus at %q cannot be seen", w)
			}
		}
	}
	walk("Skip to the form")
	x.press(kb.Enter)
	x.until("document.activeElement.id === 'form'")
	walk("reset", "sepal_length", "f0", "sepal_width", "f1", "petal_length", "f2", "petal_width")
	x.press(kb.Enter) // sends the form from any field
	x.until("document.getElementById('bars')")
	x.press(kb.ArrowUp)
	if got := x.value("petal_width"); got == "0.2" {
		t.Error("an arrow does not change the number")
	}
	walk("f3", "predict", "live", "Reply")
	// The reply: opened by Enter.
	x.press(kb.Enter)
	x.until("document.getElementById('raw').open")
	x.press(kb.Tab) // the reply's text scrolls
	walk("copy", "tab-curl")
	x.press(kb.ArrowRight)
	x.until("document.activeElement.id === 'tab-python' && document.getElementById('code').innerText.startsWith('import')")
	x.press(kb.End)
	x.until("document.activeElement.id === 'tab-javascript'")
	walk("snippet", "template", "file")
}

func TestDarkAndNarrow(t *testing.T) {
	x := open(t, serve(t)+"/docs")
	ground := func() string { return eval[string](x, "getComputedStyle(document.body).backgroundColor") }
	light := ground()
	x.click("predict")
	x.until("document.getElementById('bars')")
	x.drop("drop", writeFile(t, "flowers.csv", batch(5, 2)))
	x.until("!document.getElementById('results').hidden")
	x.media("prefers-color-scheme", "dark")
	x.until(fmt.Sprintf("getComputedStyle(document.body).backgroundColor !== %q", light))
	x.shoot("dark")
	x.media("prefers-color-scheme", "light")
	for _, width := range []int64{320, 360, 600, 927, 929, 1600} {
		x.size(width, 800)
		if got := eval[int64](x, "document.documentElement.scrollWidth"); got > width {
			t.Errorf("on a screen of %d pixels the page is %d wide", width, got)
		}
	}
	x.size(360, 740)
	x.shoot("narrow")
}

func TestEverySchema(t *testing.T) {
	address := serve(t, "--model", "houses="+writeBundle(t, houses()), "--model", "many="+writeBundle(t, schemaOf(40)))
	x := open(t, address+"/docs")
	if got := eval[string](x, "document.title"); got != "House prices · Copse" {
		t.Errorf("the schema's text became HTML: the title is %q", got)
	}
	if n := eval[int](x, "document.images.length"); n != 0 {
		t.Errorf("the schema's text became %d images", n)
	}
	if !strings.Contains(x.text("description"), hostile) {
		t.Errorf("the description is %q", x.text("description"))
	}
	x.click("predict")
	x.until("document.querySelector('.said')")
	if got := eval[string](x, "document.querySelector('.said').innerText"); !strings.HasSuffix(got, " EUR") {
		t.Errorf("the answer is %q, want a number of EUR", got)
	}
	x.choose("[name=heating]", hostile)
	x.choose("[name=garden]", "false")
	x.enter("__proto__", "-2")
	x.enter("rooms", "")
	x.click("predict")
	x.until("!document.querySelector('[aria-busy]')")
	if got := x.text("alert"); got != "" {
		t.Errorf("the server refuses the row: %s", got)
	}
	for _, name := range []string{"curl", "python", "javascript"} {
		x.click("tab-" + name)
		if code := x.text("code"); !strings.Contains(code, "__proto__") || strings.Contains(code, "rooms") {
			t.Errorf("the code of %s lacks the feature __proto__, or has the empty rooms:\n%s", name, code)
		}
	}
	x.shoot("houses")

	x.choose("#model", "many")
	x.until("document.getElementById('title').innerText === 'Many features'")
	x.click("predict")
	x.until("document.getElementById('bars')")
	if !x.asked("POST /models/many/predict") {
		t.Error("the second model was not asked by its name")
	}
	x.do(chromedp.SendKeys(chromedp.ID("find"), "f17"))
	if got := eval[int](x, "[...document.querySelectorAll('.field')].filter(f => !f.hidden).length"); got != 1 {
		t.Errorf("%d features are found, want one", got)
	}
	again := open(t, address+"/docs"+eval[string](x, "location.hash"))
	if got := again.text("title"); got != "Many features" {
		t.Errorf("the address does not keep the model: the title is %q", got)
	}
}

func TestBehindStage(t *testing.T) {
	stage := behindStage(t, serve(t))
	x := open(t, stage+"/docs")
	x.click("predict")
	x.until("document.getElementById('bars')")
	x.drop("drop", writeFile(t, "flowers.csv", batch(3, -1)))
	x.until("!document.getElementById('results').hidden")
	for _, path := range []string{"/prod/predict", "/prod/batch-predict"} {
		if !x.asked("POST " + path) {
			t.Errorf("the page did not ask %s", path)
		}
	}
	for _, link := range eval[[]string](x, "[...document.querySelectorAll('nav a')].map(a => a.href)") {
		reply, err := http.Get(link) //nolint:noctx // a loopback server of this test
		if err != nil {
			t.Fatal(err)
		}
		_ = reply.Body.Close()
		if reply.StatusCode != http.StatusOK || !strings.HasPrefix(link, stage) {
			t.Errorf("the link %s answers %s", link, reply.Status)
		}
	}
	if code := x.text("code"); !strings.Contains(code, "'"+stage+"/predict'") {
		t.Errorf("the code does not name the stage:\n%s", code)
	}
}

// TestServerGone shows what is said when nobody answers.
func TestServerGone(t *testing.T) {
	x := open(t, serve(t)+"/docs")
	x.offline()
	x.click("predict")
	x.until("document.getElementById('alert').innerText.includes('cannot be reached')")
	x.do(chromedp.SetUploadFiles(chromedp.ID("file"), []string{writeFile(t, "a.csv", batch(1, -1))}))
	x.until("document.getElementById('trouble').innerText.includes('could not be sent')")
}
