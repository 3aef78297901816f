package stuck

import (
	"context"
	"fmt"
	"time"

	"github.com/talix-dev/talix/internal/work"
	"github.com/talix-dev/talix/store"
)

// codeOrphan is the code of items whose action is in no service.
const codeOrphan = "orphaned"

// Orphaned is the verdict on an item whose action is in no service: it is kept
// until the action is back.
func Orphaned(item work.Item) (*work.Item, []store.Change) {
	item.Status, item.Code, item.Due = work.Parked, codeOrphan, time.Time{}
	item.Error = fmt.Sprintf("no service of this program has the action %q that this %s is for: add it again, and what waits here goes on", item.Action, item.Kind)
	return &item, nil
}

// Adopt lets an item go on that was parked by Orphaned, now that its action is
// back. Of others it does nothing.
func Adopt(ctx context.Context, items Items, item work.Item, now time.Time) error {
	if item.Status != work.Parked || item.Code != codeOrphan {
		return nil
	}
	_, err := items.Update(ctx, item.Partition, item.ID, func(item work.Item) (*work.Item, []store.Change, error) {
		return Again(item.Recovered(), now), nil, nil
	})
	return err
}
