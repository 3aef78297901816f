package sqlite

import (
	"fmt"
	"sync"

	"github.com/talix-dev/talix/store"
	"zombiezen.com/go/sqlite"
)

// names remembers what the numbers of streams and event types stand for.
// Neither ever changes once a reader has seen it.
type names struct {
	mu      sync.Mutex
	streams *cache[int64, store.Stream]
	types   map[int64]string
}

func newNames() *names {
	return &names{streams: newCache[int64, store.Stream](65536), types: make(map[int64]string)}
}

func (n *names) stream(r *reader, number int64) (store.Stream, error) {
	n.mu.Lock()
	s, ok := n.streams.get(number)
	n.mu.Unlock()
	if ok {
		return s, nil
	}
	stmt, err := r.prepare("SELECT type, id FROM streams WHERE stream = ?")
	if err != nil {
		return s, err
	}
	stmt.BindInt64(1, number)
	found, err := lookup(stmt, func(row *sqlite.Stmt) { s = store.Stream{Type: row.ColumnText(0), ID: row.ColumnText(1)} })
	if err == nil && !found {
		err = fmt.Errorf("%w: stream %d has no name", store.ErrCorrupt, number)
	}
	if err == nil {
		n.mu.Lock()
		n.streams.put(number, s)
		n.streams.trim()
		n.mu.Unlock()
	}
	return s, err
}

func (n *names) typ(r *reader, number int64) (string, error) {
	n.mu.Lock()
	name, ok := n.types[number]
	n.mu.Unlock()
	if ok {
		return name, nil
	}
	stmt, err := r.prepare("SELECT name FROM types WHERE type = ?")
	if err != nil {
		return "", err
	}
	stmt.BindInt64(1, number)
	found, err := lookup(stmt, func(row *sqlite.Stmt) { name = row.ColumnText(0) })
	if err == nil && !found {
		err = fmt.Errorf("%w: event type %d has no name", store.ErrCorrupt, number)
	}
	if err == nil {
		n.mu.Lock()
		n.types[number] = name
		n.mu.Unlock()
	}
	return name, err
}
