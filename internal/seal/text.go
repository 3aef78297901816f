package seal

import (
	"bytes"
	"encoding/base64"

	"github.com/talix-dev/talix/vault"
)

// A sealed value is written as
//
//	{"$sealed":"v1.<name of the subject>.<nonce and ciphertext>"}
//
// both in base64url. What a user wrote that begins like it gets another dollar
// sign, and loses it again when it is read; so nothing that a user writes is
// ever taken for a sealed value.
const (
	opening = `{"$`
	rest    = `sealed":`
	format  = `"v1.`
	nameLen = 22
)

var encoding64 = base64.RawURLEncoding.Strict()

func appendSealed(out []byte, name vault.Name, box []byte) []byte {
	out = append(out, opening+rest+format...)
	out = encoding64.AppendEncode(out, name[:])
	out = append(out, '.')
	out = encoding64.AppendEncode(out, box)
	return append(out, `"}`...)
}

// sealed is a sealed value in a document.
type sealed struct {
	from, to int
	name     vault.Name
	box      []byte
}

// parse reads the sealed value that begins at i; false if it is none.
func parse(data []byte, i int) (s sealed, ok bool) {
	tail := data[i:]
	if !bytes.HasPrefix(tail, []byte(opening+rest+format)) {
		return s, false
	}
	tail = tail[len(opening+rest+format):]
	end := bytes.IndexByte(tail, '"')
	if end < nameLen+1 || end+1 >= len(tail) || tail[end+1] != '}' || tail[nameLen] != '.' {
		return s, false
	}
	name, err := vault.ParseName(string(tail[:nameLen]))
	if err != nil {
		return s, false
	}
	if s.box, err = encoding64.DecodeString(string(tail[nameLen+1 : end])); err != nil {
		return s, false
	}
	s.name, s.from, s.to = name, i, i+len(opening+rest+format)+end+2
	return s, true
}

// alike tells whether what begins with opening at i is a sealed value or looks
// like one, and how many dollar signs it has.
func alike(data []byte, i int) (dollars int, ok bool) {
	tail := data[i+len(opening)-1:]
	for dollars < len(tail) && tail[dollars] == '$' {
		dollars++
	}
	return dollars, bytes.HasPrefix(tail[dollars:], []byte(rest))
}

// escape appends what a user wrote.
func escape(out, data []byte) []byte {
	for {
		i := bytes.Index(data, []byte(opening))
		if i < 0 {
			return append(out, data...)
		}
		end := i + len(opening)
		out = append(out, data[:end]...)
		if _, ok := alike(data, i); ok {
			out = append(out, '$')
		}
		data = data[end:]
	}
}

// suspect tells whether a document may have sealed values, or what looks like
// them.
func suspect(data []byte) bool { return bytes.Contains(data, []byte(rest)) }

// sealedIn finds the sealed values of a document.
func sealedIn(data []byte) (all []sealed) {
	for i := 0; ; {
		at := bytes.Index(data[i:], []byte(opening))
		if at < 0 {
			return all
		}
		i += at
		if s, ok := parse(data, i); ok {
			all = append(all, s)
			i = s.to
			continue
		}
		i += len(opening)
	}
}

// unescape appends what escape made of what a user wrote.
func unescape(out, data []byte) []byte {
	for {
		i := bytes.Index(data, []byte(opening))
		if i < 0 {
			return append(out, data...)
		}
		end := i + len(opening)
		out = append(out, data[:end]...)
		if dollars, ok := alike(data, i); ok && dollars > 1 {
			out = out[:len(out)-1]
		}
		data = data[end:]
	}
}
