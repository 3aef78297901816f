package compiletest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

// Every link and image of a page that leads into the repository leads to
// something: to a file, and to a heading of it where one is named.
func TestLinks(t *testing.T) {
	t.Parallel()
	links := 0
	for _, page := range documents(t) {
		for _, link := range linksOf(read(t, page)) {
			links++
			if why := broken(t, page, link); why != "" {
				t.Errorf("%s: %s: %s", page, link, why)
			}
		}
	}
	if links < 50 {
		t.Errorf("only %d links were found", links)
	}
}

// The index lists every page but decisions, which it leads to as a folder.
func TestIndex(t *testing.T) {
	t.Parallel()
	index := filepath.Join(root, "docs", "index.md")
	listed := map[string]bool{index: true}
	for _, link := range linksOf(read(t, index)) {
		listed[filepath.Join(root, "docs", link)] = true
	}
	for _, page := range pages(t) {
		if !listed[page] {
			t.Errorf("%s: give it a place in docs/index.md", page)
		}
	}
	if !listed[filepath.Join(root, "docs", "adr")] {
		t.Error("the decisions have no place in docs/index.md")
	}
}

// The search for broken links can fail.
func TestBroken(t *testing.T) {
	t.Parallel()
	page := filepath.Join(t.TempDir(), "a.md")
	text := "# One `two`: three-four\n[x](a.md) ![y](<b c.png> \"title\") [z](https://example.org/)\n## Twice\n## Twice\n[r]\n\n[r]: none.md\n" +
		"```\n[no](code.md)\n## Code\n```\nand `[no](code.md)`\n"
	if err := os.WriteFile(page, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(linksOf(text), ","); got != "a.md,b c.png,none.md" {
		t.Errorf("found the links %q", got)
	}
	for link, want := range map[string]bool{
		"a.md": false, "#one-two-three-four": false, "a.md#twice": false, "#twice-1": false, ".": false,
		"b.md": true, "#two": true, "#twice-2": true, "a.md#code": true, "/a.md": true,
	} {
		if got := broken(t, page, link); (got != "") != want {
			t.Errorf("%s: %q", link, got)
		}
	}
}

// broken says why a link leads nowhere; it is empty if it leads somewhere.
func broken(t *testing.T, page, link string) string {
	t.Helper()
	path, anchor, _ := strings.Cut(link, "#")
	if strings.HasPrefix(path, "/") {
		return "it must be relative to the page"
	}
	file := page
	if path != "" {
		file = filepath.Join(filepath.Dir(page), filepath.FromSlash(path))
	}
	if _, err := os.Stat(file); err != nil {
		return "there is no such file"
	}
	if anchor != "" && filepath.Ext(file) == ".md" && !anchors(read(t, file))[anchor] {
		return "there is no such heading"
	}
	return ""
}

var (
	fenced  = regexp.MustCompile("(?ms)^[ \t]*```.*?^[ \t]*```")
	inline  = regexp.MustCompile("`[^`\n]*`")
	target  = regexp.MustCompile(`\]\(<?([^)>"]*[^)>"\s])>?(?:\s+"[^"]*")?\)|(?m:^\[[^]]+\]:\s*(\S+))`)
	foreign = regexp.MustCompile(`^[a-z]+:`)
	heading = regexp.MustCompile(`(?m)^#+[ \t]+(.*?)[ \t]*$`)
	linked  = regexp.MustCompile(`\[([^]]*)\]\([^)]*\)`)
)

// linksOf are the targets of the links and images of a page, but for those that
// lead to other sites.
func linksOf(page string) (links []string) {
	text := inline.ReplaceAllString(fenced.ReplaceAllString(page, ""), "code")
	for _, m := range target.FindAllStringSubmatch(text, -1) {
		if link := m[1] + m[2]; !foreign.MatchString(link) {
			links = append(links, link)
		}
	}
	return links
}

// anchors are the names of a page's headings, as GitHub makes them.
func anchors(page string) map[string]bool {
	names := map[string]bool{}
	for _, m := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(page, ""), -1) {
		name := strings.Map(anchorRune, strings.ToLower(linked.ReplaceAllString(m[1], "$1")))
		again := name
		for n := 1; names[again]; n++ {
			again = fmt.Sprintf("%s-%d", name, n)
		}
		names[again] = true
	}
	return names
}

func anchorRune(r rune) rune {
	switch {
	case r == ' ':
		return '-'
	case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
		return r
	}
	return -1
}
