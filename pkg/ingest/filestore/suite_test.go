package filestore

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/copse/pkg/ingest"
	"example.com/copse/pkg/ingest/sinktest"
)

// TestSuite: what all stores have in common.
func TestSuite(t *testing.T) {
	sinktest.Store(t, func(t *testing.T) sinktest.Bucket {
		f, dir := folder(t, Options{})
		path := func(key string) string { return filepath.Join(dir, "bucket", filepath.FromSlash(key)) }
		return sinktest.Bucket{
			Store: f.Bucket("bucket"), Objects: f, Scheme: "file", Name: "bucket", Large: 1 << 20, Bare: true,
			Put: func(t testing.TB, key string, body []byte) ingest.Object {
				t.Helper()
				if err := os.MkdirAll(filepath.Dir(path(key)), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path(key), body, 0o600); err != nil {
					t.Fatal(err)
				}
				info, err := os.Stat(path(key))
				if err != nil {
					t.Fatal(err)
				}
				return ingest.Object{Scheme: "file", Bucket: "bucket", Key: key, ETag: tag(info), Size: info.Size()}
			},
			Delete: func(t testing.TB, key string) {
				t.Helper()
				if err := os.Remove(path(key)); err != nil {
					t.Fatal(err)
				}
			},
			Get: func(t testing.TB, key string) ([]byte, ingest.Info, bool) {
				t.Helper()
				body, err := os.ReadFile(path(key))
				if err != nil && !os.IsNotExist(err) {
					t.Fatal(err)
				}
				return body, ingest.Info{}, err == nil
			},
			Pending: func(t testing.TB) (n int) {
				t.Helper()
				for _, name := range files(t, dir) {
					if strings.HasPrefix(name, uploadPrefix) {
						n++
					}
				}
				return n
			},
		}
	})
}
