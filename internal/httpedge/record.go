package httpedge

import (
	"encoding/binary"
	"errors"
)

// record is an answer as it is remembered under a key.
type record struct {
	digest [16]byte // of the input that it answers
	status int
	header []pair
	body   []byte
}

// recordVersion begins every record.
const recordVersion = 1

func (r record) encode() []byte {
	b := make([]byte, 0, 64+len(r.body)+32*len(r.header))
	b = append(b, recordVersion)
	b = append(b, r.digest[:]...)
	b = binary.AppendUvarint(b, uint64(r.status))
	b = binary.AppendUvarint(b, uint64(len(r.header)))
	for _, p := range r.header {
		b = appendText(appendText(b, p.name), p.value)
	}
	return append(b, r.body...)
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

var errRecord = errors.New("the answer remembered under this key cannot be read")

func decodeRecord(b []byte) (record, error) {
	var r record
	if len(b) < 17 || b[0] != recordVersion {
		return r, errRecord
	}
	b = b[1+copy(r.digest[:], b[1:]):]
	status, b, ok := number(b)
	count, b, ok2 := number(b)
	if !ok || !ok2 || status < 200 || status > 299 || count > uint64(len(b)) {
		return r, errRecord
	}
	r.status = int(status)
	for range count {
		var p pair
		if p.name, b, ok = text(b); ok {
			p.value, b, ok = text(b)
		}
		if !ok {
			return r, errRecord
		}
		r.header = append(r.header, p)
	}
	r.body = b
	return r, nil
}

func number(b []byte) (uint64, []byte, bool) {
	v, n := binary.Uvarint(b)
	if n <= 0 {
		return 0, nil, false
	}
	return v, b[n:], true
}

func text(b []byte) (string, []byte, bool) {
	n, b, ok := number(b)
	if !ok || n > uint64(len(b)) {
		return "", nil, false
	}
	return string(b[:n]), b[n:], true
}
