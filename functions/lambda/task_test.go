package lambda

import (
	"testing"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/ingest"
)

// TestItemErrors: an item that is a bad row has the entry that the function for
// requests gives it, with all that is wrong.
func TestItemErrors(t *testing.T) {
	first := &fault.Error{Code: fault.Missing, Field: "x", Rule: "required", Message: "x is required"}
	got := appendItems(nil, []ingest.Report{
		{Reply: []byte(`{"prediction":1,"model":{"name":"m"}}`)},
		{Fault: first, More: []fault.Error{{Code: fault.UnknownField, Field: "<y>", Rule: "known", Message: `unknown field "<y>"`}}},
		{Fault: fault.New(fault.ObjectNotFound, "gone")},
	})
	const want = `{"predictions":[{"prediction":1},` +
		`{"error":{"code":"missing","field":"x","rule":"required","message":"x is required",` +
		`"more":[{"code":"unknown_field","field":"<y>","rule":"known","message":"unknown field \"<y>\""}]}},` +
		`{"error":{"code":"object_not_found","message":"gone"}}],"failed":2,"model":{"name":"m"}}`
	if string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
