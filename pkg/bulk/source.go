package bulk

import (
	"context"
	"errors"
	"io"

	"example.com/copse/pkg/bulk/parquetfile"
	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/wire"
)

// source gives the blocks of one file.
type source interface {
	// next fills what of b the worker reads, and b.read; at the end it returns
	// io.EOF.
	next(ctx context.Context, b *block) error
	close() error
}

func (s *Scorer) open(in *Input) (source, error) {
	o := wire.Options{IgnoreExtra: s.o.IgnoreExtra, NoHeader: s.o.NoHeader}
	features := s.o.Model.Schema()
	switch {
	case in.packed && s.o.From > 0:
		return noRows{}, nil
	case in.Table != nil:
		return s.newTableRows(in, o)
	}
	t := &textSource{s: s, blocks: wire.NewSplitter(in, in.Media, features, o, s.bytes, s.size)}
	if s.o.ranged() && !in.packed {
		if err := in.restrict(t.blocks, &s.o); err != nil {
			return nil, err
		}
	}
	t.read = func(b *block) error {
		if err := b.request.Decoder.Block(&b.text, features, &o, &b.request.Frame); err != nil {
			return err
		}
		return nil
	}
	return t, nil
}

// textSource is a file in CSV or JSONL.
type textSource struct {
	s      *Scorer
	blocks *wire.Splitter
	read   func(b *block) error
}

func (t *textSource) next(ctx context.Context, b *block) error {
	b.read = t.read
	if err := t.blocks.Next(&b.text); err != nil {
		return err
	}
	// Memory beyond a block's share is counted until the block is written.
	if n := int64(b.text.Memory()); n > int64(4*t.s.bytes) {
		n = min(n, longBytes)
		if err := t.s.long.Acquire(ctx, n); err != nil {
			return err
		}
		b.long = n
	}
	return nil
}

func (t *textSource) close() error { return nil }

// tableRows is a Parquet file.
type tableRows struct {
	rows *parquetfile.Rows
	size int
}

func (s *Scorer) newTableRows(in *Input, o wire.Options) (*tableRows, error) {
	if o.NoHeader {
		return nil, fault.New(fault.BadParameter, "no header: Parquet has names for its columns")
	}
	rows, err := in.Table.Match(s.o.Model.Schema(), o.IgnoreExtra)
	if err != nil {
		return nil, asFault(fault.WrongType, err)
	}
	rows.On(s.o.Cores)
	if !in.packed {
		rows.Within(s.o.From, s.o.To)
	}
	if in.segments != nil {
		in.segments.expect(rows.Chunks())
	}
	return &tableRows{rows, s.size}, nil
}

func (t *tableRows) next(_ context.Context, b *block) error {
	part, err := t.rows.Next(t.size)
	b.read = func(b *block) error {
		part.Take(&b.request.Frame)
		return nil
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return asFault(fault.Malformed, err)
	}
	return err
}

func (t *tableRows) close() error { return t.rows.Close() }

// noRows is a range in which no row begins.
type noRows struct{}

func (noRows) next(context.Context, *block) error { return io.EOF }
func (noRows) close() error                       { return nil }
