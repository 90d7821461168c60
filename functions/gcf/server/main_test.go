package main

import (
	"bytes"
	"errors"
	"flag"
	"testing"
)

// TestArguments: the server starts without arguments only.
func TestArguments(t *testing.T) {
	tests := []struct {
		args []string
		help bool
		err  string
	}{
		{nil, false, ""},
		{[]string{"--help"}, true, "flag: help requested"},
		{[]string{"-h"}, true, "flag: help requested"},
		{[]string{"--port=8080"}, false, `it takes no arguments, and was given ["--port=8080"]`},
		{[]string{"help"}, false, `it takes no arguments, and was given ["help"]`},
	}
	for _, tt := range tests {
		var out bytes.Buffer
		err := arguments(tt.args, &out)
		if got := out.String() == usage; got != tt.help || errors.Is(err, flag.ErrHelp) != tt.help || !tt.help && out.Len() > 0 {
			t.Errorf("%q: got %q, %v", tt.args, &out, err)
		}
		if (err == nil) != (tt.err == "") || err != nil && err.Error() != tt.err {
			t.Errorf("%q: got %v, want %s", tt.args, err, tt.err)
		}
	}
}
