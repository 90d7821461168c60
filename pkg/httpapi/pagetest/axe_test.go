package pagetest

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// TestAxe lets axe-core look for barriers, in every state of the page and both
// schemes of colour.
func TestAxe(t *testing.T) {
	script, err := os.ReadFile(installed(t, "axe/lib/python3*/site-packages/axe_playwright_python/axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	x := open(t, serve(t, "--model", "houses="+writeBundle(t, houses()), "--model", "many="+writeBundle(t, schemaOf(20)))+"/docs")
	call(x, page.SetBypassCSP.Method, &page.SetBypassCSPParams{Enabled: true}) // axe writes HTML, the page may not
	x.do(chromedp.Reload(), chromedp.WaitVisible(chromedp.ID("predict")))
	x.media("prefers-reduced-motion", "reduce")
	eval[chromedp.Void](x, string(script)+";0")
	look := func(state string) {
		t.Helper()
		var found []struct {
			ID, Help string
			Nodes    []struct {
				HTML           string
				FailureSummary string
			}
		}
		text := eval[string](x, "axe.run().then(r => JSON.stringify(r.violations))")
		if err := json.Unmarshal([]byte(text), &found); err != nil {
			t.Fatal(err)
		}
		for _, v := range found {
			t.Errorf("%s: %s: %s", state, v.ID, v.Help)
			for _, n := range v.Nodes {
				t.Logf("  %s\n  %s", n.HTML, n.FailureSummary)
			}
		}
	}
	for _, scheme := range []string{"light", "dark"} {
		x.media("prefers-color-scheme", scheme)
		look(scheme + ", opened")
		x.choose("#model", "many")
		x.click("predict")
		x.until("document.querySelector('.said')")
		look(scheme + ", answered")
		x.choose("#model", "houses")
		x.enter("area", "5")
		x.click("predict")
		x.until("document.querySelector('[aria-invalid]')")
		look(scheme + ", with an error")
		x.do(chromedp.SetUploadFiles(chromedp.ID("file"), []string{writeFile(t, "h.csv", "area,depth\n100,1\n5,x\n")}))
		x.until("!document.getElementById('results').hidden")
		look(scheme + ", with a table")
	}
}
