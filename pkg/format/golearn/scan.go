package golearn

import (
	"bytes"

	"example.com/copse/pkg/format/jsonscan"
)

// scanner walks the JSON text of an archive's entry.
type scanner struct{ *jsonscan.Scanner }

func scan(entry string, data []byte) *scanner {
	return &scanner{jsonscan.New(bytes.NewBuffer(data), Library, entry)}
}

// text reads a text of at most maxText bytes.
func (s *scanner) text() string {
	text := s.Text()
	if len(text) > maxText {
		s.Fail("a text of more than %d bytes", maxText)
		return ""
	}
	return text
}
