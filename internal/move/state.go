package move

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/talix-dev/talix/store"
)

// Space is where a store keeps what is known of moves into it, in its first
// partition.
const Space = "move"

// copyKey is the record of a copy into the store.
const copyKey = "copy"

// copyState is how far a copy is. It stays when it is done, until a runtime
// works on the store, so that what came to the other store meanwhile can be
// brought over.
type copyState struct {
	From store.ID         `json:"from"`
	Done bool             `json:"done,omitempty"`
	At   []store.Position `json:"at,omitempty"` // of the source's partitions
	// Kept tells that records, results and marks may have been brought over.
	Kept bool `json:"kept,omitempty"`
}

// load reads what was saved under a key.
func load(ctx context.Context, s store.Keeper, key string, into any) (bool, error) {
	found, err := s.Records(ctx, 0, Space, key, "", 1)
	if err == nil && len(found) > 0 {
		err = json.Unmarshal(found[0].Data, into)
	}
	if err != nil {
		return false, fmt.Errorf("read how far %s is: %w", key, err)
	}
	return len(found) > 0, nil
}

// save keeps something under a key; nil deletes it.
func save(ctx context.Context, s store.Store, rev store.ID, key string, state any) error {
	change := store.Change{Op: store.Delete, Blind: true, Record: store.Record{Space: Space, Key: key}}
	if state != nil {
		data, err := json.Marshal(state)
		if err != nil {
			return fmt.Errorf("save how far %s is: %w", key, err)
		}
		change.Op, change.Rev, change.Data = store.Put, rev, data
	}
	return commit(ctx, s, 0, []store.Batch{{Records: []store.Change{change}}}, expectDurable)
}

func expectDurable(_ *store.Batch, o store.Outcome) error {
	if o.Status != store.Durable {
		return fmt.Errorf("write: %s: someone else writes to the store: stop the program that works on it", o.Status)
	}
	return nil
}

// Enter is called by who begins to work on a store: it fails with
// ErrUnfinished if the store is a copy that was not finished. From then on it
// is no copy any more.
func Enter(ctx context.Context, s store.Store) error {
	keeper, ok := s.(store.Keeper)
	if !ok {
		return nil
	}
	var state copyState
	found, err := load(ctx, keeper, copyKey, &state)
	switch {
	case err != nil || !found:
		return err
	case !state.Done:
		return ErrUnfinished
	}
	return save(ctx, s, store.ID{}, copyKey, nil)
}

// whole refuses a store that is half a copy.
func whole(ctx context.Context, s store.Keeper) error {
	var state copyState
	found, err := load(ctx, s, copyKey, &state)
	if err == nil && found && !state.Done {
		err = ErrUnfinished
	}
	return err
}
