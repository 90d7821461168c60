//go:build race

package local

// raced: the race detector multiplies memory and time, so that what a process
// holds says nothing of the command.
const raced = true
