package features

import (
	"fmt"
	"strings"
	"testing"
)

func TestCSVSource(t *testing.T) {
	for _, test := range []struct{ name, file, ids, want, err string }{
		{name: "the first column", file: "name,amount,age,colour\na,1,2,red\nb,3,,green\n", ids: "b a c", want: "3 NaN 1|1 2 0|features_not_found"},
		{name: "a column called id", file: "amount,colour,id\n1,red,a\n2,green,b\n", ids: "b a", want: "2 NaN 1|1 NaN 0"},
		{name: "no line end at the end", file: "id,amount,colour\na,1,red", ids: "a", want: "1 NaN 0"},
		{name: "Windows line ends and empty lines", file: "id,amount,colour\r\n\r\na,1,red\r\n\r\nb,2,red\r\n", ids: "a b", want: "1 NaN 0|2 NaN 0"},
		{name: "a byte order mark", file: "\ufeffid,amount,colour\na,1,red\n", ids: "a", want: "1 NaN 0"},
		{name: "quotes", file: "id,amount,colour,note\n\"a,\"\"b\",1,red,\"two\nlines\"\nc,2,green,\n", ids: "a,\"b c", want: "1 NaN 0|2 NaN 1"},
		{name: "further columns", file: "id,x,amount,y,colour\na,,1,z,red\n", ids: "a", want: "1 NaN 0"},
		{name: "a wrong value", file: "id,amount,colour\na,much,red\nb,1,red\n", ids: "a b", want: "wrong_type|1 NaN 0"},
		{name: "no rows", file: "id,amount,colour\n", ids: "a", want: "features_not_found"},
		{name: "an id twice", file: "id,amount\na,1\nb,2\na,3\n", err: "line 4"},
		{name: "an empty id", file: "id,amount\na,1\n,2\n", err: "line 3"},
		{name: "a short line", file: "id,amount\na\n", err: "line 2"},
		{name: "an open quote", file: "id,amount\n\"a,1\n", err: "line 2"},
		{name: "an empty file", file: "", err: "is empty"},
	} {
		t.Run(test.name, func(t *testing.T) {
			source, err := newCSVSource([]byte(test.file))
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Errorf("got %v, want %q", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			fr := fillAll(t, New(source, Options{Concurrency: 1}), testSchema(t), strings.Fields(test.ids)...)
			rows := make([]string, fr.Rows)
			for i := range rows {
				rows[i] = strings.Trim(fmt.Sprint(fr.Row(i)), "[]")
			}
			for _, e := range fr.Faults {
				rows[e.Row] = e.Code.String()
			}
			if got := strings.Join(rows, "|"); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

// FuzzCSV: no file makes the index panic, and every id it found gives back a
// line that decodes to one row or to a fault.
func FuzzCSV(f *testing.F) {
	for _, seed := range []string{"id,amount,colour\na,1,red\n", "\"id\n\",x\n\"a\"\"\n\",1\r\n\r\nb,2", "\ufeffa\n1", "id\n\"", ",\n,"} {
		f.Add([]byte(seed))
	}
	s := testSchema(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		source, err := newCSVSource(data)
		if err != nil {
			return
		}
		fetcher := New(source, Options{Concurrency: 1})
		for id := range source.rows {
			fr := fillAll(t, fetcher, s, id)
			for _, e := range fr.Faults {
				if e.Code.String() == "features_not_found" {
					t.Errorf("an id of the file was not found")
				}
			}
		}
	})
}
