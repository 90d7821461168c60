package objectscore

import "example.com/copse/pkg/bulk"

const (
	// memoryGoal is what the work on objects should hold at most beside what is
	// held already, in bytes. It needs some 60 MiB: what is read ahead, the parts
	// of the result under way, blocks, columns that are being decoded. With the
	// program itself that stays under 128 MB.
	memoryGoal = 80 << 20
	// smallObject is the size below which an object does not need so much.
	smallObject = 4 << 20
)

// boundMemory tells the collector the goal while an object of so many bytes is
// worked on. The function that it returns takes it back.
func boundMemory(size int64) func() {
	if size < smallObject {
		return func() {}
	}
	return bulk.BoundMemory(memoryGoal)
}
