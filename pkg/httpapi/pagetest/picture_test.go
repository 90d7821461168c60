package pagetest

import (
	"flag"
	"os"
	"testing"

	"github.com/chromedp/chromedp"
)

var picture = flag.String("picture", "", "where to write the README's picture of the page")

// maxPicture keeps the repository small.
const maxPicture = 300 << 10

// TestPicture takes the README's picture (make page-picture).
func TestPicture(t *testing.T) {
	if *picture == "" {
		t.Skip("-picture is not given")
	}
	x := open(t, serve(t, "--addr", "127.0.0.1:8080")+"/docs")
	x.size(1200, 1010)
	x.enter("petal_length", "4.9")
	x.enter("petal_width", "1.7")
	x.click("predict")
	x.until("document.getElementById('bars')")
	eval[chromedp.Void](x, "document.activeElement.blur(), document.getElementById('took').textContent = '', scrollTo(0, 0)")
	png, err := chromedp.Run(x.ctx, chromedp.CaptureScreenshot())
	x.check(err)
	if len(png) > maxPicture {
		t.Errorf("the picture has %d bytes, more than %d", len(png), maxPicture)
	}
	x.check(os.WriteFile(*picture, png, 0o644)) //nolint:gosec // a picture for everybody
}
