package features

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"example.com/copse/pkg/wire"
)

// maxFile bounds a CSV source: it is held in memory.
const maxFile = 64 << 20

// keyColumn is the column that holds the ids; without it, the first does.
const keyColumn = "id"

// csvSource is a CSV file in memory. Rows stay text until they are asked for,
// and then go through the decoder of CSV requests: one reading of a number for
// all.
type csvSource struct {
	data   []byte
	header []byte          // with its newline
	rows   map[string]span // by id
}

type span struct{ start, end int }

func openCSV(path string) (*csvSource, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("features: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("features: %w", err)
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("features: %s is larger than %d MiB: serve it by HTTP instead", path, maxFile>>20)
	}
	s, err := newCSVSource(data)
	if err != nil {
		return nil, fmt.Errorf("features: %s: %w", path, err)
	}
	return s, nil
}

// newCSVSource indexes a file whose first line names its columns.
func newCSVSource(data []byte) (*csvSource, error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	reader := csv.NewReader(bytes.NewReader(data))
	reader.ReuseRecord = true
	names, err := reader.Read()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("the file is empty: it needs a line with the names of its columns")
	}
	if err != nil {
		return nil, err
	}
	key := 0
	for i, name := range names {
		if name == keyColumn {
			key = i
		}
	}
	start := int(reader.InputOffset())
	s := &csvSource{data: data, header: append(bytes.Clone(bytes.TrimRight(data[:start], "\r\n")), '\n'), rows: map[string]span{}}
	for {
		record, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return s, nil
		}
		if err != nil {
			return nil, err
		}
		line, _ := reader.FieldPos(key)
		id, end := strings.Clone(record[key]), int(reader.InputOffset())
		if _, twice := s.rows[id]; twice {
			return nil, fmt.Errorf("line %d: the id stands in an earlier line already", line)
		}
		if id == "" {
			return nil, fmt.Errorf("line %d: the id is empty", line)
		}
		s.rows[id] = span{start, end}
		start = end
	}
}

// Fetch implements Source.
func (s *csvSource) Fetch(_ context.Context, id string) (Row, error) {
	at, ok := s.rows[id]
	if !ok {
		return Row{}, ErrNotFound
	}
	line := bytes.TrimLeft(s.data[at.start:at.end], "\r\n")
	body := make([]byte, 0, len(s.header)+len(line))
	return Row{Media: wire.CSV, Body: append(append(body, s.header...), line...)}, nil
}
