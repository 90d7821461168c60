package engine

// carries says that the borrow of a subtraction goes into an addition as a
// flag, two instructions where a comparison would take five.
const carries = true
