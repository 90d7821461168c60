package engine

// maxBlock is how many rows one tree is walked for before the next tree: its
// nodes then stay in the level-1 cache. keyBudget bounds the keys of a block,
// in bytes, so that wide models do not push them out of the level-2 cache.
const (
	maxBlock  = 128
	minBlock  = 2 * lanes
	keyBudget = 512 << 10
)

// Costs in nanoseconds on a 2.6 GHz server core of 2023, fitted to
// BenchmarkScore. Only their ratios to each other, and to the costs that other
// stages state, decide anything.
const (
	nsRow   = 25  // what a row costs whatever the model
	nsValue = 1.4 // to make a key
	nsStep  = 0.7 // one row one step down one tree
	nsMask  = 0.2 // more where nodes have masks
	nsLeaf  = 0.5 // to add one leaf value
	nsTerm  = 2.0 // to add one term of a linear leaf
	nsPlace = 10  // to recode a value
)

// cost is what is known of a model's cost before any row comes.
type cost struct {
	block int     // rows
	row   float64 // ns
}

func estimate(a *Arrays) cost {
	steps := 0
	for _, d := range a.Depths {
		steps += int(d)
	}
	leaves := len(a.Roots) * a.LeafWidth
	columns := len(a.Columns) + 1
	c := cost{
		row: nsRow + nsValue*float64(columns) + nsStep*float64(steps) + nsLeaf*float64(leaves) +
			nsPlace*float64(len(a.RecodeLists)/2),
	}
	if len(a.Masks32)+len(a.Masks64) > 0 {
		c.row += nsMask * float64(steps)
	}
	if n := len(a.LeafIDs); n > 0 && len(a.LinearStarts) > 0 {
		c.row += nsTerm * float64(len(a.LinearCoeffs)) / float64(n) * float64(len(a.Roots))
	}
	rows := keyBudget / (columns * bytesOf(a)) / lanes * lanes
	c.block = min(max(rows, minBlock), maxBlock)
	return c
}

// RowCost estimates the time to score one row among others, in nanoseconds,
// from the compiled model alone.
func (e *Engine) RowCost() float64 { return e.cost.row }

// padFrom is the number of rows from which a group of eight, the lanes without
// a row included, is cheaper than eight trees at a time for each row: a row
// alone costs a ninth to a quarter more than a row of a full group.
const padFrom = 7

// rowGroups is how many groups of eight n rows make; the rest is scored row by
// row.
func rowGroups(n int) int {
	groups := n / lanes
	if n%lanes >= padFrom {
		groups++
	}
	return groups
}

// Kernel names the way most of n rows are scored: "eight-trees" walks eight
// trees at a time for one row, "eight-rows" one tree at a time for eight rows.
// A "program" does with its own steps what it does.
func (e *Engine) Kernel(n int) string {
	if e.program != nil {
		return "program"
	}
	if rowGroups(n) == 0 {
		return "eight-trees"
	}
	return "eight-rows"
}
