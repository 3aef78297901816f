package store

import (
	"encoding/hex"
	"errors"
)

// ID is a 128-bit identifier, written as a UUID. The zero ID stands for none.
type ID [16]byte

// IsZero tells whether the id stands for none.
func (id ID) IsZero() bool { return id == ID{} }

// String is the canonical form: 36 characters, lower case.
func (id ID) String() string {
	var b [36]byte
	id.encode(&b)
	return string(b[:])
}

func (id ID) encode(b *[36]byte) {
	hex.Encode(b[0:8], id[0:4])
	hex.Encode(b[9:13], id[4:6])
	hex.Encode(b[14:18], id[6:8])
	hex.Encode(b[19:23], id[8:10])
	hex.Encode(b[24:36], id[10:16])
	b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
}

// MarshalText writes the canonical form.
func (id ID) MarshalText() ([]byte, error) {
	var b [36]byte
	id.encode(&b)
	return b[:], nil
}

// UnmarshalText reads the canonical form.
func (id *ID) UnmarshalText(text []byte) error {
	parsed, err := ParseID(string(text))
	if err != nil {
		return err
	}
	*id = parsed
	return nil
}

var errID = errors.New("an id has 36 characters, as in 01890a5d-ac96-774b-bcce-b302099a8057")

// ParseID reads the canonical form.
func ParseID(s string) (ID, error) {
	var id ID
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return ID{}, errID
	}
	for _, part := range [...][3]int{{0, 8, 0}, {9, 13, 4}, {14, 18, 6}, {19, 23, 8}, {24, 36, 10}} {
		if _, err := hex.Decode(id[part[2]:], []byte(s[part[0]:part[1]])); err != nil {
			return ID{}, errID
		}
	}
	return id, nil
}
