package ingest

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf16"
)

// Bucket keeps results and dead letters as objects of a store, each written
// once: under a name that is taken, what is there stays. What is delivered
// again has the same name, so a result is there once however often its record
// comes. A function has a prefix of its own: what another one wrote there would
// be taken for its own results.
//
// Names, below the prefix:
//
//	KIND/MESSAGE.jsonl      the answers to one message
//	KIND/SHARD/FIRST-LAST.jsonl  the answers to a stream's records, by sequence numbers
//	as the template says    the answers to an object (DefaultName)
//	KIND/ID.json            a dead letter
//
// where KIND is the source's ("sqs"), and an id is escaped as values of the
// template are.
type Bucket struct {
	store    Store
	where    Location
	most     int // bytes of a name
	base     string
	template *Template
}

// BucketOptions are what a store's driver knows of it.
type BucketOptions struct {
	// MaxName is the longest key, in bytes; 0 is 1,024, that of S3 and of Cloud
	// Storage.
	MaxName int
	// Base is what URIs of its objects begin with; "" is SCHEME://BUCKET/.
	Base string
}

// NewBucket returns the sink that keeps results in a store, below a prefix (""
// for none). Names of objects' results are made by DefaultName until Name says
// another template.
func NewBucket(store Store, scheme, bucket, prefix string, o BucketOptions) *Bucket {
	if prefix != "" && !strings.HasSuffix(prefix, "/") {
		prefix += "/"
	}
	if o.MaxName == 0 {
		o.MaxName = maxName
	}
	if o.Base == "" {
		o.Base = scheme + "://" + bucket + "/"
	}
	b := &Bucket{store: store, where: Location{scheme, bucket, prefix}, most: o.MaxName, base: o.Base}
	b.template, _ = ParseTemplate(DefaultName) // it is sound: a test says so
	return b
}

// Location is where the results go.
func (b *Bucket) Location() Location { return b.where }

// Name sets the template of the names of objects' results. It is for the time
// before the first use.
func (b *Bucket) Name(t *Template) { b.template = t }

// URI names an object of the bucket.
func (b *Bucket) URI(name string) string { return b.base + name }

// Put writes a message as one object, named by its source's kind and its id.
func (b *Bucket) Put(ctx context.Context, m Message) error {
	extension, content := ".jsonl", contentLines
	if m.Dead {
		extension, content = ".json", "application/json"
	}
	name := b.nameOf(extension, kindOf(&m.Source), m.ID)
	if number, ok := strings.CutPrefix(m.ID, m.Source.Shard+"/"); ok && m.Source.Shard != "" {
		name = b.nameOf(extension, kindOf(&m.Source), m.Source.Shard, number)
	}
	return b.write(ctx, name, Info{content, meta(&m.Source, m.Model, m.Digest)}, m.Body)
}

const contentLines = "application/x-ndjson"

func kindOf(s *Source) string {
	if s.Kind == "" {
		return "record"
	}
	return s.Kind
}

// nameOf makes a name of texts of any kind.
func (b *Bucket) nameOf(extension string, texts ...string) string {
	var dst []byte
	for i, text := range texts {
		if i > 0 {
			dst = append(dst, '/')
		}
		dst = appendEscaped(dst, text, false)
	}
	return b.fit(string(dst)+extension, extension)
}

// nameOfParts is the name of the answers to a stream's records: first to last
// are sequence numbers.
func (b *Bucket) nameOfParts(kind, shard, first, last string) string {
	return b.nameOf(".jsonl", kind, shard, first+"-"+last)
}

// nameOfObject is the name of an object's result.
func (b *Bucket) nameOfObject(o *Object, model, digest string) string {
	return b.fit(b.template.name(o, model, digest), ".jsonl")
}

func (b *Bucket) fit(name, extension string) string {
	return b.where.Prefix + fit(name, b.most-len(b.where.Prefix), extension)
}

// write writes a whole object, unless there is one of its name.
func (b *Bucket) write(ctx context.Context, name string, info Info, body []byte) error {
	u, err := b.store.Create(ctx, name, info)
	if err != nil {
		return err
	}
	defer abort(ctx, u)
	if _, err := u.Write(body); err != nil {
		return err
	}
	_, err = u.Commit(ctx) // what was there already is the same record's
	return err
}

// abortTime is how long giving up an upload may take: one call. Where the time
// of the event is over, what is left of an upload is the bucket's lifecycle's.
const abortTime = 2 * time.Second

// abort gives up what was not committed, also where ctx has ended.
func abort(ctx context.Context, u Upload) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTime)
	defer cancel()
	u.Abort(ctx)
}

// exists says whether a result is there. What cannot be told is not: then the
// work is done, and Commit finds out.
func (b *Bucket) exists(ctx context.Context, name string) bool {
	f, ok := b.store.(Finder)
	if !ok {
		return false
	}
	there, err := f.Exists(ctx, name)
	return err == nil && there
}

// maxMeta bounds a text beside an object, in bytes: S3 takes 2 KiB for all of
// them and their names (userguide/UsingMetadata.html).
const maxMeta = 1400

// meta is what is noted beside a result: whose answers they are.
func meta(s *Source, model, digest string) map[string]string {
	all := map[string]string{"copse-source": sourceText(*s)}
	if model != "" {
		all["copse-model"] = ascii(model)
	}
	if digest != "" {
		all["copse-digest"] = digest
	}
	return all
}

// sourceText is a source as JSON in ASCII. One that is too long is told without
// its attributes, and without a key that is still too long: the name tells it.
func sourceText(s Source) string {
	for _, shorten := range []func(){func() {}, func() { s.Attributes = nil }, func() { s.Key = "" }, func() { s = Source{Kind: s.Kind} }} {
		shorten()
		raw, err := json.Marshal(s)
		if err != nil {
			continue // strings only: it cannot fail
		}
		if text := ascii(string(raw)); len(text) <= maxMeta {
			return text
		}
	}
	return "{}"
}

// ascii writes other characters as JSON escapes them.
func ascii(text string) string {
	var dst []byte
	for _, r := range text {
		switch {
		case r >= ' ' && r <= '~':
			dst = append(dst, byte(r))
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			dst = fmt.Appendf(dst, `\u%04x\u%04x`, high, low)
		default:
			dst = fmt.Appendf(dst, `\u%04x`, r)
		}
	}
	return string(dst)
}
