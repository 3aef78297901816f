package move

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/talix-dev/talix/internal/deliver"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/work"
	"github.com/talix-dev/talix/store"
)

// A mark is a position: all events up to it are done, or kept in lanes. The
// events have other positions in the target, and may have come from several
// partitions into one. There, the mark is before the first event that is not
// done; entities of which later events are done get a guard, the item by which
// package deliver itself remembers, after a crash, what a mark does not tell.

// standing is a consumer in the source.
type standing struct {
	name string
	at   []store.Position // by partition
	// todo is the first version that is not done, of each entity that has one.
	todo map[store.Stream]store.Version
}

func (k *copier) marks(ctx context.Context) error {
	n := store.Partition(k.To.Partitions())
	m := k.meter("marks", "partitions", 0, int64(n))
	all, flags, err := k.standings(ctx)
	if err != nil {
		return err
	}
	for _, c := range all {
		if err := k.survey(ctx, c); err != nil {
			return err
		}
	}
	for first := store.Partition(0); first < n; first += atOnce {
		end := min(n, first+atOnce)
		err := some(ctx, between(first, end), func(ctx context.Context, p store.Partition) error {
			return k.marksOf(ctx, p, all, flags)
		})
		if err != nil {
			return err
		}
		k.did.Marks, k.did.Guards = k.moved.Load(), k.guarded.Load()
		if err := m.at(ctx, int64(end), 0); err != nil {
			return err
		}
	}
	return nil
}

// standings reads where all consumers stand. Flags are marks that are no
// positions.
func (k *copier) standings(ctx context.Context) (all []*standing, flags map[string]store.Position, err error) {
	byName, flags := map[string]*standing{}, map[string]store.Position{}
	flagged := map[string]map[store.Partition]bool{}
	n := k.From.Partitions()
	for p := range store.Partition(n) {
		err := eachMark(ctx, k.From, p, func(mark store.KeptMark) {
			if name, ok := strings.CutSuffix(mark.Consumer, deliver.FromNow); ok {
				flags[mark.Consumer] = mark.At
				if flagged[name] == nil {
					flagged[name] = map[store.Partition]bool{}
				}
				flagged[name][p] = true
				return
			}
			if byName[mark.Consumer] == nil {
				byName[mark.Consumer] = &standing{name: mark.Consumer, at: make([]store.Position, n), todo: map[store.Stream]store.Version{}}
			}
			byName[mark.Consumer].at[p] = mark.At
		})
		if err != nil {
			return nil, nil, err
		}
	}
	if err := k.skipped(ctx, byName, flagged); err != nil {
		return nil, nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		all = append(all, byName[name])
	}
	return all, flags, nil
}

// skipped moves consumers that begin with the present to the end of those
// partitions in which they did not begin before the program ended.
func (k *copier) skipped(ctx context.Context, byName map[string]*standing, flagged map[string]map[store.Partition]bool) error {
	for name, in := range flagged {
		c := byName[name]
		if c == nil {
			c = &standing{name: name, at: make([]store.Position, k.From.Partitions()), todo: map[store.Stream]store.Version{}}
			byName[name] = c
		}
		for p := range c.at {
			if in[store.Partition(p)] || c.at[p] > 0 {
				continue
			}
			head, err := k.From.Head(ctx, store.Partition(p))
			if err != nil {
				return err
			}
			c.at[p] = head
		}
	}
	return nil
}

func eachMark(ctx context.Context, s Store, p store.Partition, do func(store.KeptMark)) error {
	const page = 256
	for after := ""; ; {
		marks, err := s.Marks(ctx, p, after, page)
		if err != nil {
			return err
		}
		for _, m := range marks {
			do(m)
		}
		if len(marks) < page {
			return nil
		}
		after = marks[len(marks)-1].Consumer
	}
}

// survey finds out what a consumer has still to do.
func (k *copier) survey(ctx context.Context, c *standing) error {
	r, err := read(ctx, k.From, c.at)
	if err != nil {
		return err
	}
	for {
		events, err := r.take(ctx, chunkEvents)
		if err != nil || len(events) == 0 {
			return err
		}
		for i := range events {
			if _, known := c.todo[events[i].Stream]; !known {
				c.todo[events[i].Stream] = events[i].Version
			}
		}
	}
}

// todoAt tells whether a consumer has not done an event.
func (c *standing) todoAt(e *store.Event) bool {
	first, lags := c.todo[e.Stream]
	return lags && e.Version >= first
}

// placed is a consumer in a partition of the target.
type placed struct {
	*standing
	mark    store.Position
	stopped bool                           // the mark can't pass what comes next
	beyond  map[store.Stream]store.Version // of entities of which events beyond the mark are done, the last one
}

// marksOf sets the marks in one partition of the target, behind the guards.
func (k *copier) marksOf(ctx context.Context, p store.Partition, all []*standing, flags map[string]store.Position) error {
	consumers := make([]*placed, len(all))
	for i, c := range all {
		consumers[i] = &placed{standing: c, beyond: map[store.Stream]store.Version{}}
	}
	if err := k.place(ctx, p, consumers); err != nil {
		return err
	}
	var load cargo
	for _, c := range consumers {
		for s, version := range c.beyond {
			if err := k.guard(ctx, &load, p, c.name, s, version+1); err != nil {
				return err
			}
		}
	}
	at := maps.Clone(flags)
	for _, c := range consumers {
		at[c.name] = c.mark
	}
	if err := k.setMarks(ctx, &load, p, at); err != nil {
		return err
	}
	return load.unload(ctx, k.To, k.marked(ctx, p))
}

// place goes through a partition of the target.
func (k *copier) place(ctx context.Context, p store.Partition, consumers []*placed) error {
	lag, joined := false, k.From.Partitions() > 1
	head, err := k.To.Head(ctx, p)
	for _, c := range consumers {
		if lag = lag || len(c.todo) > 0; len(c.todo) == 0 {
			c.mark, c.stopped = head, true
		}
	}
	for after := store.Position(0); err == nil && lag; {
		var events []store.Event
		if events, err = k.To.Log(ctx, p, after, 1024); len(events) == 0 {
			break
		}
		lag = false
		for _, c := range consumers {
			if len(c.todo) > 0 {
				lag = c.pass(events, joined) || lag
			}
		}
		after = events[len(events)-1].Position
	}
	return err
}

// pass goes through events of the target; false: no more of them are needed.
func (c *placed) pass(events []store.Event, joined bool) bool {
	for i := range events {
		e := &events[i]
		switch todo := c.todoAt(e); {
		case todo:
			c.stopped = true
		case !c.stopped:
			c.mark = e.Position
		case joined:
			c.beyond[e.Stream] = e.Version
		}
	}
	return !c.stopped || joined
}

// setMarks moves marks to where they are to be.
func (k *copier) setMarks(ctx context.Context, load *cargo, p store.Partition, at map[string]store.Position) error {
	have := map[string]store.Position{}
	if err := eachMark(ctx, k.To, p, func(m store.KeptMark) { have[m.Consumer] = m.At }); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(at)) {
		if have[name] != at[name] {
			load.add(p, store.Batch{Marks: []store.Mark{{Consumer: name, From: have[name], To: at[name]}}})
			k.moved.Add(1)
		}
	}
	return nil
}

// marked judges what was done to the marks of a partition. They may stand where
// they are to by a try whose outcome was not known.
func (k *copier) marked(ctx context.Context, p store.Partition) func(*store.Batch, store.Outcome) error {
	return func(b *store.Batch, o store.Outcome) error {
		if o.Status != store.Conflict || len(b.Marks) == 0 {
			return expectDurable(b, o)
		}
		mark := b.Marks[0]
		if now, _, err := k.To.Mark(ctx, mark.Consumer, p); err != nil || now == mark.To {
			return err
		}
		return fmt.Errorf("move the mark of %q: someone else writes to the store: stop the program that works on it", mark.Consumer)
	}
}

// keepGuards is how long a guard stays of which no action makes use: one of an
// entity type that the action does not get events of, or of an action that is
// no more.
const keepGuards = 365 * 24 * time.Hour

// guard remembers that an action has done the events of an entity below a
// version. A lane that is there tells more.
func (k *copier) guard(ctx context.Context, load *cargo, p store.Partition, consumer string, s store.Stream, version store.Version) error {
	action, ok := strings.CutPrefix(consumer, deliver.Consumer)
	key := registry.RunID(string(work.Event), action, s.Type, s.ID)
	if !ok || len(key) > store.MaxKey {
		return nil
	}
	rec, found, err := k.To.Record(ctx, p, work.Space, key)
	if err != nil {
		return err
	}
	item := work.Item{Kind: work.Event, Action: action, Status: work.Done, Stream: s}
	if found {
		err := json.Unmarshal(rec.Data, &item)
		if err != nil || !item.Status.Finished() || item.Version >= version {
			return nil //nolint:nilerr // what cannot be read holds its entity up, there as here
		}
	}
	item.Version = version
	data, err := json.Marshal(&item)
	if err != nil {
		return err
	}
	k.guarded.Add(1)
	load.change(p, store.Change{Blind: true, Record: store.Record{Space: work.Space, Key: key, Rev: k.IDs.New(), Due: time.Now().Add(keepGuards), Data: data}})
	return nil
}
