package runtime

import (
	"context"
	"errors"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/store"
)

// ListOrder is what a list of entities goes by.
type ListOrder string

// The orders.
const (
	// ByBirth is by the entities' first events. The zero ListOrder is ByBirth.
	ByBirth ListOrder = "birth"
	// ByChange is by their last events.
	ByChange ListOrder = "change"
)

// ListFilter says which entities List wants, and in which order.
type ListFilter struct {
	EntityType string // empty: all
	By         ListOrder
	// From and To bound the time of birth or change: not before From, and before
	// To. Zero: no bound.
	From, To time.Time
	Reverse  bool // the newest first
	// Cursor goes on behind an earlier page. It carries all of the above, so
	// these stay empty beside it.
	Cursor string
	// Max bounds the entities of a page. Defaults to 100, at most 1,000.
	Max int
}

// Listed is one entity of a list.
type Listed struct {
	EntityType, EntityID string
	Version              int64     // its newest
	Time                 time.Time // of its birth or last change
}

// ListPage is a page of entities.
type ListPage struct {
	Entities []Listed
	// Cursor goes on behind the page; empty: there is no more. A page may be
	// short, and even empty, and still have one: a page looks at a bounded part
	// of the log.
	Cursor string
}

// List lists entities by their birth or their last change.
//
// The order within a partition is that of its log. Partitions are merged by the
// time of what comes next in each, then by their numbers; so where clocks agree,
// the order is that of time, then partition, then position.
//
// By birth, going on page by page tells of each entity exactly once, however
// many were born at one instant, and also while others are born. By change, one
// that changes meanwhile moves to the end: in that direction it may be told of
// again, and in reverse it is passed over if it was not told of before.
//
// The log's times tell where From and To are to be looked for; entities whose
// clock was off by more than an hour from that of their neighbours may be missed
// at these bounds.
func (e Entities) List(ctx context.Context, f ListFilter) (ListPage, error) {
	walker, ok := e.r.cfg.Store.(store.Walker)
	if !ok {
		return ListPage{}, e.unlisted()
	}
	w, err := e.newWalk(ctx, &f)
	if err != nil {
		return ListPage{}, err
	}
	w.walker = walker
	page, err := w.page(ctx, f.Max)
	if errors.Is(err, errors.ErrUnsupported) {
		return ListPage{}, e.unlisted()
	}
	return page, e.fault("list entities", err)
}

func (e Entities) unlisted() error {
	return talix.Reject("the store %T lists no entities: use one that is a store.Walker", e.r.cfg.Store)
}

func (f *ListFilter) check() error {
	if f.Max <= 0 {
		f.Max = 100
	}
	f.Max = min(f.Max, 1000)
	switch f.By {
	case "":
		f.By = ByBirth
	case ByBirth, ByChange:
	default:
		return talix.Invalid("by", "is %s or %s", ByBirth, ByChange)
	}
	for _, t := range [...]time.Time{f.From, f.To} {
		if t.Year() < 1 || t.Year() > 9999 { // a cursor could not carry it
			return talix.Invalid("from", "and to are in the years from 1 to 9999")
		}
	}
	return nil
}

// newWalk begins a list, or goes on behind a cursor.
func (e Entities) newWalk(ctx context.Context, f *ListFilter) (*listWalk, error) {
	if f.Cursor != "" {
		rest := *f
		rest.Cursor, rest.Max = "", 0
		if rest != (ListFilter{}) {
			return nil, talix.Invalid("cursor", "carries all options: leave the others empty beside it")
		}
		w, err := e.readCursor(f.Cursor)
		if err != nil {
			return nil, err
		}
		return w, f.check()
	}
	if err := f.check(); err != nil {
		return nil, err
	}
	if f.EntityType != "" {
		if _, err := e.definition(f.EntityType); err != nil {
			return nil, err
		}
	}
	w := &listWalk{options: listOptions{f.EntityType, f.By, f.From, f.To, f.Reverse}, lanes: make([]listLane, e.r.tail.Partitions())}
	for p := range w.lanes {
		at, err := e.seek(ctx, store.Partition(p), &w.options)
		if err != nil {
			return nil, e.fault("list entities", err)
		}
		w.lanes[p].at = at
	}
	return w, nil
}

// listOptions are what a cursor carries.
type listOptions struct {
	Type     string    `json:"t,omitempty"`
	By       ListOrder `json:"b"`
	From, To time.Time `json:",omitzero"`
	Reverse  bool      `json:"r,omitempty"`
}

// listWalk merges the walks along the logs of all partitions.
type listWalk struct {
	walker  store.Walker
	options listOptions
	lanes   []listLane
	budget  int // events that may still be looked at
}

// listLane is the walk along one partition.
type listLane struct {
	at    store.Position // where to go on
	done  bool
	found []store.Found // that were not told yet
}

// What a page may cost: events looked at, in all and in one step.
const (
	listBudget = 200_000
	listScan   = 5_000
)

func (w *listWalk) page(ctx context.Context, most int) (page ListPage, err error) {
	w.budget = listBudget
	for len(page.Entities) < most {
		i, err := w.next(ctx, min(most-len(page.Entities), max(4, 4*most/len(w.lanes))))
		if err != nil {
			return ListPage{}, err
		}
		if i < 0 {
			break
		}
		l := &w.lanes[i]
		f := l.found[0]
		l.found = l.found[1:]
		page.Entities = append(page.Entities, Listed{f.Stream.Type, f.Stream.ID, int64(f.Version), f.Time})
	}
	page.Cursor = w.cursor()
	return page, nil
}

// next is the lane whose entity comes next, or below zero: none, or none that
// can be known within the budget.
func (w *listWalk) next(ctx context.Context, portion int) (int, error) {
	best := -1
	for p := range w.lanes {
		if err := w.fill(ctx, p, portion); err != nil {
			return -1, err
		}
		l := &w.lanes[p]
		switch {
		case len(l.found) == 0 && !l.done:
			return -1, nil
		case len(l.found) == 0:
		case best < 0 || w.before(&l.found[0], &w.lanes[best].found[0]):
			best = p
		}
	}
	return best, nil
}

// before compares what comes next in a partition with that of a lower one.
func (w *listWalk) before(a, b *store.Found) bool {
	c := a.Time.Compare(b.Time)
	if w.options.Reverse {
		return c >= 0
	}
	return c < 0
}

// fill walks on until something is found.
func (w *listWalk) fill(ctx context.Context, p, portion int) error {
	l := &w.lanes[p]
	for len(l.found) == 0 && !l.done && w.budget > 0 {
		scan := min(listScan, w.budget)
		got, err := w.walker.Walk(ctx, store.Partition(p), store.Walk{
			Type: w.options.Type, Ends: w.options.By == ByChange, Back: w.options.Reverse, From: l.at, Scan: scan, Max: portion,
		})
		if err != nil {
			return err
		}
		w.budget -= max(1, int(got.At-l.at), int(l.at-got.At))
		l.at, l.done = got.At, got.Done
		w.sift(l, got.Found)
	}
	return nil
}

// sift keeps what is within the times, and ends the walk where there will be no
// more of it.
func (w *listWalk) sift(l *listLane, found []store.Found) {
	from, to := w.options.From, w.options.To
	for _, f := range found {
		early, late := !from.IsZero() && f.Time.Before(from), !to.IsZero() && !f.Time.Before(to)
		switch {
		case !early && !late:
			l.found = append(l.found, f)
		case late && !w.options.Reverse && f.Time.Sub(to) > listSlack, early && w.options.Reverse && from.Sub(f.Time) > listSlack:
			l.done = true
			return
		}
	}
}

// listSlack is by how much clocks may differ.
const listSlack = time.Hour
