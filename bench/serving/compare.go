package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"example.com/copse/bench/internal/figures"
)

// turn is one server with the load that it gets in each round.
type turn struct {
	server *server
	load   load
	// µs of processor time a request, one value a round.
	cpu []float64
}

// run puts every turn's load on its server, in turn, b.rounds times after
// one round that warms up and is not counted.
func (b *bench) run(turns []*turn) error {
	for round := range b.rounds + 1 {
		for _, t := range turns {
			l := t.load
			l.requests = max(l.connections, int(float64(l.requests)*b.scale))
			if round == 0 {
				l.requests = max(l.connections, l.requests/5)
			}
			cpu, err := l.run(t.server)
			if err != nil {
				return err
			}
			if round > 0 {
				t.cpu = append(t.cpu, float64(cpu.Nanoseconds())/1e3)
			}
		}
	}
	return nil
}

// singleRows makes bodies of one flower each.
func singleRows(seed uint64) func() []byte { return irisRows(seed).one }

const connections = 16

// single compares one row a request.
func (b *bench) single(ctx context.Context, w io.Writer) error {
	copse, err := b.copse(ctx, nil)
	if err != nil {
		return err
	}
	defer copse.stop()
	size, err := answer(copse, "/predict", irisRows(0).one(), checkOne)
	if err != nil {
		return err
	}
	control, err := bareServer(ctx, size)
	if err != nil {
		return err
	}
	defer control.stop()
	best, err := b.fastAPI(ctx, "FastAPI at its best", "best", "forest4.onnx", "setosa,versicolor,virginica")
	if err != nil {
		return err
	}
	defer best.stop()
	manual, err := b.fastAPI(ctx, "FastAPI as its manual has it", "manual", "boosting.joblib", "")
	if err != nil {
		return err
	}
	defer manual.stop()
	for _, s := range []*server{best, manual} {
		if _, err := answer(s, "/predict", irisRows(0).one(), checkOne); err != nil {
			return err
		}
	}
	// Requests of a turn: about a second of processor time each.
	turns := []*turn{
		{server: copse, load: load{"/predict", connections, 40000, singleRows}},
		{server: control, load: load{"/predict", connections, 40000, singleRows}},
		{server: best, load: load{"/predict", connections, 8000, singleRows}},
		{server: manual, load: load{"/predict", connections, 800, singleRows}},
	}
	if err := b.run(turns); err != nil {
		return err
	}
	table := []figures.Figure{
		figures.AtMost(versus(turns[0], turns[1]), figures.MedianRatio(turns[0].cpu, turns[1].cpu), 1.5),
		figures.AtLeast(versus(turns[0], turns[2]), figures.MedianRatio(turns[2].cpu, turns[0].cpu), 6),
		figures.AtLeast(versus(turns[0], turns[3]), figures.MedianRatio(turns[3].cpu, turns[0].cpu), 60),
	}
	heading := fmt.Sprintf("Serving one row a request: processor time a request (least of %d rounds; ratio: median of the rounds; %d connections, every row different, answers of %d bytes)",
		b.rounds, connections, size)
	return figures.Write(w, heading, table)
}

func versus(ours, control *turn) figures.Figure {
	return figures.Figure{What: "`copse serve` against " + control.server.name, Value: micros(ours), Control: micros(control)}
}

func micros(t *turn) string { return fmt.Sprintf("%.1f µs", slices.Min(t.cpu)) }

// width is one comparison of batches.
type width struct {
	features int
	target   float64  // rows a second
	models   []string // of copse; none: the default one
	onnx     string
	labels   string
	body     func(seed uint64) *rows
}

var widths = []width{
	{4, 1.7e6, nil, "forest4.onnx", "setosa,versicolor,virginica", irisRows},
	{30, 0.8e6, []string{"wide.copse"}, "forest30.onnx", "0,1,2", wideRows},
}

// batches compares batches of both widths.
func (b *bench) batches(ctx context.Context, w io.Writer) error {
	var table []figures.Figure
	for _, width := range widths {
		more, err := b.batch(ctx, width)
		if err != nil {
			return err
		}
		table = append(table, more...)
	}
	heading := fmt.Sprintf("Serving batches: rows a second of processor time, one core (best of %d rounds; %d rows a request, of which %d differ, as JSON objects; 30 features: 100 trees of depth 6)",
		b.rounds, batchRows, batchDistinct)
	return figures.Write(w, heading, table)
}

// batch compares batches of one width.
func (b *bench) batch(ctx context.Context, width width) ([]figures.Figure, error) {
	turns, stop, err := b.sides(ctx, width)
	defer stop()
	if err != nil {
		return nil, err
	}
	for _, t := range turns {
		if _, err := answer(t.server, t.load.path, width.body(0).batch(), checkBatch); err != nil {
			return nil, err
		}
	}
	if err := b.run(turns); err != nil {
		return nil, err
	}
	rate := batchRows * 1e6 / slices.Min(turns[0].cpu)
	var table []figures.Figure
	for _, t := range turns[1:] {
		table = append(table, figures.Figure{
			What:  fmt.Sprintf("%d features, against %s", width.features, t.server.name),
			Value: millions(turns[0]), Control: millions(t),
			Ratio:  fmt.Sprintf("%.1f ×", figures.MedianRatio(t.cpu, turns[0].cpu)),
			Target: fmt.Sprintf("%.1f million rows/s", width.target/1e6), Met: rate >= width.target,
		})
	}
	return table, nil
}

// sides starts the servers of a width and gives each its load; stop ends all
// that were started. Copse has one core, as Python has.
func (b *bench) sides(ctx context.Context, width width) (turns []*turn, stop func(), err error) {
	stop = func() {
		for _, t := range turns {
			t.server.stop()
		}
	}
	body := func(seed uint64) func() []byte { return width.body(seed).batch }
	add := func(requests int, s *server, err error) error {
		if err == nil {
			turns = append(turns, &turn{server: s, load: load{"/batch-predict", 2, requests, body}})
		}
		return err
	}
	s, err := b.copse(ctx, []string{"GOMAXPROCS=1"}, width.models...)
	if err := add(1000, s, err); err != nil {
		return turns, stop, err
	}
	s, err = b.fastAPI(ctx, "FastAPI at its best", "best", width.onnx, width.labels)
	if err := add(100, s, err); err != nil {
		return turns, stop, err
	}
	// The manual's way is written for iris.
	if width.features == len(irisNames) {
		s, err = b.fastAPI(ctx, "FastAPI as its manual has it", "manual", "boosting.joblib", "")
		err = add(100, s, err)
	}
	return turns, stop, err
}

func millions(t *turn) string {
	return fmt.Sprintf("%.2f million rows/s", batchRows/slices.Min(t.cpu))
}

// answer asks once, checks what comes and returns its size.
func answer(s *server, path string, body []byte, check func([]byte) error) (int, error) {
	c, err := dial(s, path)
	if err != nil {
		return 0, err
	}
	defer c.conn.Close()
	if err := c.conn.SetDeadline(time.Now().Add(startLimit)); err != nil {
		return 0, err
	}
	_, text, err := c.post(body, true)
	if err == nil {
		err = check(text)
	}
	if err != nil {
		return 0, fmt.Errorf("%s: %w", s.name, err)
	}
	return len(text), nil
}

// prediction is what every side answers for a row.
type prediction struct {
	Prediction    string             `json:"prediction"`
	Probabilities map[string]float64 `json:"probabilities"`
}

func (p prediction) check() error {
	sum := 0.0
	for _, share := range p.Probabilities {
		sum += share
	}
	if _, known := p.Probabilities[p.Prediction]; !known || len(p.Probabilities) != 3 || sum < 0.999 || sum > 1.001 {
		return fmt.Errorf("no prediction among three classes: %+v", p)
	}
	return nil
}

func checkOne(text []byte) error {
	var p prediction
	if err := json.Unmarshal(text, &p); err != nil {
		return err
	}
	return p.check()
}

func checkBatch(text []byte) error {
	var batch struct {
		Predictions []prediction `json:"predictions"`
	}
	if err := json.Unmarshal(text, &batch); err != nil {
		return err
	}
	if len(batch.Predictions) != batchRows {
		return fmt.Errorf("%d answers to %d rows", len(batch.Predictions), batchRows)
	}
	for _, p := range batch.Predictions {
		if err := p.check(); err != nil {
			return err
		}
	}
	return nil
}
