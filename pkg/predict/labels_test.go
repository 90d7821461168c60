package predict

import (
	"strings"
	"testing"
)

func TestCheckLabels(t *testing.T) {
	tests := []struct {
		labels  string
		outputs int
		want    string
	}{
		{"", 1, ""},
		{"", 3, ""},
		{"a,b,c", 3, ""},
		{"no,yes", 1, ""},
		{"a", 1, ""},
		{"a,b", 3, "2 labels do not fit 3 outputs"},
		{"a,b,c", 1, "3 labels do not fit 1 outputs"},
		{"a,b,a", 3, "stand twice"},
		{"a,,c", 3, "may be empty"},
		{"yes,yes", 1, "stand twice"},
	}
	for _, tt := range tests {
		var labels []string
		if tt.labels != "" {
			labels = strings.Split(tt.labels, ",")
		}
		err := checkLabels(labels, tt.outputs)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%q of %d outputs: got %v, want %q", tt.labels, tt.outputs, err, tt.want)
		}
	}
}
