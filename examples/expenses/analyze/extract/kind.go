package extract

import (
	"bytes"
	"regexp"
	"unicode/utf8"

	"github.com/talix-dev/talix/examples/expenses/analyze/charset"
)

// Kind is what a file holds.
type Kind string

// The kinds that Text reads, and Other.
const (
	Plain Kind = "text"
	HTML  Kind = "html"
	PDF   Kind = "pdf"
	PNG   Kind = "png"
	JPEG  Kind = "jpeg"
	Other Kind = "other"
)

var markup = regexp.MustCompile(`(?i)<(?:!doctype html|html|head|body|table|div|meta|style)[\s>]`)

// Sniff tells a file's kind from its content. A name or a media type that
// someone gave is not asked: both are often wrong.
func Sniff(data []byte) Kind {
	start := data[:min(len(data), 2048)]
	switch {
	case bytes.Contains(start[:min(len(start), 1024)], []byte("%PDF-")):
		return PDF
	case bytes.HasPrefix(start, []byte("\x89PNG\r\n\x1a\n")):
		return PNG
	case bytes.HasPrefix(start, []byte("\xff\xd8\xff")):
		return JPEG
	case isBinary(start):
		return Other
	case markup.MatchString(charset.Decode(start)):
		return HTML
	}
	return Plain
}

// magics begin files that look like text where only control characters count.
var magics = [][]byte{[]byte("{\\rtf"), []byte("PK\x03\x04"), []byte("GIF8"), []byte("RIFF"), []byte("II*\x00"), []byte("MM\x00*"), []byte("\x1f\x8b")}

// isBinary goes by control characters that no text has.
func isBinary(start []byte) bool {
	for _, magic := range magics {
		if bytes.HasPrefix(start, magic) {
			return true
		}
	}
	odd, all := 0, 0
	for _, r := range charset.Decode(start) {
		all++
		if r < ' ' && r != '\n' && r != '\r' && r != '\t' && r != '\f' && r != '\x1b' || r == utf8.RuneError || r == 0x7f {
			odd++
		}
	}
	return odd > all/50
}
