package runtime

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"sort"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/store"
)

// cursor writes where a list goes on; empty if it is at its end. It is base64
// of a line of JSON, a place for each partition, and a sum.
func (w *listWalk) cursor() string {
	b, err := json.Marshal(w.options)
	if err != nil {
		panic(err) // the times were checked
	}
	b = append(b, '\n')
	more := false
	for i := range w.lanes {
		l := &w.lanes[i]
		more = more || !l.done || len(l.found) > 0
		b = binary.AppendUvarint(b, uint64(l.place(w.options.Reverse)))
	}
	if !more {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b)))
}

// place is a position to go on from, plus one. What was found and not told is
// to be found again.
func (l *listLane) place(reverse bool) store.Position {
	switch {
	case len(l.found) > 0 && reverse:
		return l.found[0].Position + 2
	case len(l.found) > 0:
		return l.found[0].Position
	case l.done && reverse:
		return 2 // below the first position is none
	}
	return l.at + 1
}

// readCursor reads what cursor wrote.
func (e Entities) readCursor(text string) (*listWalk, error) {
	bad := talix.Invalid("cursor", "is none of a list of this store")
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(b) < 4 {
		return nil, bad
	}
	b, sum := b[:len(b)-4], b[len(b)-4:]
	head, places, found := bytes.Cut(b, []byte("\n"))
	if !found || binary.BigEndian.Uint32(sum) != crc32.ChecksumIEEE(b) {
		return nil, bad
	}
	w := &listWalk{}
	if err := json.Unmarshal(head, &w.options); err != nil {
		return nil, bad
	}
	for len(places) > 0 {
		place, n := binary.Uvarint(places)
		if n <= 0 {
			return nil, bad
		}
		places = places[n:]
		w.lanes = append(w.lanes, listLane{at: max(0, store.Position(place)-1)})
	}
	if len(w.lanes) != e.r.tail.Partitions() {
		return nil, bad
	}
	return w, nil
}

// seek is where to begin in a partition: at the time that bounds the list, or a
// little before.
func (e Entities) seek(ctx context.Context, p store.Partition, o *listOptions) (store.Position, error) {
	if !o.Reverse && o.From.IsZero() {
		return 0, nil
	}
	head, err := e.r.cfg.Store.Head(ctx, p)
	if err != nil || o.Reverse && o.To.IsZero() {
		return head + 1, err
	}
	if o.Reverse {
		at, err := e.firstAfter(ctx, p, head, o.To.Add(listSlack))
		return at + 1, err
	}
	return e.firstAfter(ctx, p, head, o.From.Add(-listSlack))
}

// firstAfter is a position with nothing up to it that is later than a time, and
// nothing above it that is not, as far as times rise.
func (e Entities) firstAfter(ctx context.Context, p store.Partition, head store.Position, bound time.Time) (store.Position, error) {
	var err error
	n := sort.Search(int(head), func(i int) bool {
		if err != nil {
			return true
		}
		var events []store.Event
		events, err = e.r.cfg.Store.Log(ctx, p, store.Position(i), 1)
		return len(events) == 0 || events[0].Time.After(bound)
	})
	return store.Position(n), err
}
