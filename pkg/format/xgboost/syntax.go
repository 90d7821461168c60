package xgboost

// token is a kind of value.
type token uint8

const (
	nothing token = iota // after a failure
	object
	array
	text
	number
	truth // true or false
	null
)

func (t token) String() string {
	switch t {
	case object:
		return "an object"
	case array:
		return "an array"
	case text:
		return "a text"
	case number:
		return "a number"
	case truth:
		return "a truth value"
	case null:
		return "null"
	}
	return "nothing"
}

// scalar is the last value that was neither object nor array.
type scalar struct {
	text  []byte  // of a text; valid until the next value
	float float64 // of a number
	whole int64   // of a number that is written as a whole one
	exact bool    // whole says it all
	yes   bool
}

// syntax is one of the two forms of a file: JSON or UBJSON. After a failure of
// its input, nothing comes any more: value returns nothing, member and element
// return false, and numbers those that were read before.
type syntax interface {
	// value begins the next value; one that is neither object nor array is read
	// whole. Where keep is false, texts and numbers are not kept.
	value(keep bool) (token, *scalar)
	// member is the next key of the object that is open, valid until the next
	// value, and element says whether the array has one more.
	member() (key []byte, ok bool)
	element() bool
	// The rest of an array of numbers, appended; bits takes truth values too.
	floats(dst []float32) []float32
	ints(dst []int32) []int32
	bits(dst []uint8) []uint8
	// skipped passes over the rest of the array that is open, if that can be
	// done at once.
	skipped() bool
	// end fails where something follows the value.
	end()
}

// Limits of what is held at a time.
const (
	maxText   = 1 << 20 // bytes of a text or key
	maxNumber = 512     // bytes of a number; libraries write up to 25
	maxDepth  = 64      // of nested values; models have 8
)
