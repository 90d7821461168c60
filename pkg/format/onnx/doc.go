// Package onnx reads ONNX models: what scikit-learn's converter (skl2onnx) and
// onnxmltools write, and any graph of the operators in docs/onnx.md.
package onnx
