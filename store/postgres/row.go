package postgres

import (
	"bytes"
	"fmt"

	"github.com/talix-dev/talix/store"
)

// readEvent reads the columns of eventColumns. The event's partition and stream
// are the caller's to know.
func readEvent(row [][]byte, p store.Partition, s store.Stream) (store.Event, error) {
	e := store.Event{
		Stream: s, Partition: p, Position: store.Position(readInt(row[0])), Version: store.Version(readInt(row[1])),
		Schema: int(readInt(row[2])), Time: readTime(row[3]),
		ID: readID(row[5]), Command: readID(row[6]), Correlation: readID(row[7]), Causation: readID(row[8]),
		Type: unescape(string(row[9])), Metadata: bytes.Clone(row[10]), Data: append([]byte{}, row[11]...),
	}
	if row[4] != nil && uint32(readInt(row[4])) != checksum(canonical(nil, &e)) {
		return e, fmt.Errorf("%w: the event at position %d of partition %d is not what was written; restore a backup", store.ErrCorrupt, e.Position, p)
	}
	return e, nil
}

// A page ends early when it holds so many bytes.
const pageBytes = 8 << 20

// page collects events.
type page struct {
	events []store.Event
	bytes  int
}

// add tells whether there is room for more.
func (p *page) add(e store.Event) bool {
	p.events = append(p.events, e)
	p.bytes += len(e.Data) + len(e.Metadata) + 300
	return p.bytes < pageBytes
}
