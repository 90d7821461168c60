package gcf

import (
	"net/http"
	"strings"
	"testing"
)

const (
	traceID = "4bf92f3577b34da6a3ce929d0e0e4736"
	spanID  = "00f067aa0ba902b7"
)

func TestTraceOf(t *testing.T) {
	full := trace{traceID, spanID, true}
	unsampled := trace{traceID, spanID, false}
	tests := []struct {
		name, parent, cloud string
		want                trace
	}{
		{"nothing", "", "", trace{}},
		{"sampled", "00-" + traceID + "-" + spanID + "-01", "", full},
		{"not sampled", "00-" + traceID + "-" + spanID + "-00", "", unsampled},
		{"other flags", "00-" + traceID + "-" + spanID + "-fe", "", unsampled},
		{"later version with more", "cc-" + traceID + "-" + spanID + "-01-what", "", full},
		{"later version run on", "cc-" + traceID + "-" + spanID + "-01what", "", trace{}},
		{"version 0 with more", "00-" + traceID + "-" + spanID + "-01-what", "", trace{}},
		{"version ff", "ff-" + traceID + "-" + spanID + "-01", "", trace{}},
		{"capitals", "00-" + strings.ToUpper(traceID) + "-" + spanID + "-01", "", trace{}},
		{"zero trace", "00-" + strings.Repeat("0", 32) + "-" + spanID + "-01", "", trace{}},
		{"zero span", "00-" + traceID + "-" + strings.Repeat("0", 16) + "-01", "", trace{}},
		{"bad flags", "00-" + traceID + "-" + spanID + "-0x", "", trace{}},
		{"cut", "00-" + traceID + "-" + spanID + "-0", "", trace{}},
		{"Google's", "", traceID + "/67667974448284343;o=1", full},
		{"Google's, not sampled", "", traceID + "/67667974448284343;o=0", unsampled},
		{"Google's, without options", "", traceID + "/67667974448284343", unsampled},
		{"Google's, small span", "", traceID + "/10;o=1", trace{traceID, "000000000000000a", true}},
		{"Google's, span 0", "", traceID + "/0;o=1", trace{traceID, "", true}},
		{"Google's, no span", "", traceID, trace{traceID, "", false}},
		{"Google's, huge span", "", traceID + "/99999999999999999999;o=1", trace{traceID, "", true}},
		{"Google's, capitals", "", strings.ToUpper(traceID) + "/1", trace{traceID, "0000000000000001", false}},
		{"Google's, not hexadecimal", "", strings.Repeat("x", 32) + "/1", trace{}},
		{"Google's, short", "", "105445aa/1", trace{}},
		{"the W3C's wins", "00-" + traceID + "-" + spanID + "-01", strings.Repeat("1", 32) + "/1", full},
		{"an odd one gives way", "00-odd", traceID + "/67667974448284343;o=1", full},
	}
	for _, tt := range tests {
		h := http.Header{}
		if tt.parent != "" {
			h.Set("traceparent", tt.parent)
		}
		if tt.cloud != "" {
			h.Set("X-Cloud-Trace-Context", tt.cloud)
		}
		if got, ok := traceOf(h); got != tt.want || ok != (tt.want != trace{}) {
			t.Errorf("%s: got %+v, %v, want %+v", tt.name, got, ok, tt.want)
		}
	}
}

// FuzzTraceOf: what is taken is safe to write into a log and a link.
func FuzzTraceOf(f *testing.F) {
	f.Add("00-"+traceID+"-"+spanID+"-01", "")
	f.Add("", traceID+"/67667974448284343;o=1")
	f.Fuzz(func(t *testing.T, parent, cloud string) {
		got, ok := traceOf(http.Header{"Traceparent": {parent}, "X-Cloud-Trace-Context": {cloud}})
		if ok != (got != trace{}) {
			t.Fatalf("got %+v, %v", got, ok)
		}
		if ok && (len(got.id) != 32 || !isID(got.id) || got.span != "" && (len(got.span) != 16 || !isID(got.span))) {
			t.Fatalf("got %+v", got)
		}
	})
}
