// Package book makes a static site of the repository's documentation: plain
// HTML and one style sheet, without scripts, which asks nothing of other hosts.
package book

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// index is the page that lists the others, in their order. Each heading begins
// a section; each link to a page, or to a folder of pages, adds to it.
const index = "docs/index.md"

// Book is the pages in the order in which one reads on.
type Book struct {
	root     string // of the repository
	Sections []*Section
	pages    map[string]*Page // by source; a folder stands for its first page
	inOrder  []*Page
}

// Section is a group of pages under one heading.
type Section struct {
	Title string
	Pages []*Page
}

// Page is one file of Markdown.
type Page struct {
	Title  string
	Source string // path in the repository, with slashes
	Out    string // path in the site, with slashes
	Parts  []Part // its second headings

	html    string
	images  []string // their paths in the repository
	section *Section
}

// Part is a heading in a page.
type Part struct{ Title, ID string }

// Write makes the site of the repository at root in the folder out, which is
// made if need be. What else is there is kept.
func Write(root, out string) error {
	b, err := read(root)
	if err != nil {
		return fmt.Errorf("read pages: %w", err)
	}
	for _, p := range b.inOrder {
		if err := b.render(p); err != nil {
			return fmt.Errorf("render %s: %w", p.Source, err)
		}
	}
	if err := b.write(out); err != nil {
		return fmt.Errorf("write site: %w", err)
	}
	return nil
}

var (
	listed = regexp.MustCompile(`^- \[([^]]+)\]\(([^)#]+)\)`)
	title  = regexp.MustCompile(`(?m)^# (.+)$`)
)

// read finds the pages: those that the index lists, and the index itself.
func read(root string) (*Book, error) {
	b := &Book{root: root, pages: map[string]*Page{}}
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(index)))
	if err != nil {
		return nil, err
	}
	b.Sections = []*Section{{}}
	if err := b.add("Contents", index); err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(text)) {
		if heading, ok := strings.CutPrefix(line, "## "); ok {
			b.Sections = append(b.Sections, &Section{Title: strings.TrimSpace(heading)})
		} else if m := listed.FindStringSubmatch(line); m != nil {
			if err := b.add(m[1], path.Join(path.Dir(index), m[2])); err != nil {
				return nil, err
			}
		}
	}
	b.moveFirst()
	return b, nil
}

// moveFirst makes the README the first page, before the contents.
func (b *Book) moveFirst() {
	i := slices.IndexFunc(b.inOrder, func(p *Page) bool { return p.Out == "index.html" })
	if i < 0 {
		return
	}
	home := b.inOrder[i]
	b.inOrder = slices.Insert(slices.Delete(b.inOrder, i, i+1), 0, home)
}

// add adds a page, or those of a folder, to the last section.
func (b *Book) add(name, source string) error {
	info, err := os.Stat(filepath.Join(b.root, filepath.FromSlash(source)))
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return b.addFolder(source)
	case path.Ext(source) != ".md":
		return nil
	case b.pages[source] != nil:
		return errors.New(source + " is listed twice")
	}
	s := b.Sections[len(b.Sections)-1]
	p := &Page{Title: name, Source: source, Out: outOf(source), section: s}
	s.Pages = append(s.Pages, p)
	b.pages[source], b.inOrder = p, append(b.inOrder, p)
	return nil
}

// addFolder adds the pages of a folder under their own titles.
func (b *Book) addFolder(folder string) error {
	files, err := filepath.Glob(filepath.Join(b.root, filepath.FromSlash(folder), "*.md"))
	if err != nil {
		return err
	}
	for i, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		name := filepath.Base(file)
		if m := title.FindSubmatch(text); m != nil {
			name = string(m[1])
		}
		source := path.Join(folder, filepath.Base(file))
		if err := b.add(name, source); err != nil {
			return err
		}
		if i == 0 {
			b.pages[folder] = b.pages[source]
		}
	}
	return nil
}

// outOf is where a page is in the site: beside where it is in the repository.
func outOf(source string) string {
	if source == "README.md" {
		return "index.html"
	}
	return strings.TrimSuffix(source, ".md") + ".html"
}
