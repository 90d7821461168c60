// Command copse serves, scores, compiles, inspects, checks and measures
// tabular models. See copse help.
package main

import (
	"os"

	"example.com/copse/functions/local"
)

func main() {
	os.Exit(local.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
