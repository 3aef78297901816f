package queue

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/talix-dev/talix/broker"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/stuck"
	"github.com/talix-dev/talix/internal/work"
	"github.com/talix-dev/talix/store"
)

// Stuck is a message with which an action does not get on, or which waits.
type Stuck struct {
	work.Item
	Orphan  bool // no service of the program has the action
	Message broker.Message
	Behind  int // messages of its lane after it, up to MaxBehind
}

// MaxBehind is how many messages that stand behind are counted.
const MaxBehind = 10_000

// ErrBehind: the message stands behind another one.
var ErrBehind = errors.New("it stands behind another message of its key; see to that one")

// Parked are up to max messages of an action, or of all if it is empty, whose
// ID is above after, in the order of IDs: those that are parked, are tried
// again or wait, and stand behind no other.
func (q *Queues) Parked(ctx context.Context, action, after string, max int) ([]Stuck, error) {
	items, err := stuck.List(ctx, q.cfg.Work, q.cfg.Store.Partitions(), prefixOf(action), after, max)
	if err != nil {
		return nil, err
	}
	all := make([]Stuck, len(items))
	for i, item := range items {
		behind, err := q.behind(ctx, item)
		if err != nil {
			return nil, err
		}
		all[i] = q.describe(ctx, item, len(behind))
	}
	return all, nil
}

func prefixOf(action string) string {
	if action == "" {
		return string(work.Message) + "/"
	}
	return registry.RunID(string(work.Message), action) + "/"
}

func (q *Queues) describe(ctx context.Context, item work.Item, behind int) Stuck {
	m, _ := q.cfg.messageOf(ctx, item) // of one that cannot be read, the item tells so
	return Stuck{Item: item, Orphan: q.takers[item.Action] == nil, Message: m, Behind: behind}
}

// behind are the items that stand behind another, in order.
func (q *Queues) behind(ctx context.Context, item work.Item) ([]work.Item, error) {
	const page = 256
	lane := item.ID[:strings.LastIndexByte(item.ID, '/')+1]
	var all []work.Item
	for after := ""; len(all) < MaxBehind; {
		some, err := q.cfg.Work.List(ctx, item.Partition, lane, after, page)
		if err != nil {
			return nil, fmt.Errorf("list what stands behind %s: %w", item.ID, err)
		}
		for _, other := range some {
			if other.ID != item.ID && !other.Status.Finished() {
				all = append(all, other)
			}
		}
		if len(some) < page {
			break
		}
		after = some[len(some)-1].ID
	}
	slices.SortFunc(all, func(a, b work.Item) int { return cmp.Compare(a.Version, b.Version) })
	return all[:min(len(all), MaxBehind)], nil
}

// Inspect is a message that is stuck, and up to most of those behind it whose
// place in the lane is above after, in order.
func (q *Queues) Inspect(ctx context.Context, id string, after store.Version, most int) (Stuck, []Stuck, error) {
	item, err := q.find(ctx, id)
	if err != nil {
		return Stuck{}, nil, err
	}
	behind, err := q.behind(ctx, item)
	if err != nil {
		return Stuck{}, nil, err
	}
	var page []Stuck
	for i, other := range behind {
		if other.Version > after && len(page) < most {
			page = append(page, q.describe(ctx, other, len(behind)-1-i))
		}
	}
	return q.describe(ctx, item, len(behind)), page, nil
}

func (q *Queues) find(ctx context.Context, id string) (work.Item, error) {
	action, _, ok := parse(id)
	if !ok {
		return work.Item{}, fmt.Errorf("find %q: %w", id, stuck.ErrNotFound)
	}
	return stuck.Find(ctx, q.cfg.Work, work.MessageHome(action, q.cfg.Store.Partitions()), id)
}

// parse takes the name of an item apart.
func parse(id string) (action, lane string, ok bool) {
	parts := strings.Split(id, "/")
	if len(parts) != 4 || parts[0] != string(work.Message) {
		return "", "", false
	}
	return work.Unescape(parts[1]), work.Unescape(parts[2]), true
}

func laneOf(id string) string {
	_, lane, _ := parse(id)
	return lane
}

// Retry has a message run now, as if it had never failed.
func (q *Queues) Retry(ctx context.Context, id string) error {
	return q.change(ctx, id, func(now work.Item) (*work.Item, []store.Change, error) {
		return stuck.Again(now, q.cfg.Now()), nil, nil
	})
}

// Skip gives a message up: it ends without being done, and those behind it go
// on. If it runs at this moment, that run may still succeed.
func (q *Queues) Skip(ctx context.Context, id string) error {
	return q.change(ctx, id, func(now work.Item) (*work.Item, []store.Change, error) {
		next := stuck.Again(now, q.cfg.Now())
		next.Cancel, next.Hold = true, false
		return next, nil, nil
	})
}

func (q *Queues) change(ctx context.Context, id string, change func(work.Item) (*work.Item, []store.Change, error)) error {
	item, err := q.find(ctx, id)
	if err != nil {
		return err
	}
	if q.takers[item.Action] == nil {
		return fmt.Errorf("change %q: %w", id, stuck.ErrOrphan)
	}
	return stuck.Change(ctx, q.cfg.Work, item.Partition, id, func(now work.Item) (*work.Item, []store.Change, error) {
		if now.Status == work.Behind {
			return nil, nil, ErrBehind
		}
		return change(now)
	})
}

// Replay retries all parked messages of an action, and counts them.
func (q *Queues) Replay(ctx context.Context, action string) (int, error) {
	if q.takers[action] == nil {
		return 0, fmt.Errorf("replay %q: %w", action, stuck.ErrOrphan)
	}
	return stuck.Replay(ctx, q.cfg.Work, q.cfg.Store.Partitions(), prefixOf(action), q.cfg.Now())
}

// Status is where an action stands.
type Status struct {
	Action  string
	Begun   int // messages that were received and are not settled
	Kept    int // messages that failed or wait, or stand behind such
	Skipped int // messages that were given up since the start
}

// Status tells where the actions on topics stand.
func (q *Queues) Status() []Status {
	var all []Status
	for name, c := range q.opened() {
		all = append(all, c.status(name))
	}
	slices.SortFunc(all, func(a, b Status) int { return cmp.Compare(a.Action, b.Action) })
	return all
}

func (c *consumer) status(name string) Status {
	s := Status{Action: name, Skipped: int(c.skipped.Load())}
	c.mu.Lock()
	defer c.mu.Unlock()
	s.Kept = len(c.ids)
	for _, l := range c.lanes {
		s.Begun += len(l.queue)
	}
	return s
}
