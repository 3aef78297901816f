// Package charset makes UTF-8 of plain text whose encoding nobody told.
package charset

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Decode reads text as its byte order mark says, else as UTF-16 where every
// other byte is zero, else as UTF-8 where it is valid, else as Windows-1252,
// which holds Latin-1. The answer is valid UTF-8.
func Decode(data []byte) string {
	switch order := utf16Order(data); {
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		return strings.ToValidUTF8(string(data[3:]), "\uFFFD")
	case order != nil:
		return decodeUTF16(data, order)
	case utf8.Valid(cutRune(data)):
		return string(cutRune(data))
	}
	return decode1252(data)
}

func utf16Order(data []byte) binary.ByteOrder {
	switch {
	case bytes.HasPrefix(data, []byte{0xfe, 0xff}):
		return binary.BigEndian
	case bytes.HasPrefix(data, []byte{0xff, 0xfe}):
		return binary.LittleEndian
	}
	return guessOrder(data[:min(len(data), 1000)])
}

// guessOrder goes by the zeros that UTF-16 has in letters of Latin script.
func guessOrder(sample []byte) binary.ByteOrder {
	var zeros [2]int
	for i, c := range sample {
		if c == 0 {
			zeros[i%2]++
		}
	}
	half := len(sample) / 2
	switch {
	case half < 2:
		return nil
	case zeros[0] > half*7/10 && zeros[1] <= half/10:
		return binary.BigEndian
	case zeros[1] > half*7/10 && zeros[0] <= half/10:
		return binary.LittleEndian
	}
	return nil
}

func decodeUTF16(data []byte, order binary.ByteOrder) string {
	units := make([]uint16, 0, len(data)/2)
	for ; len(data) >= 2; data = data[2:] {
		units = append(units, order.Uint16(data))
	}
	if len(units) > 0 && units[0] == 0xfeff {
		units = units[1:]
	}
	return string(utf16.Decode(units))
}

// cutRune drops a character that was cut at the end of a bounded read.
func cutRune(data []byte) []byte {
	for i := 1; i <= min(utf8.UTFMax-1, len(data)); i++ {
		if start := data[len(data)-i:]; utf8.RuneStart(start[0]) {
			if !utf8.FullRune(start) {
				return data[:len(data)-i]
			}
			return data
		}
	}
	return data
}

func decode1252(data []byte) string {
	var b strings.Builder
	b.Grow(len(data) + len(data)/8)
	for _, c := range data {
		b.WriteRune(Windows1252(c))
	}
	return b.String()
}

// between80And9F is where Windows-1252 differs from Latin-1.
var between80And9F = [32]rune{
	'€', 0xfffd, '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', 0xfffd, 'Ž', 0xfffd,
	0xfffd, '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', 0xfffd, 'ž', 'Ÿ',
}

// Windows1252 is the character of one byte.
func Windows1252(c byte) rune {
	if 0x80 <= c && c <= 0x9f {
		return between80And9F[c-0x80]
	}
	return rune(c)
}
