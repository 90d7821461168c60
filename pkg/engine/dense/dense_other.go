//go:build !amd64 && !arm64

package dense

func mulTiles(out, x, part []float32, stride, k, rows int, relu bool) {
	mulPlain(out, x, part, stride, k, rows, relu)
}

func distanceTiles(out, x, part []float32, stride, k, rows int, relu bool) {
	distancePlain(out, x, part, stride, k, rows, relu)
}

// Kernels lists the kernels of this processor, the best last.
func Kernels() []string { return []string{"go"} }

// Use chooses one of Kernels, for tests.
func Use(string) {}
