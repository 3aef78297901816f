// Package stuck is for people: it lists the work that does not go on by itself,
// or not at once, and has it tried again.
package stuck

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/talix-dev/talix/internal/work"
	"github.com/talix-dev/talix/store"
)

// Items are the durable items; a *work.Runner.
type Items interface {
	Get(ctx context.Context, p store.Partition, id string) (work.Item, bool, error)
	List(ctx context.Context, p store.Partition, prefix, after string, max int) ([]work.Item, error)
	Update(ctx context.Context, p store.Partition, id string, change func(work.Item) (*work.Item, []store.Change, error)) (work.Item, error)
}

// Errors that callers tell apart.
var (
	// ErrNotFound: there is no such item, or nothing is left to be done in it.
	ErrNotFound = errors.New("nothing is stuck under this id")
	// ErrBusy: the item runs at this moment.
	ErrBusy = errors.New("it is being worked on at this moment; look again")
	// ErrOrphan: no service of the program has the item's action.
	ErrOrphan = errors.New("its action is in no service of this program; add it again")
)

// page is how many items are read at a time.
const page = 256

// List is up to max items of all partitions whose ID begins with prefix and is
// above after, in the order of IDs: unfinished ones that stand behind no other.
func List(ctx context.Context, items Items, partitions int, prefix, after string, max int) ([]work.Item, error) {
	var all []work.Item
	for p := range partitions {
		found, err := unfinished(ctx, items, store.Partition(p), prefix, after, max)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	slices.SortFunc(all, func(a, b work.Item) int { return strings.Compare(a.ID, b.ID) })
	return all[:min(max, len(all))], nil
}

func unfinished(ctx context.Context, items Items, p store.Partition, prefix, after string, max int) ([]work.Item, error) {
	var found []work.Item
	for {
		some, err := items.List(ctx, p, prefix, after, page)
		if err != nil {
			return nil, fmt.Errorf("list what is stuck: %w", err)
		}
		for _, item := range some {
			if !item.Status.Finished() && item.Status != work.Behind {
				found = append(found, item)
			}
		}
		if len(some) < page || len(found) >= max {
			return found, nil
		}
		after = some[len(some)-1].ID
	}
}

// Find is an unfinished item.
func Find(ctx context.Context, items Items, p store.Partition, id string) (work.Item, error) {
	item, found, err := items.Get(ctx, p, id)
	if err == nil && (!found || item.Status.Finished()) {
		err = ErrNotFound
	}
	if err != nil {
		return work.Item{}, fmt.Errorf("find %q: %w", id, err)
	}
	return item, nil
}

// Retry has an item run now, as if it had never failed.
func Retry(ctx context.Context, items Items, p store.Partition, id string, now time.Time) error {
	return Change(ctx, items, p, id, func(item work.Item) (*work.Item, []store.Change, error) {
		return Again(item, now), nil, nil
	})
}

// Again is an item that is run now, as if it had never failed.
func Again(item work.Item, now time.Time) *work.Item {
	item.Attempts, item.Failing, item.Due = 0, time.Time{}, now
	if item.Status != work.Compensating {
		item.Status = work.Ready
	}
	return &item
}

// Change changes an unfinished item.
func Change(ctx context.Context, items Items, p store.Partition, id string, change func(work.Item) (*work.Item, []store.Change, error)) error {
	_, err := items.Update(ctx, p, id, func(item work.Item) (*work.Item, []store.Change, error) {
		if item.Status.Finished() {
			return nil, nil, ErrNotFound
		}
		return change(item)
	})
	if errors.Is(err, work.ErrNotFound) {
		err = ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("change %q: %w", id, err)
	}
	return nil
}

// errNotParked ends a change that is not needed.
var errNotParked = errors.New("it is not parked any more")

// Replay has all parked items whose ID begins with prefix run now, and counts
// them. After an error, some may run already.
func Replay(ctx context.Context, items Items, partitions int, prefix string, now time.Time) (int, error) {
	n := 0
	for p := range partitions {
		for after := ""; ; {
			some, err := items.List(ctx, store.Partition(p), prefix, after, page)
			if err != nil {
				return n, fmt.Errorf("list what is parked: %w", err)
			}
			for i := range some {
				ok, err := replay(ctx, items, &some[i], now)
				if err != nil {
					return n, err
				}
				if ok {
					n++
				}
			}
			if len(some) < page {
				break
			}
			after = some[len(some)-1].ID
		}
	}
	return n, nil
}

func replay(ctx context.Context, items Items, item *work.Item, now time.Time) (bool, error) {
	if item.Status != work.Parked {
		return false, nil
	}
	err := Change(ctx, items, item.Partition, item.ID, func(item work.Item) (*work.Item, []store.Change, error) {
		if item.Status != work.Parked {
			return nil, nil, errNotParked
		}
		return Again(item, now), nil, nil
	})
	if errors.Is(err, errNotParked) || errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}
