package pdftext

import (
	"bytes"
	"compress/flate"
	"encoding/ascii85"
	"io"
)

const maxDecoded = 16 << 20 // of one stream

// decode gives the bytes of a stream, as many as can be had; none if it has a
// filter that is not for text.
func (f *file) decode(s stream) []byte {
	data := s.raw
	filters, params := f.list(s.dict["Filter"]), f.list(s.dict["DecodeParms"])
	for i, filter := range filters {
		var param dict
		if i < len(params) {
			param = f.dict(params[i])
		}
		data = f.filter(f.resolve(filter), param, data)
		f.work.spend(len(data))
	}
	return data
}

func (f *file) list(v any) array {
	switch v := f.resolve(v).(type) {
	case nil:
		return nil
	case array:
		return v
	default:
		return array{v}
	}
}

func (f *file) filter(filter any, param dict, data []byte) []byte {
	if f.work.exhausted() {
		return nil
	}
	switch filter {
	case name("FlateDecode"), name("Fl"):
		return f.unpredict(inflate(data), param)
	case name("ASCII85Decode"), name("A85"):
		return from85(data)
	case name("ASCIIHexDecode"), name("AHx"):
		l := &lexer{data: append([]byte("<"), data...), work: f.work}
		return []byte(l.hex())
	}
	return nil
}

// inflate takes no notice of the check sum: what comes out of a damaged
// stream is better than nothing.
func inflate(data []byte) []byte {
	if len(data) < 2 {
		return nil
	}
	out, _ := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(data[2:])), maxDecoded))
	return out
}

func from85(data []byte) []byte {
	data, _, _ = bytes.Cut(data, []byte("~>"))
	data = bytes.TrimPrefix(bytes.TrimSpace(data), []byte("<~"))
	out, _ := io.ReadAll(io.LimitReader(ascii85.NewDecoder(bytes.NewReader(data)), maxDecoded))
	return out
}

// unpredict undoes the PNG filters that object streams are often packed with.
func (f *file) unpredict(data []byte, param dict) []byte {
	if integer(f.resolve(param["Predictor"])) < 10 {
		return data
	}
	bits := orDefault(f, param["BitsPerComponent"], 8) * orDefault(f, param["Colors"], 1)
	width := max(1, min((bits*orDefault(f, param["Columns"], 1)+7)/8, maxDecoded))
	pixel := max(1, bits/8)
	out := make([]byte, 0, len(data))
	above := make([]byte, min(width, len(data)))
	for len(data) > 1 {
		kind := data[0]
		row := data[1:min(1+len(above), len(data))]
		unfilter(kind, row, above, pixel)
		out = append(out, row...)
		copy(above, row)
		data = data[1+len(row):]
	}
	return out
}

func orDefault(f *file, v any, standard int) int {
	if n := integer(f.resolve(v)); n > 0 {
		return min(n, 1<<20)
	}
	return standard
}

func unfilter(kind byte, row, above []byte, pixel int) {
	for i := range row {
		var left, corner byte
		if i >= pixel {
			left, corner = row[i-pixel], above[i-pixel] // above is not changed until the row is done
		}
		switch kind {
		case 1:
			row[i] += left
		case 2:
			row[i] += above[i]
		case 3:
			row[i] += byte((int(left) + int(above[i])) / 2)
		case 4:
			row[i] += paeth(left, above[i], corner)
		}
	}
}

func paeth(a, b, c byte) byte {
	p := int(a) + int(b) - int(c)
	da, db, dc := distance(p, a), distance(p, b), distance(p, c)
	switch {
	case da <= db && da <= dc:
		return a
	case db <= dc:
		return b
	}
	return c
}

func distance(p int, x byte) int {
	if d := p - int(x); d >= 0 {
		return d
	}
	return int(x) - p
}
