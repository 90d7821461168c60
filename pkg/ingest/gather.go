package ingest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"example.com/copse/pkg/fault"
	"example.com/copse/pkg/wire"
)

// defaultMessage is the largest reply to an object, in bytes, for a sink that
// does not say what it takes: more than any queue or topic, and little beside
// the memory of the smallest function (256 MB).
const defaultMessage = 16 << 20

// toMessage gathers the answers into one message: the reply that HTTP would
// have given. Nothing is sent of one that is too large.
func (w *objectWork) toMessage(ctx context.Context) *fault.Error {
	e := w.e
	most := defaultMessage
	if s, ok := e.h.o.Sink.(Limited); ok {
		most = s.MaxMessage()
	}
	out := &gathered{most: most}
	return w.run(ctx, out, "", func(ctx context.Context, sum Scored) (existed bool, err error) {
		source, err := json.Marshal(e.source(w.it))
		if err != nil {
			return false, err
		}
		out.end(e.model.Name(), e.model.Digest(), source, sum)
		if fe := out.tooLarge(); fe != nil {
			return false, fe
		}
		if fe := e.send(ctx, w.it, out.reply); fe != nil {
			return false, fe
		}
		return false, nil
	})
}

// gathered makes a reply of lines: {"row":0,"prediction":1} becomes
// {"prediction":1} in a list.
type gathered struct {
	most  int
	reply []byte
	line  []byte // the beginning of one whose end is still to come
}

func (g *gathered) Write(p []byte) (int, error) {
	rest := p
	for {
		line, after, whole := bytes.Cut(rest, []byte("\n"))
		if !whole {
			g.line = append(g.line, line...)
			break
		}
		if len(g.line) > 0 {
			g.line = append(g.line, line...)
			line = g.line
		}
		g.add(line)
		g.line, rest = g.line[:0], after
		if fe := g.tooLarge(); fe != nil {
			return 0, fe
		}
	}
	if len(g.reply)+len(g.line) > 2*g.most {
		return 0, g.refusal()
	}
	return len(p), nil
}

const replyBegins = `{"predictions":[`

// add adds a line without its number.
func (g *gathered) add(line []byte) {
	if len(g.reply) == 0 {
		g.reply = append(g.reply, replyBegins...)
	} else {
		g.reply = append(g.reply, ',')
	}
	if rest, ok := bytes.CutPrefix(line, []byte(`{"row":`)); ok {
		_, line, _ = bytes.Cut(rest, []byte(","))
		g.reply = append(g.reply, '{')
	}
	g.reply = append(g.reply, line...)
}

func (g *gathered) end(model, digest string, source []byte, sum Scored) {
	if len(g.reply) == 0 {
		g.reply = append(g.reply, replyBegins...)
	}
	s := sum.Stats
	g.reply = fmt.Appendf(g.reply, `],"stats":{"rows":%d,"valid":%d,"unique":%d,"cached":%d,"scored":%d},"model":{"name":`,
		s.Rows, s.Valid, s.Unique, s.Cached, s.Scored)
	g.reply = append(wire.AppendJSONString(g.reply, model), `,"digest":`...)
	g.reply = append(wire.AppendJSONString(g.reply, digest), `},"source":`...)
	g.reply = append(append(g.reply, source...), '}')
}

func (g *gathered) tooLarge() *fault.Error {
	if len(g.reply) > g.most {
		return g.refusal()
	}
	return nil
}

func (g *gathered) refusal() *fault.Error {
	return fault.New(fault.ReplyTooLarge, "the answers to the object are over %d bytes, the most that the sink takes as one message: set COPSE_SINK to a bucket", g.most)
}
