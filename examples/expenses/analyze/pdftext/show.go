package pdftext

import "strings"

// fragment is a word, or a part of one, at its place on the page.
type fragment struct {
	x, end, y, size float64
	text            string
	spaced          bool // a space stands before it
}

func (in *interpreter) showOperator(op word, operands []any) {
	if op == "'" || op == "\"" {
		in.nextLine()
	}
	if n, ok := numbers(operands, 3); ok && op == "\"" {
		in.state.wordSpace, in.state.charSpace = n[0], n[1]
	}
	if len(operands) == 0 {
		return
	}
	switch v := operands[len(operands)-1].(type) {
	case str:
		in.show(v)
	case array:
		in.showAll(v)
	}
}

func (in *interpreter) showAll(parts array) {
	for _, part := range parts {
		switch part := part.(type) {
		case str:
			in.show(part)
		case float64:
			in.advance(-number(part) / 1000 * in.state.size)
		}
	}
}

func (in *interpreter) advance(width float64) {
	in.at = move(width*in.state.scale, 0).then(in.at)
}

// show adds the words of one string and moves on by its width. Where a string
// makes a gap by its spacing, as columns are set by some programs, that gap
// counts as it does between two strings.
func (in *interpreter) show(s str) {
	if in.state.font == nil {
		in.state.font = in.file.font(nil)
	}
	in.file.work.spend(4 * len(s))
	glyphs := in.state.font.glyphs(s)
	w := &run{in: in, gaps: len(glyphs) <= maxGapped}
	for _, g := range glyphs {
		w.add(g)
	}
	w.flush()
}

// run collects the glyphs of one word.
type run struct {
	in   *interpreter
	text strings.Builder
	next fragment
	gaps bool // the character spacing makes gaps; else it widens a heading
}

// maxGapped is how many characters a string has at most that is moved apart
// to make gaps.
const maxGapped = 3

// thinSpace, in parts of the text's size: a space that is not seen, because
// the spacing takes it back.
const thinSpace = 0.08

func (w *run) add(g glyph) {
	state := &w.in.state
	drawn := g.width / 1000 * state.size
	width := drawn + state.charSpace
	if g.isSpace {
		width += state.wordSpace
	}
	if strings.TrimSpace(g.text) == "" {
		w.flush()
		w.in.advance(width)
		w.in.spaced = w.in.spaced || g.text != "" && width > thinSpace*state.size
		return
	}
	w.begin()
	w.text.WriteString(g.text)
	w.in.advance(drawn)
	w.next.end, _ = w.in.place().apply(0, state.rise)
	w.in.advance(width - drawn)
	if gap := state.charSpace / state.size; w.gaps && gap > wordGap || gap > columnGap {
		w.flush()
	}
}

// place is where the next glyph stands on the page.
func (in *interpreter) place() matrix { return in.at.then(in.state.ctm) }

func (w *run) begin() {
	if w.text.Len() > 0 {
		return
	}
	at := w.in.place()
	w.next = fragment{size: w.in.state.size * at.height(), spaced: w.in.spaced}
	w.next.x, w.next.y = at.apply(0, w.in.state.rise)
	w.in.spaced = false
}

func (w *run) flush() {
	if w.text.Len() > 0 && w.in.place().upright() && len(w.in.fragments) < maxFragments {
		w.next.text = w.text.String()
		w.in.fragments = append(w.in.fragments, w.next)
	}
	w.text.Reset()
}
