package local

import (
	"context"
	"errors"

	"example.com/copse/functions/local/internal/parquetfile"
	"example.com/copse/pkg/schema"
	"example.com/copse/pkg/wire"
)

// source gives the blocks of one file.
type source interface {
	// next fills what of b the worker reads, and b.read; at the end it returns
	// io.EOF.
	next(ctx context.Context, b *block) error
	close() error
}

func (p *pipeline) open(in *input) (source, error) {
	o := wire.Options{IgnoreExtra: p.flags.ignoreExtra, NoHeader: p.flags.noHeader}
	s := p.model.Schema()
	if in.table != nil {
		return newTableSource(in.table, s, o, p.size)
	}
	t := &textSource{p: p, blocks: wire.NewSplitter(in, in.media, s, o, p.bytes, p.size)}
	t.read = func(b *block) error {
		if err := b.request.Decoder.Block(&b.text, s, &o, &b.request.Frame); err != nil {
			return err
		}
		return nil
	}
	return t, nil
}

// textSource is a file in CSV or JSONL.
type textSource struct {
	p      *pipeline
	blocks *wire.Splitter
	read   func(b *block) error
}

func (t *textSource) next(ctx context.Context, b *block) error {
	b.read = t.read
	if err := t.blocks.Next(&b.text); err != nil {
		return err
	}
	// Memory beyond a block's share is counted until the block is written.
	if n := int64(b.text.Memory()); n > int64(4*t.p.bytes) {
		n = min(n, longBytes)
		if err := t.p.long.Acquire(ctx, n); err != nil {
			return err
		}
		b.long = n
	}
	return nil
}

func (t *textSource) close() error { return nil }

// tableSource is a Parquet file.
type tableSource struct {
	rows *parquetfile.Rows
	size int
}

func newTableSource(f *parquetfile.File, s *schema.Schema, o wire.Options, size int) (*tableSource, error) {
	if o.NoHeader {
		return nil, errors.New("--no-header: Parquet has names for its columns")
	}
	rows, err := f.Match(s, o.IgnoreExtra)
	if err != nil {
		return nil, err
	}
	return &tableSource{rows, size}, nil
}

func (t *tableSource) next(_ context.Context, b *block) error {
	part, err := t.rows.Next(t.size)
	b.read = func(b *block) error {
		part.Take(&b.request.Frame)
		return nil
	}
	return err
}

func (t *tableSource) close() error { return t.rows.Close() }
