package pdftext

import (
	"strconv"
	"strings"

	"github.com/talix-dev/talix/examples/expenses/analyze/charset"
)

// macRoman is the upper half of the Mac's encoding.
const macRoman = "ÄÅÇÉÑÖÜáàâäãåçéèêëíìîïñóòôöõúùûü†°¢£§•¶ß®©™´¨≠ÆØ∞±≤≥¥µ∂∑∏π∫ªºΩæø" +
	"¿¡¬√ƒ≈∆«»…\u00a0ÀÃÕŒœ–—“”‘’÷◊ÿŸ⁄€‹›ﬁﬂ‡·‚„‰ÂÊÁËÈÍÎÏÌÓÔ\uf8ffÒÚÛÙıˆ˜¯˘˙˚¸˝˛ˇ"

// encoding reads a simple font's encoding: a name, or a base and what differs.
func (f *file) encoding(v any) [256]string {
	v = f.resolve(v)
	d, _ := v.(dict)
	base, _ := v.(name)
	if d != nil {
		base, _ = f.resolve(d["BaseEncoding"]).(name)
	}
	table := baseEncoding(base)
	code := 0
	for _, item := range f.array(d["Differences"]) {
		switch item := f.resolve(item).(type) {
		case float64:
			code = integer(item)
		case name:
			if text := glyphText(string(item)); text != "" && 0 <= code && code < 256 {
				table[code] = text
			}
			code++
		}
	}
	return table
}

func baseEncoding(base name) [256]string {
	var table [256]string
	for i := range table {
		table[i] = string(charset.Windows1252(byte(i)))
	}
	if base == "MacRomanEncoding" {
		for i, r := range []rune(macRoman) {
			table[128+i] = string(r)
		}
	}
	return table
}

// glyphNames are the names of characters that are not letters with accents.
var glyphNames = map[string]string{
	"space": " ", "exclam": "!", "quotedbl": `"`, "numbersign": "#", "dollar": "$", "percent": "%", "ampersand": "&",
	"quotesingle": "'", "quoteright": "’", "quoteleft": "‘", "parenleft": "(", "parenright": ")", "asterisk": "*",
	"plus": "+", "comma": ",", "hyphen": "-", "minus": "-", "period": ".", "slash": "/", "colon": ":", "semicolon": ";",
	"less": "<", "equal": "=", "greater": ">", "question": "?", "at": "@", "bracketleft": "[", "backslash": `\`,
	"bracketright": "]", "underscore": "_", "grave": "`", "braceleft": "{", "bar": "|", "braceright": "}",
	"zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8",
	"nine": "9", "Euro": "€", "euro": "€", "sterling": "£", "yen": "¥", "cent": "¢", "currency": "¤", "section": "§",
	"degree": "°", "bullet": "•", "periodcentered": "·", "endash": "–", "emdash": "—", "ellipsis": "…", "copyright": "©",
	"registered": "®", "trademark": "™", "quotedblleft": "“", "quotedblright": "”", "quotedblbase": "„",
	"quotesinglbase": "‚", "guillemotleft": "«", "guillemotright": "»", "ordfeminine": "ª", "ordmasculine": "º",
	"questiondown": "¿", "exclamdown": "¡", "germandbls": "ß", "ae": "æ", "AE": "Æ", "oe": "œ", "OE": "Œ",
	"oslash": "ø", "Oslash": "Ø", "dotlessi": "ı", "fi": "fi", "fl": "fl", "ff": "ff", "ffi": "ffi", "ffl": "ffl",
	"multiply": "×", "plusminus": "±", "mu": "µ", "lslash": "ł", "Lslash": "Ł", "nbspace": " ",
	"dcroat": "đ", "Dcroat": "Đ", "thorn": "þ", "Thorn": "Þ", "eth": "ð", "Eth": "Ð",
}

// accents hold the letters with an accent, after the letters without.
var accents = map[string][2]string{
	"acute":        {"aeiouyAEIOUYnscNSC", "áéíóúýÁÉÍÓÚÝńśćŃŚĆ"},
	"grave":        {"aeiouAEIOU", "àèìòùÀÈÌÒÙ"},
	"circumflex":   {"aeiouAEIOU", "âêîôûÂÊÎÔÛ"},
	"dieresis":     {"aeiouyAEIOUY", "äëïöüÿÄËÏÖÜŸ"},
	"tilde":        {"anoANO", "ãñõÃÑÕ"},
	"ring":         {"aAuU", "åÅůŮ"},
	"cedilla":      {"cCsS", "çÇşŞ"},
	"caron":        {"cszrendtCSZREND", "čšžřěňďťČŠŽŘĚŇĎ"},
	"ogonek":       {"aeAE", "ąęĄĘ"},
	"dotaccent":    {"zZ", "żŻ"},
	"hungarumlaut": {"ouOU", "őűŐŰ"},
}

func glyphText(glyph string) string {
	glyph, _, _ = strings.Cut(glyph, ".")
	if text, ok := glyphNames[glyph]; ok || len(glyph) == 1 {
		if !ok {
			text = glyph
		}
		return text
	}
	if hex, ok := strings.CutPrefix(glyph, "uni"); ok && len(hex) == 4 {
		if n, err := strconv.ParseUint(hex, 16, 16); err == nil {
			return string(rune(n))
		}
	}
	if glyph == "" {
		return ""
	}
	pairs := accents[glyph[1:]]
	if i := strings.IndexByte(pairs[0], glyph[0]); i >= 0 {
		return string([]rune(pairs[1])[i])
	}
	return ""
}
