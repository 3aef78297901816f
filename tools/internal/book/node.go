package book

import (
	"html"
	"strings"

	"github.com/alecthomas/chroma/v2"
	"github.com/alecthomas/chroma/v2/lexers"
	"github.com/yuin/goldmark/ast"
	extension "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/util"
)

// nodes renders what is not left to goldmark: code in colours, headings that
// one can point to, and tables that scroll where they are too wide.
type nodes struct{}

// RegisterFuncs implements renderer.NodeRenderer.
func (nodes) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	r.Register(ast.KindFencedCodeBlock, code)
	r.Register(ast.KindHeading, heading)
	r.Register(extension.KindTable, table)
}

func code(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	block, ok := n.(*ast.FencedCodeBlock)
	if !ok {
		return ast.WalkContinue, nil
	}
	// Scrolling is by keyboard too, so the block can be focused.
	_, err := w.WriteString(`<pre tabindex="0"><code>` + highlight(string(block.Language(source)), string(block.Lines().Value(source))) + "</code></pre>\n")
	return ast.WalkSkipChildren, err
}

// highlight marks what kinds of words code has. What it does not know, it leaves.
func highlight(language, text string) string {
	lexer := lexers.Get(language)
	if language == "" || lexer == nil {
		return html.EscapeString(text)
	}
	tokens, err := chroma.Coalesce(lexer).Tokenise(nil, text)
	if err != nil {
		return html.EscapeString(text)
	}
	var s strings.Builder
	for _, token := range tokens.Tokens() {
		escaped := html.EscapeString(token.Value)
		if class := classOf(token.Type); class != "" {
			escaped = `<span class="` + class + `">` + escaped + "</span>"
		}
		s.WriteString(escaped)
	}
	return s.String()
}

func classOf(t chroma.TokenType) string {
	switch {
	case t.InCategory(chroma.Keyword):
		return "keyword"
	case t.InCategory(chroma.Comment), t.InCategory(chroma.Generic):
		return "comment"
	case t.InSubCategory(chroma.LiteralString), t.InSubCategory(chroma.LiteralNumber):
		return "literal"
	case t.InSubCategory(chroma.NameFunction):
		return "function"
	}
	return ""
}

func heading(w util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	h, ok := n.(*ast.Heading)
	if !ok {
		return ast.WalkContinue, nil
	}
	tag := "h" + string(rune('0'+h.Level))
	id, _ := h.AttributeString("id")
	name, _ := id.([]byte)
	var err error
	if entering {
		_, err = w.WriteString("<" + tag + ` id="` + string(name) + `">`)
	} else {
		_, err = w.WriteString(` <a class="anchor" href="#` + string(name) + `" aria-label="Link to this part">#</a></` + tag + ">\n")
	}
	return ast.WalkContinue, err
}

func table(w util.BufWriter, _ []byte, _ ast.Node, entering bool) (ast.WalkStatus, error) {
	tag := "</table></div>\n"
	if entering {
		tag = "<div class=\"table\" tabindex=\"0\"><table>\n"
	}
	_, err := w.WriteString(tag)
	return ast.WalkContinue, err
}
