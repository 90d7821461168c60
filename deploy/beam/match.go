package copsebeam

import (
	"context"
	"os"
	"slices"
	"strings"
)

// match lists the files that a pattern means, and the folder that the names of
// their results leave out: what is before the first wildcard, up to its "/".
func (s *system) match(ctx context.Context, pattern string) (names []string, base string, err error) {
	if strings.HasSuffix(pattern, "/") {
		pattern += "*"
	}
	at := strings.IndexAny(pattern, "*?[")
	if at < 0 {
		return []string{pattern}, pattern[:strings.LastIndex(pattern, "/")+1], nil
	}
	base = pattern[:strings.LastIndex(pattern[:at], "/")+1]
	all, err := s.List(ctx, s.escape(pattern))
	if err != nil {
		return nil, "", err
	}
	names = slices.DeleteFunc(all, func(name string) bool { return strings.HasSuffix(name, "/") || isFolder(name) })
	return names, base, nil
}

// isFolder says whether a path is a folder of this machine.
func isFolder(name string) bool {
	if _, _, ok := cutScheme(name); ok {
		return false
	}
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}
