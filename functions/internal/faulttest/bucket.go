package faulttest

import (
	"bytes"
	"crypto/md5" //nolint:gosec // S3's entity tags are of MD5
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Object is what a bucket holds under a key.
type Object struct {
	Body   []byte
	ETag   string // quoted
	Header http.Header
	// Writes counts the writes that this key has seen; of conditional ones at
	// most one succeeds.
	Writes int
}

// upload is a multipart upload that is neither completed nor given up.
type upload struct {
	bucket, key string
	header      http.Header
	parts       map[int]Object
}

// apiError is an error as S3 tells it.
type apiError struct {
	XMLName xml.Name `xml:"Error"`
	Code    string
	Message string
	status  int
}

func failure(status int, code string) *apiError {
	return &apiError{Code: code, Message: code, status: status}
}

var (
	noSuchKey      = failure(http.StatusNotFound, "NoSuchKey")
	noSuchBucket   = failure(http.StatusNotFound, "NoSuchBucket")
	noSuchUpload   = failure(http.StatusNotFound, "NoSuchUpload")
	precondition   = failure(http.StatusPreconditionFailed, "PreconditionFailed")
	badRange       = failure(http.StatusRequestedRangeNotSatisfiable, "InvalidRange")
	badDigest      = failure(http.StatusBadRequest, "BadDigest")
	invalidPart    = failure(http.StatusBadRequest, "InvalidPart")
	entityTooSmall = failure(http.StatusBadRequest, "EntityTooSmall")
	notImplemented = failure(http.StatusNotImplemented, "NotImplemented")
)

// minPart is the least size of a part that is not the last, in bytes.
const minPart = 5 << 20

// storeOp names a call to S3 by its API's name, or is "".
func storeOp(r *http.Request) string {
	q := r.URL.Query()
	switch {
	case r.Method == http.MethodPut && q.Has("partNumber"):
		return "UploadPart"
	case r.Method == http.MethodPut:
		return "PutObject"
	case r.Method == http.MethodGet:
		return "GetObject"
	case r.Method == http.MethodHead:
		return "HeadObject"
	case r.Method == http.MethodPost && q.Has("uploads"):
		return "CreateMultipartUpload"
	case r.Method == http.MethodPost && q.Has("uploadId"):
		return "CompleteMultipartUpload"
	case r.Method == http.MethodDelete && q.Has("uploadId"):
		return "AbortMultipartUpload"
	case r.Method == http.MethodDelete:
		return "DeleteObject"
	}
	return ""
}

// serveStore is S3 in the style of paths: /BUCKET/KEY. It is strict where the
// driver relies on it: conditions, checksums, sizes of parts.
func (c *Cloud) serveStore(w http.ResponseWriter, r *http.Request, body []byte) {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	c.mu.Lock()
	defer c.mu.Unlock()
	objects, ok := c.buckets[bucket]
	err := noSuchBucket
	if ok {
		err = c.storeCall(w, r, body, objects, bucket, key)
	}
	if err == nil {
		return
	}
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(err.status)
	if r.Method != http.MethodHead {
		writeXML(w, err)
	}
}

func writeXML(w io.Writer, v any) {
	data, err := xml.Marshal(v)
	if err != nil {
		panic(err) // of types of this file only
	}
	_, _ = w.Write(append([]byte(xml.Header), data...)) // who hung up has no use for it
}

func (c *Cloud) storeCall(w http.ResponseWriter, r *http.Request, body []byte, objects map[string]*Object, bucket, key string) *apiError {
	if strings.HasPrefix(r.Header.Get("X-Amz-Content-Sha256"), "STREAMING") {
		return notImplemented
	}
	if err := checkSum(r.Header, body); err != nil {
		return err
	}
	q := r.URL.Query()
	switch storeOp(r) {
	case "PutObject":
		return c.put(w, r, objects, key, body, noted(r.Header))
	case "HeadObject", "GetObject":
		return get(w, r, objects[key])
	case "CreateMultipartUpload":
		c.count++
		id := fmt.Sprintf("upload-%d", c.count)
		c.uploads[id] = &upload{bucket, key, noted(r.Header), map[int]Object{}}
		writeXML(w, struct {
			XMLName     xml.Name `xml:"InitiateMultipartUploadResult"`
			Bucket, Key string
			UploadID    string `xml:"UploadId"`
		}{Bucket: bucket, Key: key, UploadID: id})
		return nil
	case "UploadPart":
		return c.putPart(w, q.Get("uploadId"), q.Get("partNumber"), body)
	case "CompleteMultipartUpload":
		return c.complete(w, r, objects, key, q.Get("uploadId"), body)
	case "AbortMultipartUpload":
		if c.uploads[q.Get("uploadId")] == nil {
			return noSuchUpload
		}
		delete(c.uploads, q.Get("uploadId"))
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return notImplemented
}

// checkSum checks the checksum that the SDK sends in a header.
func checkSum(h http.Header, body []byte) *apiError {
	want := h.Get("X-Amz-Checksum-Crc32")
	if want == "" {
		return nil
	}
	sum := crc32.NewIEEE()
	_, _ = sum.Write(body) // never fails
	if base64.StdEncoding.EncodeToString(sum.Sum(nil)) != want {
		return badDigest
	}
	return nil
}

// noted is what is kept beside an object.
func noted(h http.Header) http.Header {
	kept := http.Header{}
	for name, values := range h {
		if name == "Content-Type" || strings.HasPrefix(name, "X-Amz-Meta-") {
			kept[name] = slices.Clone(values)
		}
	}
	return kept
}

func etag(body []byte) string {
	sum := md5.Sum(body) //nolint:gosec // as above
	return `"` + hex.EncodeToString(sum[:]) + `"`
}

// put writes an object where its condition holds: If-None-Match: * asks that
// there be none.
func (c *Cloud) put(w http.ResponseWriter, r *http.Request, objects map[string]*Object, key string, body []byte, header http.Header) *apiError {
	o := objects[key]
	if condition := r.Header.Get("If-None-Match"); condition != "" && o != nil {
		if condition != "*" {
			return notImplemented
		}
		return precondition
	}
	if o == nil {
		o = new(Object)
		objects[key] = o
	}
	*o = Object{Body: body, ETag: etag(body), Header: header, Writes: o.Writes + 1}
	w.Header().Set("ETag", o.ETag)
	return nil
}

func (c *Cloud) putPart(w http.ResponseWriter, id, number string, body []byte) *apiError {
	u := c.uploads[id]
	n, err := strconv.Atoi(number)
	if u == nil {
		return noSuchUpload
	}
	if err != nil || n < 1 || n > 10_000 {
		return invalidPart
	}
	u.parts[n] = Object{Body: body, ETag: etag(body)}
	w.Header().Set("ETag", etag(body))
	return nil
}

func (c *Cloud) complete(w http.ResponseWriter, r *http.Request, objects map[string]*Object, key, id string, body []byte) *apiError {
	var list struct {
		Part []struct {
			PartNumber int
			ETag       string
		}
	}
	u := c.uploads[id]
	switch {
	case u == nil || u.key != key:
		return noSuchUpload
	case xml.Unmarshal(body, &list) != nil || len(list.Part) == 0: //nolint:gosec // it is the function's own
		return invalidPart
	}
	var whole bytes.Buffer
	for i, p := range list.Part {
		part, ok := u.parts[p.PartNumber]
		switch {
		case !ok || part.ETag != p.ETag || i > 0 && p.PartNumber <= list.Part[i-1].PartNumber:
			return invalidPart
		case i < len(list.Part)-1 && len(part.Body) < minPart:
			return entityTooSmall
		}
		whole.Write(part.Body)
	}
	if err := c.put(w, r, objects, key, whole.Bytes(), u.header); err != nil {
		return err
	}
	delete(c.uploads, id)
	writeXML(w, struct {
		XMLName   xml.Name `xml:"CompleteMultipartUploadResult"`
		Key, ETag string
	}{Key: key, ETag: objects[key].ETag})
	return nil
}

func get(w http.ResponseWriter, r *http.Request, o *Object) *apiError {
	if o == nil || r.URL.Query().Get("versionId") != "" {
		return noSuchKey
	}
	if match := r.Header.Get("If-Match"); match != "" && match != o.ETag {
		return precondition
	}
	maps.Copy(w.Header(), o.Header)
	w.Header().Set("ETag", o.ETag)
	// ServeContent knows ranges, but not S3's error of them.
	var from int
	if span := r.Header.Get("Range"); span != "" {
		if n, err := fmt.Sscanf(span, "bytes=%d-", &from); n != 1 || err != nil || from >= len(o.Body) {
			return badRange
		}
	}
	r.Header.Del("If-Match")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(o.Body))
	return nil
}
