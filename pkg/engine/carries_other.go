//go:build !amd64

package engine

// carries is false where the compiler takes a borrow out of the flags and puts
// it back; there a comparison sets a register in one instruction.
const carries = false
