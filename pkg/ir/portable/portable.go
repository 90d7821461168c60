// Package portable has functions of numbers that give the same bits on every
// processor. The standard library's do not: some of them are assembly on one
// and Go on another, and in Go a compiler may fuse a product with a sum on
// processors that can.
package portable

import "math"

func Exp(x float64) float64    { return math.Exp(x) }
func Log(x float64) float64    { return math.Log(x) }
func Log1p(x float64) float64  { return math.Log1p(x) }
func Tanh(x float64) float64   { return math.Tanh(x) }
func Erf(x float64) float64    { return math.Erf(x) }
func Pow(x, y float64) float64 { return math.Pow(x, y) }
