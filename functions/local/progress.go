package local

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// barInterval is how often the bar is drawn.
const barInterval = 100 * time.Millisecond

// progress draws a bar of the bytes that were read, on a terminal only. A nil
// bar draws nothing.
type progress struct {
	bar  *progressbar.ProgressBar
	mu   sync.Mutex
	now  int64 // bytes read of the file
	done int64 // and of the files before it
}

// newProgress adds up the files' sizes; where one has none (a pipe), the bar
// only tells what was done. quiet: rows go to the same terminal.
func newProgress(paths []string, err io.Writer, quiet bool) *progress {
	if quiet || !isTerminal(err) {
		return &progress{}
	}
	var total int64
	for _, path := range paths {
		info, e := os.Stat(path)
		if path == stdio || e != nil || !info.Mode().IsRegular() {
			total = -1
			break
		}
		total += info.Size()
	}
	return &progress{bar: progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(err),
		progressbar.OptionShowBytes(true),
		progressbar.OptionThrottle(barInterval),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionSetDescription("scoring"),
		progressbar.OptionFullWidth(),
	)}
}

func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// read tells how far the reader is in a file.
func (p *progress) read(n int64) {
	if p.bar == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now = n
	_ = p.bar.Set64(p.done + n) // it fails beyond the end: a file that grows
}

// next goes on to another file.
func (p *progress) next() {
	p.done += p.now
	p.now = 0
}

// wrote tells how many rows are written.
func (p *progress) wrote(rows int) {
	if p.bar == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bar.Describe(fmt.Sprintf("%d rows", rows))
}

func (p *progress) finish() {
	if p.bar != nil {
		_ = p.bar.Finish() // only drawing can fail
	}
}
