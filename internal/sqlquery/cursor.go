package sqlquery

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/talix-dev/talix/table"
)

// A cursor is base64url of: its format, the fingerprint of what it was made
// for, its direction, and the key values of the row next to which to go on, each
// with its kind.

// cursorFormat is the first byte of a cursor.
const cursorFormat = 2

// direction is where a cursor leads.
type direction byte

const (
	forth direction = iota
	back
)

// maxCursor is the longest cursor that talix.Paging takes.
const maxCursor = 2048

var (
	errCursor  = errors.New("this is not a cursor: use the value of next or prev in another page")
	errForeign = errors.New("this cursor was made by another query or with other filters: begin again without a cursor")
)

// fingerprint tells cursors of one query and one set of filters from others.
type fingerprint [8]byte

func (q *Query) fingerprint(args []table.Arg) fingerprint {
	sum := q.digest(args)
	return fingerprint(sum[:8])
}

// digest covers the query's name, its page keys and its parameters.
func (q *Query) digest(args []table.Arg) [sha256.Size]byte {
	b := appendText(nil, q.def.Name)
	for _, k := range q.def.SQL.Page {
		b = fmt.Appendf(appendText(b, k.Column), "%t", k.Desc)
	}
	for _, a := range args {
		b = appendValue(appendText(b, a.Name), a.Value)
	}
	return sha256.Sum256(b)
}

func encodeCursor(mark fingerprint, to direction, keys []table.Value) (string, error) {
	b := append([]byte{cursorFormat}, mark[:]...)
	b = append(b, byte(to))
	for _, v := range keys {
		b = appendValue(b, v)
	}
	s := base64.RawURLEncoding.EncodeToString(b)
	if len(s) > maxCursor {
		return "", fmt.Errorf("the values in the columns of PageBy are too long for a cursor of %d characters: page by a shorter column", maxCursor)
	}
	return s, nil
}

func decodeCursor(s string, mark fingerprint, n int) (direction, []table.Value, error) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(b) < 2+len(mark) || b[0] != cursorFormat {
		return 0, nil, errCursor
	}
	if fingerprint(b[1:1+len(mark)]) != mark {
		return 0, nil, errForeign
	}
	to, b := direction(b[1+len(mark)]), b[2+len(mark):]
	keys, err := decodeKeys(b, n)
	if to > back {
		err = errCursor
	}
	return to, keys, err
}

func decodeKeys(b []byte, n int) ([]table.Value, error) {
	keys := make([]table.Value, 0, n)
	for range n {
		v, rest, ok := cutValue(b)
		if !ok {
			return nil, errCursor
		}
		keys, b = append(keys, v), rest
	}
	if len(b) > 0 {
		return nil, errCursor
	}
	return keys, nil
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendValue(b []byte, v table.Value) []byte {
	b = append(b, byte(v.Kind()))
	switch v.Kind() {
	case table.Int:
		return binary.AppendVarint(b, v.Int())
	case table.Float:
		return binary.BigEndian.AppendUint64(b, math.Float64bits(v.Float()))
	case table.Text, table.Blob:
		return appendText(b, v.Text())
	}
	return b
}

func cutValue(b []byte) (v table.Value, rest []byte, ok bool) {
	if len(b) == 0 {
		return v, nil, false
	}
	kind, b := table.Kind(b[0]), b[1:]
	switch kind {
	case table.Int:
		n, size := binary.Varint(b)
		return table.IntValue(n), b[max(size, 0):], size > 0
	case table.Float:
		if len(b) < 8 {
			return v, nil, false
		}
		return table.FloatValue(math.Float64frombits(binary.BigEndian.Uint64(b))), b[8:], true
	case table.Text, table.Blob:
		n, size := binary.Uvarint(b)
		if size <= 0 || n > uint64(len(b)-size) {
			return v, nil, false
		}
		s := string(b[size : size+int(n)])
		if kind == table.Text {
			return table.TextValue(s), b[size+int(n):], true
		}
		return table.BlobValue(s), b[size+int(n):], true
	}
	return v, nil, false
}
