package pdftext

import "strings"

// font turns the bytes that a page shows into text and widths.
type font struct {
	composite bool // two bytes a character
	toUnicode map[string]string
	encoding  [256]string
	widths    map[int]float64
	standard  float64 // the width of characters that widths does not name
	serif     bool
}

type glyph struct {
	text    string
	width   float64
	isSpace bool // of one byte, which the word spacing widens
}

func (f *font) glyphs(s str) []glyph {
	size := 1
	if f.composite {
		size = 2
	}
	out := make([]glyph, 0, len(s)/size)
	for ; len(s) >= size; s = s[size:] {
		code := s[:size]
		g := glyph{text: f.text(string(code)), width: f.width(code), isSpace: code == " "}
		out = append(out, g)
	}
	return out
}

func (f *font) text(code string) string {
	if text, ok := f.toUnicode[code]; ok {
		return text
	}
	if len(code) == 1 {
		return f.encoding[code[0]]
	}
	return ""
}

func (f *font) width(code str) float64 {
	n := 0
	for _, c := range []byte(code) {
		n = n<<8 | int(c)
	}
	if w, ok := f.widths[n]; ok {
		return w
	}
	if f.standard > 0 || len(code) > 1 {
		return f.standard
	}
	return f.usualWidth(code)
}

func (f *file) font(d dict) *font {
	made := &font{widths: map[int]float64{}, composite: f.resolve(d["Subtype"]) == name("Type0")}
	made.encoding = f.encoding(d["Encoding"])
	if s, ok := f.resolve(d["ToUnicode"]).(stream); ok {
		made.toUnicode = f.cmap(f.decode(s))
	}
	if made.composite {
		f.compositeWidths(made, d)
		return made
	}
	first := integer(f.resolve(d["FirstChar"]))
	for i, w := range f.array(d["Widths"]) {
		made.widths[first+i] = number(f.resolve(w))
	}
	base, _ := f.resolve(d["BaseFont"]).(name)
	made.serif = strings.Contains(string(base), "Times")
	if strings.Contains(string(base), "Courier") {
		made.standard = 600
	}
	return made
}

func (f *file) compositeWidths(made *font, d dict) {
	made.standard = 1000
	descendants := f.array(d["DescendantFonts"])
	if len(descendants) == 0 {
		return
	}
	below := f.dict(descendants[0])
	if w := number(f.resolve(below["DW"])); w > 0 {
		made.standard = w
	}
	list := f.array(below["W"])
	for len(list) >= 2 && len(made.widths) < 1<<16 {
		list = list[f.widthRun(made, list):]
	}
}

// widthRun reads "first [w w w]" or "first last w" and says how long it is.
func (f *file) widthRun(made *font, list array) int {
	first := integer(f.resolve(list[0]))
	if each, ok := f.resolve(list[1]).(array); ok {
		for i, w := range each {
			made.widths[first+i] = number(f.resolve(w))
		}
		return 2
	}
	if len(list) < 3 {
		return len(list)
	}
	last := min(integer(f.resolve(list[1])), 1<<16)
	for code := max(first, 0); code <= last; code++ {
		made.widths[code] = number(f.resolve(list[2]))
	}
	f.work.spend(max(last-first, 0))
	return 3
}
