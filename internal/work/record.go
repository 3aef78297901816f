package work

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/talix-dev/talix/store"
)

// decode reads an item. Of one that cannot be read, the item tells where it is
// and what is wrong with it, for people to see; it has no status.
func decode(p store.Partition, rec *store.Record) (Item, error) {
	var item Item
	err := json.Unmarshal(rec.Data, &item)
	if err != nil {
		err = fmt.Errorf("read work %q: %w", rec.Key, err)
		item = Item{Error: err.Error(), Code: "corrupt"}
	}
	item.ID, item.Partition, item.Rev, item.Due = rec.Key, p, rec.Rev, rec.Due
	return item, err
}

// Read reads the item in a record of Space. Where that fails, the item tells
// where it is and what is wrong with it.
func Read(p store.Partition, rec store.Record) (Item, error) { return decode(p, &rec) }

// Change is the change of a record that writes an item, for a batch that
// someone else commits: the item must still have the Rev that it has here, zero
// stands for one that does not exist yet. Wake has to be called once the batch
// is durable, or may be.
func (r *Runner) Change(item Item) store.Change {
	now := r.cfg.Now().UTC()
	item.Changed = now
	if item.Created.IsZero() {
		item.Created = now
	}
	data, err := json.Marshal(&item)
	if err != nil {
		panic(err) // it has no field that could fail
	}
	rec := store.Record{Space: Space, Key: item.ID, Rev: r.cfg.NewRev(), Due: ceil(item.Due), Data: data}
	return store.Change{Op: store.Put, Record: rec, From: item.Rev}
}

// ceil gives a time the precision that the store keeps, so that nothing is run
// before it is due.
func ceil(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	cut := t.UTC().Truncate(time.Microsecond)
	if cut.Before(t) {
		cut = cut.Add(time.Microsecond)
	}
	return cut
}

func drop(item *Item) store.Change {
	return store.Change{Op: store.Delete, Record: store.Record{Space: Space, Key: item.ID}, From: item.Rev}
}
