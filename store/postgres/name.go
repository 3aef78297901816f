package postgres

import (
	"encoding/hex"
	"strings"
	"unicode/utf8"
)

// escape makes text that PostgreSQL can store of any name, so that what people
// see is the name itself where that is possible. Names that are no valid UTF-8,
// hold a zero byte or begin with a backslash are a backslash, x and hexadecimal
// digits.
func escape(name string) string {
	if utf8.ValidString(name) && strings.IndexByte(name, 0) < 0 && !strings.HasPrefix(name, `\`) {
		return name
	}
	return `\x` + hex.EncodeToString([]byte(name))
}

// unescape undoes escape.
func unescape(text string) string {
	digits, escaped := strings.CutPrefix(text, `\x`)
	if !escaped {
		return text
	}
	name, err := hex.DecodeString(digits)
	if err != nil {
		return text // written by another hand
	}
	return string(name)
}
