package book

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// render makes a page's HTML, and notes its parts and what it shows.
func (b *Book) render(p *Page) error {
	source, err := os.ReadFile(filepath.Join(b.root, filepath.FromSlash(p.Source)))
	if err != nil {
		return err
	}
	md := goldmark.New(
		goldmark.WithExtensions(extension.GFM),
		goldmark.WithParserOptions(parser.WithAutoHeadingID()),
		goldmark.WithRendererOptions(renderer.WithNodeRenderers(util.Prioritized(nodes{}, 100))),
	)
	doc := md.Parser().Parse(text.NewReader(source), parser.WithContext(parser.NewContext(parser.WithIDs(ids{}))))
	err = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		return ast.WalkContinue, b.visit(p, n, source)
	})
	if err != nil {
		return err
	}
	var html bytes.Buffer
	err = md.Renderer().Render(&html, source, doc)
	p.html = html.String()
	return err
}

// visit points links to where they lead in the site, and notes parts.
func (b *Book) visit(p *Page, n ast.Node, source []byte) (err error) {
	switch n := n.(type) {
	case *ast.Link:
		n.Destination, err = b.link(p, n.Destination, false)
	case *ast.Image:
		n.Destination, err = b.link(p, n.Destination, true)
	case *ast.Heading:
		if id, ok := n.AttributeString("id"); ok && n.Level == 2 {
			p.Parts = append(p.Parts, Part{Title: plain(n, source), ID: fmt.Sprintf("%s", id)})
		}
	}
	return err
}

// plain is the text of a node without its marks.
func plain(n ast.Node, source []byte) string {
	var s strings.Builder
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		if t, ok := c.(*ast.Text); ok {
			s.Write(t.Segment.Value(source))
			continue
		}
		s.WriteString(plain(c, source))
	}
	return s.String()
}

// ids names headings as GitHub does, so that one link leads to a heading there
// and here.
type ids map[string]bool

var linked = regexp.MustCompile(`\[([^]]*)\]\([^)]*\)`)

// Generate implements parser.IDs.
func (s ids) Generate(heading []byte, _ ast.NodeKind) []byte {
	name := strings.TrimSpace(strings.ToLower(linked.ReplaceAllString(string(heading), "$1")))
	name = strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
			return r
		}
		return -1
	}, name)
	again := name
	for n := 1; s[again]; n++ {
		again = fmt.Sprintf("%s-%d", name, n)
	}
	s[again] = true
	return []byte(again)
}

// Put implements parser.IDs.
func (s ids) Put(id []byte) { s[string(id)] = true }
