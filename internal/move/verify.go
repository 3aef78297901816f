package move

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/talix-dev/talix/store"
)

// VerifyConfig says what to compare.
type VerifyConfig struct {
	A, B store.Store
	Pace
}

// Verified is what was found of the events of a store, or of two that hold the
// same.
type Verified struct {
	Entities int64 `json:"entities"`
	Events   int64 `json:"events"`
	// Checksum is of all events but their places in the log: two stores that
	// hold the same have the same one, however many partitions they have.
	Checksum string `json:"checksum"`
}

// Verify compares the events of two stores, entity by entity: ids, versions,
// types, times, causes, metadata and data. The error wraps a *Difference, of the
// first entity that differs in the order of types and ids, if they are not the
// same.
func Verify(ctx context.Context, c VerifyConfig) (Verified, error) {
	v := verifier{ctx: ctx}
	total, err := span(ctx, c.A, c.B)
	if err != nil {
		return Verified{}, fmt.Errorf("verify: %w", err)
	}
	v.passes = 1 + int(total/2/perPass)
	v.meter = c.meter("verify", "events", 0, total*int64(v.passes))
	for v.pass = 0; v.pass < v.passes; v.pass++ {
		if err := v.compare(c.A, c.B); err != nil {
			return Verified{}, fmt.Errorf("verify: %w", err)
		}
	}
	return v.found(), nil
}

// Sum is what Verify finds of one store.
func Sum(ctx context.Context, s store.Store, p Pace) (Verified, error) {
	v := verifier{ctx: ctx}
	total, err := span(ctx, s)
	if err != nil {
		return Verified{}, fmt.Errorf("sum up: %w", err)
	}
	v.passes = 1 + int(total/perPass)
	v.meter = p.meter("verify", "events", 0, total*int64(v.passes))
	for v.pass = 0; v.pass < v.passes; v.pass++ {
		tallies, err := v.fold(s)
		if err != nil {
			return Verified{}, fmt.Errorf("sum up: %w", err)
		}
		v.count(tallies)
	}
	return v.found(), nil
}

// perPass bounds the entities that are held at a time: there are no more than
// events.
const perPass = 4 << 20

func span(ctx context.Context, stores ...store.Store) (n int64, err error) {
	for _, s := range stores {
		r, err := read(ctx, s, nil)
		if err != nil {
			return 0, err
		}
		n += r.total()
	}
	return n, nil
}

// verifier folds the events of entities, a part of the entities in each pass.
type verifier struct {
	ctx          context.Context //nolint:containedctx // of one call
	meter        *meter
	pass, passes int
	done         int64
	all          Verified
	sum          [sha256.Size]byte
	scratch      []byte
}

// tally is the fold of an entity's events.
type tally struct {
	version store.Version
	events  int64
	sum     [sha256.Size]byte
}

func (v *verifier) fold(s store.Store) (map[store.Stream]*tally, error) {
	r, err := read(v.ctx, s, nil)
	if err != nil {
		return nil, err
	}
	tallies := map[store.Stream]*tally{}
	for {
		events, err := r.take(v.ctx, chunkEvents)
		if err != nil || len(events) == 0 {
			v.done += r.total()
			return tallies, err
		}
		for i := range events {
			if int(store.PartitionOf(events[i].Stream, v.passes)) == v.pass {
				v.add(tallies, &events[i])
			}
		}
		if err := v.meter.at(v.ctx, v.done+r.done(), len(events)); err != nil {
			return nil, err
		}
	}
}

func (v *verifier) add(tallies map[store.Stream]*tally, e *store.Event) {
	t := tallies[e.Stream]
	if t == nil {
		t = &tally{}
		tallies[e.Stream] = t
	}
	v.scratch = canonical(append(v.scratch[:0], t.sum[:]...), e)
	t.version, t.events, t.sum = e.Version, t.events+1, sha256.Sum256(v.scratch)
}

// compare is one pass over both stores.
func (v *verifier) compare(a, b store.Store) error {
	left, err := v.fold(a)
	if err != nil {
		return err
	}
	right, err := v.fold(b)
	if err != nil {
		return err
	}
	var differing []store.Stream
	for s, t := range left {
		if o := right[s]; o == nil || *o != *t {
			differing = append(differing, s)
		}
	}
	for s := range right {
		if left[s] == nil {
			differing = append(differing, s)
		}
	}
	if len(differing) > 0 {
		first := slices.MinFunc(differing, func(a, b store.Stream) int { return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.ID, b.ID)) })
		return firstDifference(v.ctx, a, b, first)
	}
	v.count(left)
	return nil
}

// count adds a pass to what was found. What entities come to is joined so that
// their order does not matter.
func (v *verifier) count(tallies map[store.Stream]*tally) {
	for s, t := range tallies {
		v.all.Entities++
		v.all.Events += t.events
		v.scratch = append(v.scratch[:0], t.sum[:]...)
		v.scratch = append(append(append(v.scratch, s.Type...), 0), s.ID...)
		for i, b := range sha256.Sum256(v.scratch) {
			v.sum[i] ^= b
		}
	}
}

func (v *verifier) found() Verified {
	v.all.Checksum = hex.EncodeToString(v.sum[:])
	return v.all
}

// firstDifference finds the first version at which an entity differs.
func firstDifference(ctx context.Context, a, b store.Store, s store.Stream) error {
	var left []store.Event
	for e, err := range a.Load(ctx, s, 0) {
		if err != nil {
			return err
		}
		left = append(left, e)
	}
	n := 0
	for e, err := range b.Load(ctx, s, 0) {
		switch {
		case err != nil:
			return err
		case n == len(left):
			return &Difference{s, e.Version, "only the second store has it"}
		}
		if what := differ(&left[n], &e); what != "" {
			return &Difference{s, left[n].Version, what}
		}
		n++
	}
	if n < len(left) {
		return &Difference{s, left[n].Version, "only the first store has it"}
	}
	return &Difference{s, 0, "its log and its events are not the same"}
}
