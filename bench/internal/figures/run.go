package figures

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
)

// Main is a program that measures for a page: what write writes replaces the
// part of the page that target, a target of make, has there. It has the flag -o
// for the page.
func Main(target string, write func(context.Context, io.Writer) error) {
	page := flag.String("o", "", "page whose marked part is replaced; without it, standard output")
	flag.Parse()
	var tables bytes.Buffer
	err := write(context.Background(), &tables)
	if err == nil {
		err = Deliver(*page, target, tables.String())
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", target, err)
		os.Exit(1)
	}
}
