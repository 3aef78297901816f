package move

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"

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
		tallies := map[streamSum][2]tally{}
		if err := v.fold(s, tallies, 0); err != nil {
			return Verified{}, fmt.Errorf("sum up: %w", err)
		}
		v.count(tallies)
	}
	return v.found(), nil
}

// perPass bounds the entities that are held at a time, of which each takes some
// 400 bytes: there are no more than events.
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

// streamSum stands for a stream by a hash of it: millions are held at a time.
type streamSum [16]byte

func (v *verifier) sumOf(s store.Stream) streamSum {
	v.scratch = append(append(append(v.scratch[:0], s.Type...), 0), s.ID...)
	sum := sha256.Sum256(v.scratch)
	return streamSum(sum[:len(streamSum{})])
}

// tally is the fold of an entity's events.
type tally struct {
	version store.Version
	events  int64
	sum     [16]byte
}

// fold adds the events of a store to tallies of one of two sides.
func (v *verifier) fold(s store.Store, tallies map[streamSum][2]tally, side int) error {
	r, err := read(v.ctx, s, nil)
	if err != nil {
		return err
	}
	for {
		events, err := r.take(v.ctx, chunkEvents)
		if err != nil || len(events) == 0 {
			v.done += r.total()
			return err
		}
		for i := range events {
			if int(store.PartitionOf(events[i].Stream, v.passes)) == v.pass {
				v.add(tallies, side, &events[i])
			}
		}
		if err := v.meter.at(v.ctx, v.done+r.done(), len(events)); err != nil {
			return err
		}
	}
}

func (v *verifier) add(tallies map[streamSum][2]tally, side int, e *store.Event) {
	of := v.sumOf(e.Stream)
	both := tallies[of]
	t := &both[side]
	v.scratch = canonical(append(v.scratch[:0], t.sum[:]...), e)
	sum := sha256.Sum256(v.scratch)
	t.version, t.events, t.sum = e.Version, t.events+1, [16]byte(sum[:])
	tallies[of] = both
}

// compare is one pass over both stores.
func (v *verifier) compare(a, b store.Store) error {
	tallies := map[streamSum][2]tally{}
	if err := v.fold(a, tallies, 0); err != nil {
		return err
	}
	if err := v.fold(b, tallies, 1); err != nil {
		return err
	}
	v.count(tallies)
	maps.DeleteFunc(tallies, func(_ streamSum, both [2]tally) bool { return both[0] == both[1] })
	if len(tallies) == 0 {
		return nil
	}
	first, err := v.first(tallies, a, b)
	if err != nil {
		return err
	}
	return firstDifference(v.ctx, a, b, first)
}

// first is the first of some entities of two stores, in the order of types and
// ids.
func (v *verifier) first(of map[streamSum][2]tally, stores ...store.Store) (first store.Stream, err error) {
	for _, s := range stores {
		r, err := read(v.ctx, s, nil)
		if err != nil {
			return first, err
		}
		for {
			events, err := r.take(v.ctx, chunkEvents)
			if err != nil {
				return first, err
			}
			if len(events) == 0 {
				break
			}
			for i := range events {
				stream := events[i].Stream
				if _, differs := of[v.sumOf(stream)]; differs && (first == store.Stream{} || compareStreams(stream, first) < 0) {
					first = stream
				}
			}
		}
	}
	return first, nil
}

func compareStreams(a, b store.Stream) int {
	return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.ID, b.ID))
}

// count adds a pass over the first side to what was found. What entities come to
// is joined so that their order does not matter.
func (v *verifier) count(tallies map[streamSum][2]tally) {
	for of, both := range tallies {
		t := both[0]
		v.all.Entities++
		v.all.Events += t.events
		v.scratch = append(append(v.scratch[:0], of[:]...), t.sum[:]...)
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
