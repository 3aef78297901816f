package move

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/talix-dev/talix/internal/entity"
	"github.com/talix-dev/talix/internal/flow"
	"github.com/talix-dev/talix/internal/queue"
	"github.com/talix-dev/talix/internal/snapshot"
	"github.com/talix-dev/talix/internal/work"
	"github.com/talix-dev/talix/store"
)

// records brings the records over, each to where it is looked for in a store of
// that many partitions. Again: there may be some of an earlier copy.
func (k *copier) records(ctx context.Context, again bool) error {
	m := k.meter("records", "records", 0, 0)
	if again {
		if err := k.strays(ctx); err != nil {
			return err
		}
	}
	return k.eachCargo(ctx, k.From, func(load *cargo, from store.Partition, page []store.Record) error {
		for i := range page {
			p, ok, err := k.carry(ctx, from, &page[i])
			if err != nil {
				return fmt.Errorf("carry the record %.80q in %q over: %w", page[i].Key, page[i].Space, err)
			}
			if ok {
				load.change(p, store.Change{Record: page[i], Blind: true})
			}
		}
		k.did.Records += int64(len(page))
		return m.at(ctx, k.did.Records, 0)
	})
}

// eachCargo goes through the records of a store and brings what comes of them to
// the target. What comes of one partition goes by commits of its own, so that
// none of them names a record twice.
func (k *copier) eachCargo(ctx context.Context, s Store, do func(load *cargo, p store.Partition, page []store.Record) error) error {
	var load cargo
	var of store.Partition
	err := eachRecord(ctx, s, func(p store.Partition, page []store.Record) error {
		if load.full() || p != of {
			if err := load.unload(ctx, k.To, expectDurable); err != nil {
				return err
			}
		}
		of = p
		return do(&load, p, page)
	})
	if err != nil {
		return err
	}
	return load.unload(ctx, k.To, expectDurable)
}

// eachRecord goes through the records of a store but those of moves.
func eachRecord(ctx context.Context, s Store, do func(p store.Partition, page []store.Record) error) error {
	for p := range store.Partition(s.Partitions()) {
		spaces, err := s.Spaces(ctx, p)
		if err != nil {
			return err
		}
		for _, space := range spaces {
			if space == Space {
				continue
			}
			if err := eachOf(ctx, s, p, space, do); err != nil {
				return err
			}
		}
	}
	return nil
}

func eachOf(ctx context.Context, s Store, p store.Partition, space string, do func(store.Partition, []store.Record) error) error {
	after, size := "", recordPage
	for {
		page, err := s.Records(ctx, p, space, "", after, size)
		if err != nil || len(page) == 0 {
			return err
		}
		if err := do(p, page); err != nil || len(page) < size {
			return err
		}
		after, size = page[len(page)-1].Key, nextPage(page)
	}
}

// Bounds of the records that are read at a time: as many as come to some bytes.
const (
	recordPage      = 64
	mostRecords     = 1024
	recordPageBytes = 1 << 20
)

// nextPage is how many records to read after a page, so that large ones come in
// small numbers.
func nextPage(page []store.Record) int {
	bytes := 1
	for i := range page {
		bytes += len(page[i].Data)
	}
	return max(1, min(mostRecords, len(page)*2, len(page)*recordPageBytes/bytes))
}

var (
	errStrange = errors.New("this release does not know in which partition it belongs: copy to a store with as many partitions")
	errLeft    = errors.New("no entity holds the unique value that it names, so that it is a fault of the source")
	errPour    = errors.New("events are being poured: let the program end that, or cancel it, and copy then")
)

// homeOf is the partition of a record of partition p of a store, in one of n
// partitions.
func homeOf(space, key string, p store.Partition, of, n int) (store.Partition, error) {
	if n == 1 || n == of {
		return min(p, store.Partition(n-1)), nil
	}
	home, ok := flow.Home(space, key)
	switch space {
	case queue.Seen:
		home, ok = work.Home(key)
	case snapshot.Space:
		home, ok = snapshot.StreamOf(key)
	case entity.UniqueSpace:
		home, ok = entity.ValueHome(key), true
	}
	if !ok {
		return 0, errStrange
	}
	return store.PartitionOf(home, n), nil
}

// homeIn is homeOf for any record of a store. What entities hold is found by who
// holds it, in that store or else the other one; errLeft: no one does.
func homeIn(ctx context.Context, rec *store.Record, p store.Partition, s, other Store) (store.Partition, error) {
	of, n := s.Partitions(), other.Partitions()
	if rec.Space != entity.HeldSpace || n == 1 || n == of {
		return homeOf(rec.Space, rec.Key, p, of, n)
	}
	value := entity.HeldValue(rec.Key)
	for _, in := range []Store{s, other} {
		held, found, err := in.Record(ctx, store.PartitionOf(entity.ValueHome(value), in.Partitions()), entity.UniqueSpace, value)
		if err != nil {
			return 0, err
		}
		if !found {
			continue
		}
		holder, err := entity.HolderIn(&held)
		if err != nil {
			return 0, err
		}
		if entity.Holds(holder, rec.Key) {
			return store.PartitionOf(holder, n), nil
		}
	}
	return 0, errLeft
}

// carry makes a record what the target gets, and tells in which partition;
// false: it is left. Positions of the log are other ones there.
func (k *copier) carry(ctx context.Context, from store.Partition, rec *store.Record) (store.Partition, bool, error) {
	poured := strings.HasPrefix(rec.Key, string(work.Pour)+"/")
	if rec.Space == work.Space && (poured || bytes.Contains(rec.Data, []byte(`"`+flow.Wrote+`"`))) {
		var item work.Item
		if err := json.Unmarshal(rec.Data, &item); err != nil && !poured {
			return k.homeOf(ctx, from, rec) // it cannot be read there either
		}
		if poured && !item.Status.Finished() {
			return 0, false, errPour
		}
		delete(item.Header, flow.Wrote)
		data, err := json.Marshal(&item)
		if err != nil {
			return 0, false, err
		}
		rec.Data = data
	}
	if poured {
		return 0, false, nil
	}
	return k.homeOf(ctx, from, rec)
}

func (k *copier) homeOf(ctx context.Context, from store.Partition, rec *store.Record) (store.Partition, bool, error) {
	p, err := homeIn(ctx, rec, from, k.From, k.To)
	return p, err == nil, err
}

// strays deletes records of an earlier copy that the source has no more.
func (k *copier) strays(ctx context.Context) error {
	return k.eachCargo(ctx, k.To, func(load *cargo, p store.Partition, page []store.Record) error {
		for i := range page {
			found := false
			home, err := homeIn(ctx, &page[i], p, k.To, k.From)
			if err == nil {
				_, found, err = k.From.Record(ctx, home, page[i].Space, page[i].Key)
			}
			if err != nil && !errors.Is(err, errLeft) {
				return err
			}
			if !found {
				load.change(p, store.Change{Op: store.Delete, Blind: true, Record: store.Record{Space: page[i].Space, Key: page[i].Key}})
			}
		}
		return nil
	})
}
