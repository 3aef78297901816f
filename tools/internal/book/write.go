package book

import (
	"bytes"
	_ "embed"
	"html/template"
	"os"
	"path/filepath"
	"slices"
)

//go:embed page.html
var page string

//go:embed style.css
var style []byte

// view is what the template of a page gets.
type view struct {
	Book       *Book
	Page       *Page
	Content    template.HTML
	Prev, Next *Page
}

// To is how the page names a file of the site.
func (v view) To(out string) string { return relative(v.Page.Out, out) }

// Current reports whether a page is the one shown.
func (v view) Current(p *Page) bool { return v.Page == p }

// Open reports whether a section's pages are shown at once: few are, and those
// around the current page.
func (v view) Open(s *Section) bool { return len(s.Pages) < 15 || s == v.Page.section }

// list is what the template of a list of pages gets.
type list struct {
	View    view
	Section *Section
}

// In is the list of a section's pages.
func (v view) In(s *Section) list { return list{v, s} }

// Source is where the page's source is looked at.
func (v view) Source() string { return home + "blob/main/" + v.Page.Source }

// write writes all pages, the images that they show, and the style.
func (b *Book) write(out string) error {
	t, err := template.New("page").Parse(page)
	if err != nil {
		return err
	}
	if err := put(out, "style.css", style); err != nil {
		return err
	}
	for i, p := range b.inOrder {
		if err := b.writePage(t, out, i); err != nil {
			return err
		}
		if err := b.copyImages(out, p); err != nil {
			return err
		}
	}
	return nil
}

func (b *Book) writePage(t *template.Template, out string, i int) error {
	p := b.inOrder[i]
	v := view{Book: b, Page: p, Content: template.HTML(p.html)} // our own pages, in which raw HTML is left out
	if i > 0 {
		v.Prev = b.inOrder[i-1]
	}
	if i < len(b.inOrder)-1 {
		v.Next = b.inOrder[i+1]
	}
	var html bytes.Buffer
	if err := t.Execute(&html, v); err != nil {
		return err
	}
	return put(out, p.Out, html.Bytes())
}

func (b *Book) copyImages(out string, p *Page) error {
	for _, image := range slices.Compact(p.images) {
		data, err := os.ReadFile(filepath.Join(b.root, filepath.FromSlash(image)))
		if err != nil {
			return err
		}
		if err := put(out, image, data); err != nil {
			return err
		}
	}
	return nil
}

func put(out, name string, data []byte) error {
	file := filepath.Join(out, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, data, 0o644)
}
