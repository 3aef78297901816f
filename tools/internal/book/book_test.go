package book_test

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/talix-dev/talix/tools/internal/book"
)

// The whole documentation becomes a site in which no link is broken, and which
// loads nothing from elsewhere.
func TestSite(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	if err := book.Write("../../..", out); err != nil {
		t.Fatal(err)
	}
	site := read(t, out)
	if n := len(site); n < 40 || site["index.html"] == "" || site["docs/guide/evolution.html"] == "" || site["docs/adr/0009-dependencies.html"] == "" {
		t.Fatalf("there are %d files", n)
	}
	for name, text := range site {
		if path.Ext(name) == ".html" {
			checkLinks(t, site, name, text)
		}
		if m := regexp.MustCompile(`<script|url\(|@import|<iframe|src="[a-z]*:?//| on[a-z]+="`).FindString(text); m != "" && path.Ext(name) != ".png" {
			t.Errorf("%s has %q", name, m)
		}
	}
}

// Read on from the first page to the last, and all were seen.
func TestOrder(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	if err := book.Write("../../..", out); err != nil {
		t.Fatal(err)
	}
	site, seen := read(t, out), map[string]bool{}
	next := regexp.MustCompile(`rel="next" href="([^"]+)"`)
	for name := "index.html"; name != "" && !seen[name]; {
		seen[name] = true
		m := next.FindStringSubmatch(site[name])
		if m == nil {
			break
		}
		name = path.Join(path.Dir(name), m[1])
	}
	for name := range site {
		if path.Ext(name) == ".html" && !seen[name] {
			t.Errorf("%s is not reached", name)
		}
	}
}

func TestPage(t *testing.T) {
	t.Parallel()
	site := write(t, map[string]string{
		"README.md":        "# My book\n[code](a/a.go), [folder](a), [page](docs/one.md#second-part), [out](https://example.org/)\n",
		"a/a.go":           "package a\n",
		"docs/index.md":    "# Contents\n## First & last\n- [Home](../README.md)\n- [One](one.md): text\n## Notes\n- [All](adr/)\n",
		"docs/one.md":      "# One\n\n## Second `part`\n\n![image](x.png)\n\n```go\nvar s = \"<b>\" // why\n```\n\n<script>alert(1)</script>\n",
		"docs/x.png":       "image",
		"docs/adr/01.md":   "# 1. A note\n",
		"docs/unlisted.md": "# No page\n",
	})
	for name, wants := range map[string][]string{
		"index.html": {
			`href="https://github.com/talix-dev/talix/blob/main/a/a.go"`, `href="https://github.com/talix-dev/talix/tree/main/a"`,
			`href="docs/one.html#second-part"`, `href="https://example.org/"`, `rel="next" href="docs/index.html"`,
		},
		"docs/one.html": {
			`<h2 id="second-part">`, `src="x.png"`, `<span class="keyword">var</span>`, `&lt;b&gt;`, `<span class="comment">// why</span>`,
			`<summary>First &amp; last</summary>`, `aria-current="page">One</a>`, `<a href="#second-part">Second part</a>`, `href="../style.css"`,
		},
		"docs/index.html":  {`<a href="adr/01.html">All</a>`},
		"docs/adr/01.html": {`>1. A note</a>`, `rel="prev" href="../one.html"`},
		"docs/x.png":       {"image"},
	} {
		for _, want := range wants {
			if !strings.Contains(site[name], want) {
				t.Errorf("%s lacks %s:\n%s", name, want, site[name])
			}
		}
	}
	if strings.Contains(site["docs/one.html"], "<script") || site["docs/unlisted.html"] != "" {
		t.Error("raw HTML was kept, or what is not listed")
	}
}

// A page that is missing or listed twice, and a link that leads nowhere, are
// told.
func TestFaults(t *testing.T) {
	t.Parallel()
	for want, files := range map[string]map[string]string{
		"index.md":             {},
		"none.md":              {"docs/index.md": "- [x](none.md)\n"},
		"listed twice":         {"docs/index.md": "- [x](x.md)\n- [y](x.md)\n", "docs/x.md": ""},
		"leads to no file":     {"docs/index.md": "- [x](x.md)\n", "docs/x.md": "[a](b.go)"},
		"https://example.org/": {"docs/index.md": "![x](https://example.org/x.png)"},
	} {
		if err := book.Write(repository(t, files), t.TempDir()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

var (
	reference = regexp.MustCompile(`(?:href|src)="([^"]*)"`)
	absolute  = regexp.MustCompile(`^(https?://|mailto:)`)
)

// checkLinks follows the links of a page within the site.
func checkLinks(t *testing.T, site map[string]string, name, text string) {
	t.Helper()
	for _, m := range reference.FindAllStringSubmatch(text, -1) {
		if absolute.MatchString(m[1]) {
			continue
		}
		file, anchor, anchored := strings.Cut(m[1], "#")
		to := name
		if file != "" {
			to = path.Join(path.Dir(name), file)
		}
		if target, ok := site[to]; !ok || anchored && !strings.Contains(target, ` id="`+anchor+`"`) {
			t.Errorf("%s: %s leads nowhere", name, m[1])
		}
	}
}

// write makes the site of some files.
func write(t *testing.T, files map[string]string) map[string]string {
	t.Helper()
	out := t.TempDir()
	if err := book.Write(repository(t, files), out); err != nil {
		t.Fatal(err)
	}
	return read(t, out)
}

func repository(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		file := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// read is the files of a folder by their names.
func read(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		files[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
