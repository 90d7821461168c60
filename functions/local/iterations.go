package local

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"example.com/copse/pkg/ir"
	"example.com/copse/pkg/predict"
	"example.com/copse/pkg/registry"
)

const iterationsHelp = "boosting iterations A to B, without B, of all that the model file has (A: and :B are open ends)"

// addIterations makes the flag --iterations.
func addIterations(c *cobra.Command, into *string) {
	c.Flags().StringVar(into, "iterations", "", iterationsHelp)
}

var errBundled = errors.New("--iterations: a compiled bundle cannot be cut: compile the model file again, with --iterations")

// openSlice is openModel for some iterations of a model; "" is all.
func openSlice(path, iterations string) (*predict.Model, error) {
	if iterations == "" {
		return openModel(path)
	}
	if path == "" {
		return nil, errBundled
	}
	f, err := readSlice(path, iterations)
	if err != nil {
		return nil, err
	}
	return openRead(path, f)
}

// readSlice is readModel for some iterations of a model; "" is all.
func readSlice(path, iterations string) (*registry.Opened, error) {
	f, err := readModel(path)
	if err != nil || iterations == "" {
		return f, err
	}
	if f.Model == nil {
		return nil, errBundled
	}
	if f.Model.IR, err = slice(f.Model.IR, iterations); err != nil {
		return nil, fmt.Errorf("model %s: --iterations %s: %w", path, iterations, err)
	}
	return f, nil
}

// slice takes the iterations A:B.
func slice(m *ir.Model, iterations string) (*ir.Model, error) {
	from, to, ok := strings.Cut(iterations, ":")
	a, okA := bound(from, 0)
	b, okB := bound(to, max(0, len(m.Iterations)-1))
	if !ok || !okA || !okB {
		return nil, errors.New("must be A:B, two whole numbers, as in 0:100")
	}
	return m.Slice(a, b)
}

func bound(text string, open int) (int, bool) {
	if text == "" {
		return open, true
	}
	n, err := strconv.ParseUint(text, 10, 31)
	return int(n), err == nil
}
