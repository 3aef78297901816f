package seal

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"

	"github.com/talix-dev/talix/store"
)

// Store seals the personal values of events on their way into a store, and opens
// them on their way out: what stands above it sees them plain, and what stands
// below never does. Snapshots it seals as a whole. Other records and the results
// of commands pass through: who makes them seals them.
type Store struct {
	store.Store
	store.Keeper
	box    *Box
	plans  map[string]*Plan // by event type
	shades map[string]Shade // by escaped entity type
}

var (
	_ store.Store  = (*Store)(nil)
	_ store.Keeper = (*Store)(nil)
)

// Around puts the seal around a store that is a store.Keeper. plans are those of
// event types that have personal values; they may still be added before the
// store is used.
func (b *Box) Around(inner store.Store, plans map[string]*Plan) *Store {
	return &Store{inner, inner.(store.Keeper), b, plans, map[string]Shade{}}
}

// Unwrap is the store within.
func (s *Store) Unwrap() store.Store { return s.Store }

// boundOf ties a value to its event.
func boundOf(e *store.Event) string {
	return "event/" + strconv.Quote(e.Stream.Type) + "/" + strconv.Quote(e.Stream.ID) + "/" + strconv.FormatInt(int64(e.Version), 10)
}

// Commit implements store.Store. The batches stay as they are. One that can't be
// sealed is Failed.
func (s *Store) Commit(ctx context.Context, p store.Partition, batches []store.Batch) []store.Outcome {
	j := s.job(batches)
	if len(j.docs) == 0 && s.plainRecords(batches) {
		return s.Store.Commit(ctx, p, batches)
	}
	outcomes := make([]store.Outcome, len(batches))
	sealed, places := j.seal(s.box.SealAll(ctx, j.docs), outcomes)
	for i := range sealed {
		sealed[i].Records = s.hide(ctx, sealed[i].Records)
	}
	for i, o := range s.Store.Commit(ctx, p, sealed) {
		outcomes[places[i]] = o
		placed(&batches[places[i]], &sealed[i])
	}
	return outcomes
}

// job is what is to be sealed of the batches of one Commit.
type job struct {
	batches []store.Batch
	docs    []*Doc
	events  []*store.Event // by document: the copy that gets it
	owners  []int          // by document: its batch
	changed map[int][]store.Append
}

func (s *Store) job(batches []store.Batch) *job {
	j := &job{batches: batches, changed: map[int][]store.Append{}}
	for i := range batches {
		for a := range batches[i].Appends {
			for e := range batches[i].Appends[a].Events {
				event := &batches[i].Appends[a].Events[e]
				plan := s.plans[event.Type]
				if plan == nil && !suspect(event.Data) {
					continue
				}
				j.docs = append(j.docs, &Doc{Data: event.Data, Bound: boundOf(event), Plan: plan, Of: event.Stream.ID})
				j.owners = append(j.owners, i)
				j.events = append(j.events, &j.copied(i)[a].Events[e])
			}
		}
	}
	return j
}

// copied are the appends of a batch that may be changed.
func (j *job) copied(i int) []store.Append {
	if c, ok := j.changed[i]; ok {
		return c
	}
	c := slices.Clone(j.batches[i].Appends)
	for a := range c {
		c[a].Events = slices.Clone(c[a].Events)
	}
	j.changed[i] = c
	return c
}

// seal makes the batches that are to be stored, and tells the place of each. What
// can't be is settled in outcomes.
func (j *job) seal(errs []error, outcomes []store.Outcome) (sealed []store.Batch, places []int) {
	failed := map[int]error{}
	for d, err := range errs {
		if err != nil && failed[j.owners[d]] == nil {
			failed[j.owners[d]] = err
		}
		j.events[d].Data = j.docs[d].Data
	}
	broken := map[store.Stream]bool{}
	for i := range j.batches {
		switch {
		case restsOn(&j.batches[i], broken):
			outcomes[i] = store.Outcome{Status: store.Conflict}
		case failed[i] != nil:
			outcomes[i] = store.Outcome{Status: store.Failed, Err: fmt.Errorf("seal personal data: %w", failed[i])}
		default:
			b := j.batches[i]
			if c, ok := j.changed[i]; ok {
				b.Appends = c
			}
			sealed, places = append(sealed, b), append(places, i)
			continue
		}
		for _, a := range j.batches[i].Appends {
			broken[a.Stream] = true
		}
	}
	return sealed, places
}

// restsOn tells whether a batch appends to one of the streams.
func restsOn(b *store.Batch, streams map[store.Stream]bool) bool {
	return slices.ContainsFunc(b.Appends, func(a store.Append) bool { return streams[a.Stream] })
}

// placed tells the events of a batch where their sealed copies stand.
func placed(b, sealed *store.Batch) {
	for a := range b.Appends {
		for e := range b.Appends[a].Events {
			at := &sealed.Appends[a].Events[e]
			b.Appends[a].Events[e].Partition, b.Appends[a].Events[e].Position = at.Partition, at.Position
		}
	}
}

// Load implements store.Store.
func (s *Store) Load(ctx context.Context, stream store.Stream, after store.Version) iter.Seq2[store.Event, error] {
	return func(yield func(store.Event, error) bool) {
		for e, err := range s.Store.Load(ctx, stream, after) {
			if err == nil && suspect(e.Data) {
				if e.Data, err = s.box.Open(ctx, e.Data, boundOf(&e)); err != nil {
					e, err = store.Event{}, fmt.Errorf("load version %d of %s: %w", e.Version, stream, err)
				}
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// Log implements store.Store.
func (s *Store) Log(ctx context.Context, p store.Partition, after store.Position, max int) ([]store.Event, error) {
	events, err := s.Store.Log(ctx, p, after, max)
	if err != nil {
		return nil, err
	}
	opened := map[int]*Doc{}
	for i := range events {
		if suspect(events[i].Data) {
			opened[i] = &Doc{Data: events[i].Data, Bound: boundOf(&events[i])}
		}
	}
	if len(opened) == 0 {
		return events, nil
	}
	if err := s.box.OpenAll(ctx, slices.Collect(maps.Values(opened))); err != nil {
		return nil, fmt.Errorf("read personal data in the log of partition %d after %d: %w", p, after, err)
	}
	for i, d := range opened {
		events[i].Data = d.Data
	}
	return events, nil
}
