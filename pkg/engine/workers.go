package engine

// worker is one goroutine's share of the scratch.
type worker struct{ s Scratch }

// share does a job.
func (e *Engine) share(j job, s *Scratch) { j.run(s) }
