package ingest

import (
	"errors"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Location is a bucket of a store, or what of it lies below a prefix.
type Location struct {
	Scheme string // "s3", "gs", "file"
	Bucket string
	Prefix string // "" for the whole bucket, else it ends in "/"
}

// ParseLocation reads "s3://BUCKET/PREFIX/". A slash at the end is implied, so
// that "in" holds no object of "inbox/". Names are as they are, not URL-encoded.
func ParseLocation(uri string) (Location, error) {
	scheme, rest, ok := strings.Cut(uri, "://")
	bucket, prefix, _ := strings.Cut(rest, "/")
	switch {
	case !ok || scheme == "" || bucket == "":
		return Location{}, errors.New(`must be "SCHEME://BUCKET/PREFIX/", such as s3://results/daily/`)
	case !utf8.ValidString(rest) || strings.ContainsFunc(rest, unicode.IsControl):
		return Location{}, errors.New("a bucket or a prefix is text in UTF-8 without control characters")
	}
	if prefix == "" {
		return Location{scheme, bucket, ""}, nil
	}
	prefix = strings.TrimSuffix(prefix, "/")
	for part := range strings.SplitSeq(prefix, "/") {
		if part == "" || part == "." || part == ".." {
			return Location{}, errors.New(`a prefix has no parts that are empty, "." or ".."`)
		}
	}
	return Location{scheme, bucket, prefix + "/"}, nil
}

// ParseLocations reads a list with commas between. The empty text is the empty
// list; one of commas only is a mistake, since no list means "anywhere".
func ParseLocations(list string) ([]Location, error) {
	var all []Location
	for item := range strings.SplitSeq(list, ",") {
		if item = strings.TrimSpace(item); item == "" {
			continue
		}
		l, err := ParseLocation(item)
		if err != nil {
			return nil, err
		}
		if strings.Contains(item, "*") {
			return nil, errors.New(`there are no patterns: all objects below a prefix are meant, such as "s3://bucket/in/"`)
		}
		all = append(all, l)
	}
	if len(all) == 0 && list != "" {
		return nil, errors.New("it names no place: leave it out to allow any")
	}
	return all, nil
}

// String is the location's URI.
func (l Location) String() string { return l.Scheme + "://" + l.Bucket + "/" + l.Prefix }

// Holds says whether an object lies in the location.
func (l Location) Holds(o *Object) bool {
	return o.Scheme == l.Scheme && o.Bucket == l.Bucket && strings.HasPrefix(o.Key, l.Prefix)
}

// Overlaps says whether some object may lie in both locations.
func (l Location) Overlaps(m Location) bool {
	return l.Scheme == m.Scheme && l.Bucket == m.Bucket &&
		(strings.HasPrefix(l.Prefix, m.Prefix) || strings.HasPrefix(m.Prefix, l.Prefix))
}

// anyHolds says whether an object lies in one of the locations.
func anyHolds(all []Location, o *Object) bool {
	return slices.ContainsFunc(all, func(l Location) bool { return l.Holds(o) })
}
