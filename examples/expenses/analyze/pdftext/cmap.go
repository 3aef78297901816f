package pdftext

import (
	"encoding/binary"
	"unicode/utf16"
)

const maxMapped = 1 << 16

// cmap reads which text the codes of a font stand for.
func (f *file) cmap(data []byte) map[string]string {
	m := map[string]string{}
	l := &lexer{data: data, work: f.work}
	var operands []any
	for len(m) < maxMapped {
		switch v := l.object().(type) {
		case end:
			return m
		case word:
			f.mapCodes(m, v, operands)
			operands = operands[:0]
		default:
			if len(operands) < maxMapped {
				operands = append(operands, v)
			}
		}
	}
	return m
}

func (f *file) mapCodes(m map[string]string, op word, operands []any) {
	switch op {
	case "endbfchar":
		for ; len(operands) >= 2; operands = operands[2:] {
			code, _ := operands[0].(str)
			mapTo(m, string(code), operands[1], 0)
		}
	case "endbfrange":
		for ; len(operands) >= 3; operands = operands[3:] {
			f.mapRange(m, operands[0], operands[1], operands[2])
		}
	}
}

// mapRange maps codes that differ in their last byte alone, or in the last two.
func (f *file) mapRange(m map[string]string, low, high, to any) {
	first, ok1 := low.(str)
	last, ok2 := high.(str)
	if !ok1 || !ok2 || len(first) != len(last) || len(first) == 0 || len(first) > 4 {
		return
	}
	from, until := codeNumber(first), codeNumber(last)
	for i := 0; from+i <= until && i < maxMapped && len(m) < maxMapped && f.work.spend(8); i++ {
		code := make([]byte, 4)
		binary.BigEndian.PutUint32(code, uint32(from+i)) //nolint:gosec // at most four bytes
		if each, ok := to.(array); !ok {
			mapTo(m, string(code[4-len(first):]), to, i)
		} else if i < len(each) {
			mapTo(m, string(code[4-len(first):]), each[i], 0)
		}
	}
}

func codeNumber(code str) int {
	n := 0
	for _, c := range []byte(code) {
		n = n<<8 | int(c)
	}
	return n
}

// mapTo maps a code to UTF-16 text, whose last character is counted up.
func mapTo(m map[string]string, code string, to any, up int) {
	text, ok := to.(str)
	if !ok || len(text) < 2 || len(text) > 64 {
		return
	}
	var units []uint16
	for b := []byte(text); len(b) >= 2; b = b[2:] {
		units = append(units, binary.BigEndian.Uint16(b))
	}
	units[len(units)-1] += uint16(up) //nolint:gosec // wraps in files that are wrong
	m[code] = string(utf16.Decode(units))
}
