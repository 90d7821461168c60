package copsebeam

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func renumbered(text string, first int64) (string, error) {
	var out bytes.Buffer
	w := bufio.NewWriter(&out)
	err := renumber(w, bufio.NewReaderSize(strings.NewReader(text), 16), first) // the least that bufio takes
	if e := w.Flush(); err == nil {
		err = e
	}
	return out.String(), err
}

func TestRenumber(t *testing.T) {
	for _, c := range []struct {
		text  string
		first int64
		want  string
		fails bool
	}{
		{"", 5, "", false},
		{"{\"row\":0,\"a\":1}\n", 5, "{\"row\":5,\"a\":1}\n", false},
		{"{\"row\":9,\"a\":1}\n{\"row\":10,\"b\":[1,2]}\n", 90, "{\"row\":99,\"a\":1}\n{\"row\":100,\"b\":[1,2]}\n", false},
		{"{\"row\":0,\"a\":\"" + strings.Repeat("x,", 100) + "\"}\n", 1, "{\"row\":1,\"a\":\"" + strings.Repeat("x,", 100) + "\"}\n", false},
		{"{\"a\":1,\"row\":2}\n", 5, "", true},
		{"{\"row\":x,\"a\":1}\n", 5, "", true},
		{"{\"row\":0,\"a\":1}", 5, "", true}, // it broke off
		{"{\"row\":", 5, "", true},
	} {
		got, err := renumbered(c.text, c.first)
		if (err != nil) != c.fails || err == nil && got != c.want {
			t.Errorf("%.40q + %d: got %.60q, %v, want %.60q", c.text, c.first, got, err, c.want)
		}
	}
}

// FuzzRenumber compares with a reading of each line by encoding/json.
func FuzzRenumber(f *testing.F) {
	f.Add("answer, \"with\" quotes\n", "{}", uint16(7), uint16(3))
	f.Add("", strings.Repeat(",", 40), uint16(0), uint16(65535))
	f.Fuzz(func(t *testing.T, a, b string, first, rows uint16) {
		var text, want strings.Builder
		for i, value := range []string{a, b, a + b} {
			quoted, err := json.Marshal(value)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&text, "{\"row\":%d,\"v\":%s}\n", int(rows)+i, quoted)
			fmt.Fprintf(&want, "{\"row\":%d,\"v\":%s}\n", int(first)+int(rows)+i, quoted)
		}
		got, err := renumbered(text.String(), int64(first))
		if err != nil || got != want.String() {
			t.Errorf("got %q, %v, want %q", got, err, want.String())
		}
	})
}

func TestInOrder(t *testing.T) {
	for _, c := range []struct {
		at   []int64
		of   int64
		want bool
	}{
		{[]int64{0}, 1, true},
		{[]int64{2, 0, 1}, 3, true},
		{[]int64{0, 1}, 3, false},
		{[]int64{0, 1, 1}, 3, false},
		{[]int64{0, 1, 1, 2}, 3, false},
		{[]int64{1}, 1, false},
	} {
		i := 0
		all, err := inOrder("out", func(p *part) bool {
			if i == len(c.at) {
				return false
			}
			*p = part{Task: task{At: c.at[i], Of: c.of}}
			i++
			return true
		})
		if (err == nil) != c.want || err == nil && len(all) != len(c.at) {
			t.Errorf("%v of %d: got %d parts, %v", c.at, c.of, len(all), err)
		}
	}
}
