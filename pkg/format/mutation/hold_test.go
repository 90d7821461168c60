package mutation_test

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"sync"
	"time"
	"unicode"

	"example.com/copse/pkg/engine"
	"example.com/copse/pkg/format"
	"example.com/copse/pkg/ir"
	"example.com/copse/pkg/predict"
	"example.com/copse/pkg/schema"
)

// What a broken file may cost: a second, and memory of its size and the model's
// together. docs/models.md states the factor.
const (
	mostTime   = time.Second
	mostFactor = 256      // bytes allocated a byte of the file, all in all
	mostFixed  = 64 << 20 // and in any case: buffers, tables of a small model
)

// load reads a file; a nil model is one that is refused.
type load func(data []byte) (*format.Model, error)

// alone is held for reading while files are tried, and for writing while one is
// tried again without others beside it.
var alone sync.RWMutex

// try demands of a broken file a clean error, or a model that scores as the
// reference does, within the bounds. A file that is over a bound while others
// are tried beside it gets a second try alone.
func try(data []byte, hold func(data []byte) error) (err error) {
	alone.RLock()
	over, err := measure(data, hold)
	alone.RUnlock()
	if over == nil || err != nil {
		return err
	}
	alone.Lock()
	defer alone.Unlock()
	if over, err = measure(data, hold); err != nil {
		return err
	}
	return over
}

func measure(data []byte, hold func(data []byte) error) (over, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	start, before := time.Now(), allocated()
	err = hold(data)
	took, used := time.Since(start), allocated()-before
	most := uint64(mostFactor*len(data) + mostFixed)
	switch {
	case took > mostTime:
		over = fmt.Errorf("took %v, the bound is %v", took, mostTime)
	case used > most:
		over = fmt.Errorf("allocated %d bytes for a file of %d, the bound is %d", used, len(data), most)
	}
	return over, err
}

// allocated is how many bytes this process has allocated so far.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// holdModel is what is demanded of a model file.
func holdModel(read load) func([]byte) error {
	return func(data []byte) error {
		m, err := read(data)
		if err != nil {
			return clean(err)
		}
		return scores(m)
	}
}

// clean says whether a reader's error is one that a user can be told.
func clean(err error) error {
	if _, ok := errors.AsType[*format.Error](err); !ok && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrInvalid) {
		return fmt.Errorf("an error of type %T: %w", err, err)
	}
	if text := err.Error(); strings.ContainsFunc(text, unicode.IsControl) {
		return fmt.Errorf("an error with a control character: %q", text)
	}
	return nil
}

// scores takes the whole way of a model that was read: it is sound, it is
// compiled, and the engine gives the reference's bits for a few rows, which
// predict.Open checks.
func scores(m *format.Model) error {
	if err := ir.Check(m.IR); err != nil {
		return fmt.Errorf("a model that is unsound: %w", err)
	}
	a, err := engine.Compile(m.IR)
	if err != nil {
		return fmt.Errorf("a model that cannot be compiled: %w", err)
	}
	if _, err := engine.New(*a); err != nil {
		return fmt.Errorf("a model that the engine refuses: %w", err)
	}
	features := len(m.IR.FeatureNames)
	rows := m.Rows
	if features <= 1<<10 {
		rows = append(probes(features), m.Rows...)
	}
	data, err := predict.Compile(m.IR, m.Schema, predict.Info{Name: "broken"}, rows)
	switch {
	case err == nil:
		_, err = predict.Open("", data, predict.Options{})
	case !sayable(m):
		err = nil
	}
	return err
}

// sayable says whether names and labels are such that rows and answers can be
// told by them: a reader takes them as they are, a schema refuses names that
// stand twice or are none.
func sayable(m *format.Model) bool {
	_, err := schema.New(m.Schema)
	return err == nil && len(m.IR.Labels) == 0 && len(m.Schema.Labels) == 0
}

// probes are rows of zeros, of missing values, and of each kind of number.
func probes(features int) []float64 {
	values := []float64{0, math.NaN(), 1, -1.5, 1e30, 3, 0.25, 1e-40, 2, math.Copysign(0, -1), 100}
	rows := make([]float64, 0, 4*features)
	for r := range 4 {
		for i := range features {
			switch r {
			case 0, 1:
				rows = append(rows, values[r])
			default:
				rows = append(rows, values[(i*7+r*3)%len(values)])
			}
		}
	}
	return rows
}
