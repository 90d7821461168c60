package faulttest

import (
	"sync"
	"testing"
)

// TestNotices: functions that are written wrongly are found out, each within a
// few of the schedules that concern it.
func TestNotices(t *testing.T) {
	t.Parallel()
	path := binary(t)
	const enough, last = 60, 10_000
	for _, c := range []struct {
		name    string
		defect  Defect
		concern func(p *Plan) bool
	}{
		{"objects are overwritten", Overwrites, func(p *Plan) bool { return p.Sink == "s3" && p.once() && p.Repeats > 0 }},
		{"deduplication ids are fresh", FreshIDs, func(p *Plan) bool { return p.Sink == "fifo" && len(p.Killed) > 0 }},
		{"dead letters are dropped", DropsLetters, func(p *Plan) bool { return p.letterOnce() }},
		{"order is lost", LosesOrder, func(p *Plan) bool { return p.Source == "fifo" && p.Sink == "fifo" }},
		{"all is acknowledged", AcksAll, func(p *Plan) bool { return p.Source == "sqs" && len(p.Killed) > 0 }},
		{"acknowledged before written", AcksFirst, func(p *Plan) bool { return p.Source == "sqs" && p.once() && len(p.Ended) > 0 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var wg sync.WaitGroup
			var mu sync.Mutex
			found := ""
			slots := make(chan struct{}, 4)
			tried := 0
			for seed := uint64(0); tried < enough && seed < last; seed++ {
				p := newPlan(seed)
				if !c.concern(p) || p.Outage {
					continue
				}
				p.Defect = c.defect
				slots <- struct{}{}
				mu.Lock()
				over := found != ""
				mu.Unlock()
				if over {
					break
				}
				tried++
				wg.Go(func() {
					defer func() { <-slots }()
					wrong := run(t.Context(), path, p).check()
					mu.Lock()
					defer mu.Unlock()
					if len(wrong) > 0 && found == "" {
						found = p.String() + "\n" + wrong[0]
					}
				})
			}
			wg.Wait()
			if found == "" {
				t.Errorf("not found out in %d schedules", tried)
			}
			t.Logf("found out after at most %d schedules: %s", tried, found)
		})
	}
}
