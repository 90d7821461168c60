package fault

// MaxNear is the longest name, in bytes, that Nearest compares.
const MaxNear = 64

// Nearest returns which of n known names a misspelt one most likely means: the
// first of those with the least edit distance, of at most a third of the
// name's length (and at least 2); "" where none is near.
func Nearest(name string, n int, known func(i int) string) string {
	if name == "" || len(name) > MaxNear {
		return ""
	}
	best, limit := "", max(2, len(name)/3)+1
	for i := range n {
		k := known(i)
		if len(k) > MaxNear || len(k)-len(name) >= limit || len(name)-len(k) >= limit {
			continue
		}
		if d := distance(name, k); d < limit {
			best, limit = k, d
		}
	}
	return best
}

// distance is Levenshtein's, in bytes; letters that differ only in case count
// as equal. Both are at most MaxNear long.
func distance(a, b string) int {
	var row [MaxNear + 1]int
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if lower(a[i]) != lower(b[j]) {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
