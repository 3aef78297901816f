// Package result is the form of what a store keeps under the key of a command or
// of a request: where it belongs, and what is kept. The place is there for moves
// to a store of another number of partitions; whoever asks for a result knows it.
package result

import (
	"encoding/binary"
	"errors"

	"github.com/talix-dev/talix/store"
)

// Head is how many bytes stand before what is kept.
const Head = 1 + 8

// form begins every result; another one will say that the rest is another.
const form = 2

// Begin appends the head of a result that belongs where a stream does; what is
// kept follows it.
func Begin(b []byte, home store.Stream) []byte {
	return binary.BigEndian.AppendUint64(append(b, form), uint64(store.PlaceOf(home)))
}

// ErrForm: it is no result of a form that this release knows.
var ErrForm = errors.New("the result is of a form that this release does not know")

// Open takes a result apart. What is kept is a part of it.
func Open(b []byte) (home store.Place, kept []byte, err error) {
	if len(b) < Head || b[0] != form {
		return 0, nil, ErrForm
	}
	return store.Place(binary.BigEndian.Uint64(b[1:])), b[Head:], nil
}
