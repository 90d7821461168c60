package onnx_test

import (
	"testing"

	"example.com/copse/pkg/format/casetest"
	"example.com/copse/pkg/format/onnx"
)

// TestCases holds every fixture to what ONNX Runtime answered.
func TestCases(t *testing.T) { casetest.Run(t, onnx.Library, onnx.Read) }
