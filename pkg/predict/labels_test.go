package predict

import (
	"strings"
	"testing"
)

func TestCheckLabels(t *testing.T) {
	tests := []struct {
		labels  string
		outputs int
		classed bool
		want    string
	}{
		{"", 1, false, ""},
		{"", 3, false, ""},
		{"a,b,c", 3, false, ""},
		{"no,yes", 1, false, ""},
		{"a", 1, false, ""},
		{"a,b", 3, false, "2 labels do not fit 3 outputs"},
		{"a,b,c", 1, false, "3 labels do not fit 1 outputs"},
		{"a,b,a", 3, false, "stand twice"},
		{"a,,c", 3, false, "may be empty"},
		{"yes,yes", 1, false, "stand twice"},
		{"a,b,c", 1, true, ""},
		{"", 1, true, "needs labels"},
		{"a,a", 1, true, "stand twice"},
	}
	for _, tt := range tests {
		var labels []string
		if tt.labels != "" {
			labels = strings.Split(tt.labels, ",")
		}
		err := checkLabels(labels, tt.outputs, tt.classed)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%q of %d outputs: got %v, want %q", tt.labels, tt.outputs, err, tt.want)
		}
	}
}
