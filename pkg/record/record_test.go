package record

import (
	"math"
	"reflect"
	"strings"
	"testing"
)

func write(t testing.TB) []byte {
	t.Helper()
	b := AppendUint(nil, 300)
	b = AppendText(b, "größe")
	b = AppendText(b, "")
	b = AppendList(b, []string{"a", "", strings.Repeat("x", 200)})
	b = AppendList(b, nil)
	b = AppendNumber(b, math.Inf(-1))
	for _, v := range []any{nil, 1.5, true, false, "text"} {
		var err error
		if b, err = AppendValue(b, v); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

func read(b []byte) ([]any, error) {
	r := NewReader(b)
	got := []any{r.Uint(1000), r.Text(), r.Text(), r.List(), r.List(), r.Number(),
		r.Value(), r.Value(), r.Value(), r.Value(), r.Value()}
	return got, r.Close()
}

func TestRoundTrip(t *testing.T) {
	got, err := read(write(t))
	want := []any{300, "größe", "", []string{"a", "", strings.Repeat("x", 200)}, []string(nil), math.Inf(-1),
		nil, 1.5, true, false, "text"}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestEveryCutIsNoticed(t *testing.T) {
	b := write(t)
	for i := range b {
		if _, err := read(b[:i]); err == nil {
			t.Errorf("cut at %d: no error", i)
		}
	}
	if _, err := read(append(b, 0)); err == nil {
		t.Error("more data than was written: no error")
	}
}

func TestLimits(t *testing.T) {
	r := NewReader(AppendUint(nil, 11))
	if r.Uint(10) != 0 || r.Close() == nil {
		t.Error("a number over its limit was taken")
	}
	r = NewReader(AppendUint(nil, 1<<40)) // as the length of a text or a list
	if r.Text() != "" || r.Close() == nil {
		t.Error("a length over the data was taken")
	}
	if r = NewReader([]byte{99}); r.Value() != nil || r.Close() == nil {
		t.Error("an unknown tag was taken")
	}
	if _, err := AppendValue(nil, []int{1}); err == nil {
		t.Error("a value without a form was written")
	}
}

func FuzzReader(f *testing.F) {
	f.Add(write(f))
	f.Fuzz(func(_ *testing.T, b []byte) {
		_, _ = read(b)
	})
}
