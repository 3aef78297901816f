package postgres

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/talix-dev/talix/store"
)

// canonical appends the bytes that an event's checksum is taken of: all that is
// known before the event has its place. Stored data depends on it: it never
// changes.
func canonical(b []byte, e *store.Event) []byte {
	b = binary.LittleEndian.AppendUint64(b, uint64(e.Version))
	b = binary.LittleEndian.AppendUint64(b, uint64(e.Schema))
	b = binary.LittleEndian.AppendUint64(b, uint64(e.Time.UnixMicro()))
	b = append(b, e.ID[:]...)
	b = append(b, e.Command[:]...)
	b = append(b, e.Correlation[:]...)
	b = append(b, e.Causation[:]...)
	for _, s := range [...]string{e.Stream.Type, e.Stream.ID, e.Type} {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	b = binary.AppendUvarint(b, uint64(len(e.Metadata)))
	b = append(b, e.Metadata...)
	return append(b, e.Data...)
}

// checksum is CRC-32C.
func checksum(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }
