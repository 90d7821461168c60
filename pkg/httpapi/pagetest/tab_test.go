package pagetest

import (
	"context"
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// tab is a page in a Chromium of its own, with a profile of its own. When its
// test ends, it fails the test for whatever the page should not have done:
// exceptions, warnings and errors on the console (of which violations of the
// policy are), and requests to any other host.
type tab struct {
	t         testing.TB
	ctx       context.Context
	downloads string

	mu       sync.Mutex
	hosts    map[string]bool
	requests []string // method, path and body
	trouble  []string
	finished chan string // downloads
}

// chromium finds the browser.
func chromium(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	lack(t, "no chromium: install Debian's package of that name")
	return ""
}

// open starts a browser at an address and waits for the page's form.
func open(t testing.TB, address string) *tab {
	t.Helper()
	x := &tab{t: t, downloads: t.TempDir(), hosts: make(map[string]bool), finished: make(chan string, 4)}
	// Chromium's children may write there for a moment after its end, which
	// t.TempDir takes for a failure.
	profile, err := os.MkdirTemp("", "copse-chromium") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], // clipped: append copies it
		chromedp.ExecPath(chromium(t)), chromedp.UserDataDir(profile), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-component-update", true), chromedp.Flag("lang", "en"))
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	ctx, cancelTime := context.WithTimeout(ctx, 2*time.Minute)
	x.ctx, _ = chromedp.NewContext(ctx)
	t.Cleanup(func() {
		x.blame(address)
		_ = chromedp.Cancel(x.ctx) // closes the browser; that it was slow to close is no finding
		cancelTime()
		cancel()
		_ = os.RemoveAll(profile)
	})
	x.check(chromedp.Listen(x.ctx, x.event))
	x.check(chromedp.ListenBrowser(x.ctx, x.event))
	call(x, network.Enable.Method, &network.EnableParams{})
	_, err = chromedp.CallBrowser(x.ctx, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{
		Behavior: browser.SetDownloadBehaviorBehaviorAllow, DownloadPath: x.downloads, EventsEnabled: yes()})
	x.check(err)
	x.size(1200, 900)
	x.do(chromedp.Navigate(address))
	x.do(chromedp.WaitVisible(chromedp.ID("predict")))
	return x
}

func yes() *bool { on := true; return &on }

func (x *tab) check(err error) {
	x.t.Helper()
	if err != nil {
		x.t.Fatal(err)
	}
}

// call sends a command that has no result.
func call(x *tab, method string, params any) {
	x.t.Helper()
	x.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error { return t.Call(ctx, method, params, nil) }))
}

func (x *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	x.t.Helper()
	x.check(chromedp.Do(x.ctx, steps...))
}

// event notes what the page does.
func (x *tab) event(ev any) {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch e := ev.(type) {
	case *runtime.EventExceptionThrown:
		x.trouble = append(x.trouble, "exception: "+e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		x.trouble = append(x.trouble, "console: "+string(e.Type))
	case *log.EventEntryAdded:
		// The browser itself logs every reply of 400 and more, wanted or not.
		if e.Entry.Source != log.EntrySourceNetwork {
			x.trouble = append(x.trouble, "log: "+e.Entry.Text)
		}
	case *network.EventRequestWillBeSent:
		x.sent(e.Request)
	case *browser.EventDownloadProgress:
		if e.State == browser.DownloadProgressStateCompleted {
			x.finished <- e.GUID
		}
	}
}

func (x *tab) sent(r *network.Request) {
	u, err := url.Parse(r.URL)
	if err != nil || u.Scheme == "data" || u.Scheme == "blob" {
		return
	}
	x.hosts[u.Host] = true
	x.requests = append(x.requests, r.Method+" "+u.Path)
}

// blame ends the test with what the page should not have done.
func (x *tab) blame(address string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, trouble := range x.trouble {
		x.t.Error(trouble)
	}
	u, err := url.Parse(address)
	if err != nil {
		x.t.Error(err)
		return
	}
	for host := range x.hosts {
		if host != u.Host {
			x.t.Errorf("the page asked %s, and comes from %s", host, u.Host)
		}
	}
}

// eval computes an expression in the page.
func eval[T any](x *tab, expression string) T {
	x.t.Helper()
	v, err := chromedp.Run(x.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		x.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// until waits for the page to make an expression true.
func (x *tab) until(expression string) {
	x.t.Helper()
	_, err := chromedp.Run(x.ctx, chromedp.Poll[bool]("!!("+expression+")", chromedp.WithPollingTimeout(20*time.Second)))
	if err != nil {
		x.t.Fatalf("never: %s: %v\n%s", expression, err, eval[string](x, "document.querySelector('main').innerText"))
	}
}

func (x *tab) click(id string) {
	x.t.Helper()
	x.do(chromedp.Click(chromedp.ID(id)))
}

// field is the selector of a feature's field.
func field(name string) chromedp.CSS { return chromedp.CSS(fmt.Sprintf("[name=%q]", name)) }

// enter types a value in place of the one that a field has.
func (x *tab) enter(name, value string) {
	x.t.Helper()
	x.do(chromedp.Focus(field(name)))
	eval[chromedp.Void](x, "document.activeElement.select()")
	x.press("\b" + value)
}

// press presses keys.
func (x *tab) press(keys string, o ...chromedp.KeyOption) {
	x.t.Helper()
	x.do(chromedp.KeyEvent(keys, o...))
}

// text is what an element shows.
func (x *tab) text(id string) string {
	x.t.Helper()
	return eval[string](x, fmt.Sprintf("document.getElementById(%q).innerText", id))
}

func (x *tab) value(name string) string {
	x.t.Helper()
	return eval[string](x, fmt.Sprintf("document.getElementsByName(%q)[0].value", name))
}

// wrong is the error that stands at a field, for eyes and for screen readers.
func (x *tab) wrong(name string) string {
	x.t.Helper()
	return eval[string](x, fmt.Sprintf(`(() => {
		const input = document.getElementsByName(%q)[0];
		if (input.getAttribute('aria-invalid') !== 'true') return '';
		return document.getElementById(input.getAttribute('aria-describedby').split(' ').pop()).innerText;
	})()`, name))
}

// choose sets a select as a person does.
func (x *tab) choose(selector, value string) {
	x.t.Helper()
	eval[chromedp.Void](x, fmt.Sprintf(`(() => {
		const s = document.querySelector(%q);
		s.value = %q;
		s.dispatchEvent(new Event('input', {bubbles: true}));
		s.dispatchEvent(new Event('change', {bubbles: true}));
	})()`, selector, value))
}

func (x *tab) size(width, height int64) {
	x.t.Helper()
	x.do(chromedp.EmulateViewport(width, height))
}

// media sets what the user prefers.
func (x *tab) media(name, value string) {
	x.t.Helper()
	call(x, emulation.SetEmulatedMedia.Method, &emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: name, Value: value}}})
}

// drop drags a file over an element and lets go of it.
func (x *tab) drop(id, file string) {
	x.t.Helper()
	x.do(chromedp.ScrollIntoView(chromedp.ID(id)))
	at := eval[[]float64](x, fmt.Sprintf(`(() => {
		const r = document.getElementById(%q).getBoundingClientRect();
		return [r.x + r.width / 2, r.y + r.height / 2];
	})()`, id))
	for _, kind := range []input.DispatchDragEventType{input.DispatchDragEventTypeDragEnter, input.DispatchDragEventTypeDragOver, input.DispatchDragEventTypeDrop} {
		call(x, input.DispatchDragEvent.Method, &input.DispatchDragEventParams{Type: kind, X: at[0], Y: at[1],
			Data: &input.DragData{Items: []*input.DragDataItem{}, Files: []string{file}, DragOperationsMask: 1}})
	}
}

// downloaded waits for a download and returns the only file there is.
func (x *tab) downloaded() (name, content string) {
	x.t.Helper()
	select {
	case <-x.finished:
	case <-x.ctx.Done():
		x.t.Fatal("nothing was downloaded")
	}
	files, err := filepath.Glob(filepath.Join(x.downloads, "*"))
	x.check(err)
	if len(files) != 1 {
		x.t.Fatalf("downloads: %q", files)
	}
	text, err := os.ReadFile(files[0])
	x.check(err)
	x.check(os.Remove(files[0]))
	return filepath.Base(files[0]), string(text)
}

// offline cuts the page off.
func (x *tab) offline() {
	x.t.Helper()
	call(x, network.OverrideNetworkState.Method, &network.OverrideNetworkStateParams{Offline: true})
	call(x, network.EmulateNetworkConditionsByRule.Method, &network.EmulateNetworkConditionsByRuleParams{
		MatchedNetworkConditions: []*network.Conditions{{Offline: true}}})
}

var shots = flag.String("shots", "", "folder for pictures of the page")

// shoot keeps a picture of the whole page where -shots says.
func (x *tab) shoot(name string) {
	x.t.Helper()
	if *shots == "" {
		return
	}
	picture, err := chromedp.Run(x.ctx, chromedp.FullScreenshot(100))
	x.check(err)
	x.check(os.WriteFile(filepath.Join(*shots, name+".png"), picture, 0o600))
}

// asked says whether the page has sent a request.
func (x *tab) asked(request string) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, r := range x.requests {
		if strings.Contains(r, request) {
			return true
		}
	}
	return false
}
