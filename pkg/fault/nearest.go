package fault

// Nearest returns the known name that a misspelt one most likely means, or ""
// where none is near: at most a third of its letters differ.
func Nearest(name string, known []string) string {
	best, found := len(name)/3+1, ""
	if len(name) > maxEcho {
		return ""
	}
	for _, k := range known {
		if d := distance(name, k, best); d < best {
			best, found = d, k
		}
	}
	return found
}

// distance is Levenshtein's edit distance in bytes, or limit where it is not
// smaller.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, diagonal+1, row[j]+1)
		}
	}
	return min(row[len(b)], limit)
}
