package detect

import (
	"strings"
	"unicode"
)

// plainRunes makes one of the many dashes, spaces, apostrophes and digits, so
// that the rest of the package knows one of each.
func plainRunes(r rune) rune {
	switch r {
	case '\u00a0', '\u202f', '\u2007', '\u2009', '\u2002', '\u2003', '\u3000':
		return ' '
	case '−', '–', '—', '‐', '‑', '－':
		return '-'
	case '’', '‘', '´', '`', 'ʼ':
		return '\''
	case '：':
		return ':'
	case '￥':
		return '¥'
	case '，':
		return ','
	case '．':
		return '.'
	case '\u200b', '\u200e', '\u200f', '\ufeff', '\u202a', '\u202c':
		return -1
	}
	if '０' <= r && r <= '９' {
		return r - '０' + '0'
	}
	return r
}

// foldings are letters by what they are without accents.
var foldings = map[string]string{
	"a": "àáâãäåāą", "c": "çćč", "d": "ďđ", "e": "èéêëēęě", "i": "ìíîïī", "l": "ł", "n": "ñńň", "o": "òóôõöøōő",
	"r": "ř", "s": "śšş", "t": "ťţ", "u": "ùúûüūůű", "y": "ýÿ", "z": "źżž", "ss": "ß", "ae": "æ", "oe": "œ",
}

var folded = foldTable()

func foldTable() map[rune]string {
	table := map[rune]string{}
	for plain, letters := range foldings {
		for _, r := range letters {
			table[r] = plain
		}
	}
	return table
}

// fold gives the words of a text in small letters without accents, with a
// space before, between and after them. All else is left out.
func fold(text string) string {
	var b strings.Builder
	b.WriteByte(' ')
	space := true
	for _, r := range strings.ToLower(text) {
		switch plain, ok := folded[r]; {
		case ok:
			b.WriteString(plain)
			space = false
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			b.WriteRune(r)
			space = false
		case !space:
			b.WriteByte(' ')
			space = true
		}
	}
	if !space {
		b.WriteByte(' ')
	}
	return b.String()
}

// phrases are words to look for in a folded text. A star at an end of one
// stands for more letters of that word.
type phrases []string

// words makes phrases of a list that is separated by commas.
func words(list string) phrases {
	var out phrases
	for phrase := range strings.SplitSeq(list, ",") {
		phrase = " " + strings.Join(strings.Fields(phrase), " ") + " "
		out = append(out, strings.ReplaceAll(strings.ReplaceAll(phrase, " *", ""), "* ", ""))
	}
	return out
}

func (p phrases) in(text string) bool { return p.at(text) >= 0 }

// at is where the first of them begins, -1 if none is there.
func (p phrases) at(text string) int {
	first := -1
	for _, phrase := range p {
		if i := strings.Index(text, phrase); i >= 0 && (first < 0 || i < first) {
			first = i
		}
	}
	return first
}

// count is how many of them are there.
func (p phrases) count(text string) int {
	n := 0
	for _, phrase := range p {
		if strings.Contains(text, phrase) {
			n++
		}
	}
	return n
}

// endIn: one of them ends the text.
func (p phrases) endIn(text string) bool {
	for _, phrase := range p {
		if strings.HasSuffix(text, phrase) {
			return true
		}
	}
	return false
}
