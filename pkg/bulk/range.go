package bulk

import (
	"cmp"
	"io"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/wire"
)

// ranged says whether a part of a file is asked for.
func (o *Options) ranged() bool { return o.From != 0 || o.To != 0 }

// checkRange refuses what is no range of a file.
func checkRange(f *File, o *Options) error {
	switch {
	case !o.ranged():
		return nil
	case o.From < 0 || o.To < 0 || o.To > 0 && o.To < o.From:
		return fault.New(fault.BadParameter, "no range of bytes: from must be at least 0, and to at least from, or 0 for the end")
	case f.At == nil:
		return fault.New(fault.BadParameter, "a range of bytes is read of files only, not of a stream")
	}
	return nil
}

// restrict has a splitter give the rows that begin in the range that is asked
// for: it reads the header from the beginning, then goes on at the first record
// of the range, and ends with the last.
func (in *Input) restrict(blocks *wire.Splitter, o *Options) error {
	at, err := blocks.Header()
	if err != nil {
		return err
	}
	c := &cutter{ctx: in.meter.ctx, at: in.meter.at(), size: in.meter.f.Size,
		longest: cmp.Or(o.longest, wire.MaxRecord), look: cmp.Or(o.look, firstLook)}
	border := c.lines
	if in.Media == wire.CSV {
		border = c.csv
	}
	if o.From > at {
		if at, err = border(o.From); err != nil {
			return err
		}
	}
	end := o.To
	if end == 0 || end > c.size {
		end = c.size
	}
	// What is behind the range is for the record that ends there.
	own, behind := NewAhead(c.ctx, c.at, at, end, AheadOptions{}), NewAhead(c.ctx, c.at, end, c.size, AheadOptions{})
	in.close = append(in.close, own.Close, behind.Close)
	blocks.Range(&metered{in.meter, io.MultiReader(own, behind)}, at, end)
	return nil
}
