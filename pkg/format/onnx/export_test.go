package onnx

// Operators lists the types of the operators that can be lowered.
func Operators() (names []string) {
	for _, o := range operators() {
		names = append(names, o.op)
	}
	return names
}
