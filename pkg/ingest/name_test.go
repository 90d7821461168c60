package ingest

import (
	"net/url"
	"path"
	"strings"
	"testing"
)

// TestTemplates: what is refused at start, and why.
func TestTemplates(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{DefaultName, ""},
		{"{key}@{version}", ""},
		{"{model}/{digest}/{bucket}/{key}@{version}{range}.jsonl", ""},
		{"x{range}/{key}/{version}.jsonl", ""},
		{"{range}/{key}/{version}.jsonl", "leads out"},
		{"daily/v1.2/{key},{version}", ""},
		{"", "no {key}"},
		{"{version}.jsonl", "no {key}"},
		{"{key}.jsonl", "no {version}"},
		{"{key}@{version}/{date}", "no placeholder {date}: there are {bucket}"},
		{"{key}@{version}{}", "no placeholder {}"},
		{"{key}@{version}{Range}", "no placeholder {Range}"},
		{"{key}@{version", "has no end"},
		{"{key}@{version}@{key}", "stands twice"},
		{"{key}{version}", "{key} and {version} would run together"},
		{"{key}-{version}", "would run together"},
		{"{bucket}.{key}@{version}", "would run together"},
		{"{key}@{version}{range}{model}", "{range} and {model} would run together"},
		{"{bucket}/{key}@{version}-{digest}", "{range} and {digest} would run together ({range} follows {version} where it is not written elsewhere): put one of / @ + , between them"},
		{"{key}@{version}{range}-{digest}", "{range} and {digest} would run together: put"},
		{"{range}{key}@{version}", "{range} and {key} would run together"},
		{"../{key}@{version}", "leads out"},
		{"/{key}@{version}", "leads out"},
		{"a//{key}@{version}", "leads out"},
		{"./{key}@{version}", "leads out"},
		{"{key}@{version}/", "leads out"},
		{"{key}/{version}/..{range}", "leads out"},
		{"{key}@{version}/{range}", "leads out"},
		{"{key}@{version} .jsonl", "cannot stand in it"},
		{"{key}@{version}~", "cannot stand in it"},
		{"größe/{key}@{version}", "cannot stand in it"},
		{"{key}@{version}}", "cannot stand in it"},
		{"a%2f..{key}@{version}", "cannot stand in it"},
		{`a\{key}@{version}`, "cannot stand in it"},
	} {
		_, err := ParseTemplate(c.text)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want …%s…", c.text, err, c.want)
		}
	}
}

// TestNames: names of objects' results.
func TestNames(t *testing.T) {
	o := Object{Scheme: "s3", Bucket: "b", Key: "in/a b+c%20d&größe.csv", Version: "v/1"}
	ranged := o
	ranged.From, ranged.To = 10, 20
	rest := o
	rest.From, rest.Version, rest.ETag = 10, "null", `"e"`
	for _, c := range []struct {
		template string
		o        Object
		want     string
	}{
		{DefaultName, o, "b/in/a%20b%2Bc%2520d%26gr%C3%B6%C3%9Fe.csv@v%2F1.jsonl"},
		{DefaultName, ranged, "b/in/a%20b%2Bc%2520d%26gr%C3%B6%C3%9Fe.csv@v%2F1@10-20.jsonl"},
		{"{key}@{version}", rest, "in/a%20b%2Bc%2520d%26gr%C3%B6%C3%9Fe.csv@e@10-"},
		{"{key}@{version},{model}@{digest}", Object{Key: "k", Version: "1"}, "k@1,m%2Fn@0a"},
		{DefaultName, Object{Key: "../../etc/passwd"}, "-/%2E%2E/%2E%2E/etc/passwd@-.jsonl"},
		{DefaultName, Object{Bucket: "b", Key: "/a//b/./..x/"}, "b/%2Fa/%2Fb/%2E/..x%2F@-.jsonl"},
		{DefaultName, Object{Bucket: "-", Key: "-", Version: "-"}, "%2D/%2D@%2D.jsonl"},
	} {
		template, err := ParseTemplate(c.template)
		if err != nil {
			t.Fatal(err)
		}
		if got := template.name(&c.o, "m/n", "sha256:0a"); got != c.want {
			t.Errorf("%s: got %s, want %s", c.template, got, c.want)
		}
	}
}

// TestLongNames: a name is never longer than the store takes, and as different.
func TestLongNames(t *testing.T) {
	b := NewBucket(newStore(), "mem", "out", "prefix/", BucketOptions{})
	seen := map[string]string{}
	for n := 900; n < 1100; n++ {
		for _, end := range []string{"a", "b"} {
			key := strings.Repeat("ö/", n/3) + strings.Repeat("k", n%3) + end
			name := b.nameOfObject(&Object{Bucket: "in", Key: key, Version: "1"}, "", "")
			if len(name) > maxName || !strings.HasPrefix(name, "prefix/in/") || !strings.HasSuffix(name, ".jsonl") || path.Clean(name) != name {
				t.Fatalf("%d: got %d bytes: %s", n, len(name), name)
			}
			if other, twice := seen[name]; twice {
				t.Fatalf("%q and %q have one name", key, other)
			}
			seen[name] = key
		}
	}
}

// FuzzNames: of whatever an object is called, the name stays below the prefix,
// is plain ASCII, and tells the object: different ones never share it.
func FuzzNames(f *testing.F) {
	f.Add("b", "a/b.csv", "1", "b", "a", "b.csv@1", int64(0), int64(10), uint8(0))
	f.Add("b", "a//b", "", "b", "a/%2Fb", "-", int64(0), int64(0), uint8(1))
	f.Add("b", "..", ".", "b", "%2E%2E", "%2E", int64(5), int64(0), uint8(2))
	f.Add("a@b", "c", "d", "a", "b@c", "d", int64(1), int64(2), uint8(3))
	templates := []string{DefaultName, "{key}/{version}", "x/{version}@{key}{range}/{bucket}", "{range},{bucket}/{key}@{version}"}
	f.Fuzz(func(t *testing.T, bucket1, key1, version1, bucket2, key2, version2 string, from, to int64, which uint8) {
		template, err := ParseTemplate(templates[int(which)%len(templates)])
		if err != nil {
			t.Fatal(err)
		}
		first := Object{Bucket: bucket1, Key: key1, Version: version1}
		second := Object{Bucket: bucket2, Key: key2, Version: version2, From: max(from, 0), To: max(to, 0)}
		if first.identity() == "" || second.identity() == "" || key1 == "" || key2 == "" {
			return
		}
		if !template.HasBucket() {
			second.Bucket = first.Bucket
		}
		name1, name2 := template.name(&first, "", ""), template.name(&second, "", "")
		if same := first.id() == second.id() && first == second; (name1 == name2) != same {
			t.Errorf("%+v and %+v: %s and %s", first, second, name1, name2)
		}
		checkName(t, name1)
		checkName(t, name2)
		for _, text := range []string{key1, version1} {
			escaped := string(appendEscaped(nil, text, text == key1))
			if back, err := url.PathUnescape(escaped); text != "" && (err != nil || back != text) {
				t.Errorf("%q becomes %q, which is %q again, %v", text, escaped, back, err)
			}
		}
	})
}

func checkName(t *testing.T, name string) {
	t.Helper()
	if path.Clean("/"+name) != "/"+name {
		t.Errorf("%q leads elsewhere", name)
	}
	for _, c := range []byte(name) {
		if !plain(c) && !strings.ContainsRune("/%"+separators, rune(c)) {
			t.Errorf("%q has %q", name, c)
		}
	}
}
