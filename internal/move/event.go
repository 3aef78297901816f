package move

import (
	"bytes"
	"encoding/binary"
	"time"

	"github.com/talix-dev/talix/store"
)

// canonical appends all of an event but its place in the log, which differs
// from store to store.
func canonical(b []byte, e *store.Event) []byte {
	for _, s := range [...]string{e.Stream.Type, e.Stream.ID, e.Type} {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	b = binary.AppendVarint(b, int64(e.Version))
	b = binary.AppendVarint(b, int64(e.Schema))
	b = binary.AppendVarint(b, e.Time.UnixMicro())
	for _, id := range [...]*store.ID{&e.ID, &e.Command, &e.Correlation, &e.Causation} {
		b = append(b, id[:]...)
	}
	b = binary.AppendUvarint(b, uint64(len(e.Metadata)))
	b = append(b, e.Metadata...)
	return append(b, e.Data...)
}

// differ says what differs between two events of one place; empty if nothing
// does.
func differ(a, b *store.Event) string {
	switch {
	case a.Version != b.Version:
		return "one of them is missing"
	case a.ID != b.ID:
		return "its id"
	case a.Type != b.Type || a.Schema != b.Schema:
		return "its type"
	case !a.Time.Truncate(time.Microsecond).Equal(b.Time.Truncate(time.Microsecond)):
		return "its time"
	case a.Command != b.Command || a.Correlation != b.Correlation || a.Causation != b.Causation:
		return "its cause"
	case !bytes.Equal(a.Metadata, b.Metadata):
		return "its metadata"
	case !bytes.Equal(a.Data, b.Data):
		return "its data"
	}
	return ""
}
