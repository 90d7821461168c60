package predict

import (
	"hash/maphash"
	"math"
	"sync"
	"unsafe"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// CacheMode says when answers are remembered.
type CacheMode uint8

const (
	// CacheAuto remembers answers of models whose scoring costs more than the
	// look-up.
	CacheAuto CacheMode = iota
	CacheOn
	CacheOff
)

// Cost of a look-up and store in nanoseconds, from BenchmarkCache: the map
// operations, the list of the LRU, and the comparison and copy of the row, all
// of them far from the processor's own caches once the memory is full.
const (
	lookupCost        = 450
	lookupCostFeature = 3
)

// worth is how much dearer than a look-up scoring must be: every row pays for
// the look-up, and only those found again are spared the scoring; at twice the
// cost, half of them.
const worth = 2

// entryOverhead estimates what an entry costs beside its numbers: the LRU's
// list element, its map slot and key, the slice header.
const entryOverhead = 200

// Cache remembers answers of all models in one LRU, bounded by bytes. A key is
// the model's name and digest and the bits of the cleaned row; the hash only
// finds the entry, the row in it is compared whole. The name is there because a
// bundle is believed what digest it says it has: no model answers for another.
type Cache struct {
	mode  CacheMode
	limit int

	mu    sync.Mutex
	lru   *simplelru.LRU[cacheKey, []float64] // the row, then its values
	bytes int
}

type cacheKey struct {
	model string
	hash  uint64
}

// NewCache returns a cache of at most limit bytes.
func NewCache(mode CacheMode, limit int) *Cache {
	c := &Cache{mode: mode, limit: limit}
	// The bound is bytes; the count of entries cannot be reached.
	c.lru, _ = simplelru.NewLRU(math.MaxInt, func(_ cacheKey, v []float64) {
		c.bytes -= entryBytes(v)
	})
	return c
}

func entryBytes(v []float64) int { return 8*len(v) + entryOverhead }

// serves says whether the stage runs for a model: its known cost against the
// model's, estimated from the compiled model and never by a stopwatch, so that
// the same function behaves the same on every machine.
func (c *Cache) serves(features int, rowCost float64) bool {
	switch {
	case c == nil || c.mode == CacheOff:
		return false
	case c.mode == CacheOn:
		return true
	}
	return rowCost > worth*(lookupCost+lookupCostFeature*float64(features))
}

// seed is the process's own, so that nobody outside can choose rows that fall
// into one slot.
var seed = maphash.MakeSeed()

func hashRow(row []float64) uint64 { return maphash.Bytes(seed, rowBytes(row)) }

// rowBytes views a row's bits.
func rowBytes(row []float64) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(row))), 8*len(row))
}

// sameRow compares bits, so NaN equals NaN and 0 is not -0.
func sameRow(a, b []float64) bool {
	return string(rowBytes(a)) == string(rowBytes(b))
}

// lookup copies the remembered values of a row to out.
func (c *Cache) lookup(k cacheKey, row, out []float64) bool {
	v, ok := c.lru.Get(k)
	if !ok || len(v) != len(row)+len(out) || !sameRow(v[:len(row)], row) {
		return false
	}
	copy(out, v[len(row):])
	return true
}

// store remembers a row's values, and forgets the oldest ones over the limit.
func (c *Cache) store(k cacheKey, row, values []float64) {
	v := make([]float64, 0, len(row)+len(values))
	v = append(append(v, row...), values...)
	if entryBytes(v) > c.limit {
		return
	}
	if old, ok := c.lru.Peek(k); ok {
		c.bytes -= entryBytes(old)
	}
	c.lru.Add(k, v)
	c.bytes += entryBytes(v)
	for c.bytes > c.limit {
		c.lru.RemoveOldest()
	}
}

// Size returns the bytes and entries now held.
func (c *Cache) Size() (bytes, entries int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.bytes, c.lru.Len()
}
