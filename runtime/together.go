package runtime

import (
	"context"

	"github.com/talix-dev/talix/store"
)

// nearby is how many positions on each side are looked at for events of the same
// append.
const nearby = 256

// Together are the events that were stored in one append with an event, itself
// included, in the order of positions: those of its command, or of its group. Of
// a group, those in other partitions are not found, and of a very large append
// only those near the event.
func (l Log) Together(ctx context.Context, of *Logged) ([]Logged, error) {
	p, after := store.Partition(of.Partition), max(of.Position-nearby, 1)-1
	if of.Partition < 0 || of.Partition >= l.r.tail.Partitions() || of.CommandID.IsZero() {
		return nil, nil
	}
	events, err := l.r.cfg.Store.Log(ctx, p, store.Position(after), 2*nearby)
	if err != nil {
		return nil, l.fault(err)
	}
	var all []Logged
	for i := range events {
		if e := &events[i]; e.Command == of.CommandID {
			all = append(all, loggedOf(e))
		}
	}
	return all, nil
}
