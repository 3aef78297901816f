package entity

import (
	"context"
	"fmt"
	"slices"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

// MaxUnique bounds a unique value, in bytes.
const MaxUnique = 256

// Claim is what a command does to a unique value.
type Claim struct {
	Key  string   // of the value's record
	From store.ID // the record's revision before; zero: no one held it
	Hold bool     // the command's entity holds it in the end
}

// Claims is the turn itself.
func (t *turn) Claims() registry.Claims { return t }

// Reserve makes the turn's entity the holder of a value.
func (t *turn) Reserve(u *registry.Unique, value string) error {
	if len(value) == 0 || len(value) > MaxUnique {
		return registry.Faultf(registry.Invalid, "a value of %s has 1 to %d bytes", u.Name, MaxUnique)
	}
	key := t.engine.uniqueKey(u, value)
	if c := t.claimOn(key); c != nil {
		c.Hold = true
		return nil
	}
	holder, rev, err := t.holder(key)
	switch {
	case err != nil:
		return err
	case rev.IsZero() && !t.touchedBeside(key):
		t.claims = append(t.claims, &Claim{Key: key, Hold: true})
		return nil
	case holder == t.live.stream:
		return nil
	case u.Personal: // errors are kept, and logged
		return registry.Faultf(registry.Taken, "this value of %s is taken", u.Name)
	}
	return registry.Faultf(registry.Taken, "%s %q is taken", u.Name, value)
}

// Release ends that the turn's entity holds a value, if it does.
func (t *turn) Release(u *registry.Unique, value string) error {
	return t.release(t.engine.uniqueKey(u, value))
}

func (t *turn) release(key string) error {
	if c := t.claimOn(key); c != nil {
		c.Hold = false
		return nil
	}
	holder, rev, err := t.holder(key)
	if err == nil && !rev.IsZero() && holder == t.live.stream {
		t.claims = append(t.claims, &Claim{Key: key, From: rev})
	}
	return err
}

// ReleaseAll ends that the turn's entity holds any value.
func (t *turn) ReleaseAll() error {
	keeper, prefix := t.settled(), heldPrefix(t.live.stream)
	for _, c := range t.claims {
		c.Hold = false
	}
	for after := ""; ; {
		page, err := keeper.Records(context.Background(), t.live.partition, HeldSpace, prefix, after, heldPage)
		if err != nil {
			return unreadable(fmt.Errorf("read what %s holds: %w", t.live.stream, err))
		}
		for i := range page {
			if err := t.release(HeldValue(page[i].Key)); err != nil {
				return err
			}
		}
		if len(page) < heldPage {
			return nil
		}
		after = page[len(page)-1].Key
	}
}

const heldPage = 128

func (t *turn) claimOn(key string) *Claim {
	for _, c := range t.claims {
		if c.Key == key {
			return c
		}
	}
	return nil
}

// touchedBeside tells whether another command of the group does something to the
// value: whichever of them is decided first, it is taken.
func (t *turn) touchedBeside(key string) bool {
	return slices.ContainsFunc(t.beside, func(c Claim) bool { return c.Key == key })
}

// claimed is what the turn does to unique values, for others.
func (t *turn) claimed() (all []Claim) {
	for _, c := range t.claims {
		all = append(all, *c)
	}
	return all
}

// settled is where records are read, once what the turn rests on is settled:
// its entity may be about to hold what it did not, or not to. If that does not
// come to be, neither will the turn.
func (t *turn) settled() store.Keeper {
	t.engine.gate(context.Background(), t.live.unsettled())
	return t.engine.keeper()
}

func (t *turn) holder(key string) (store.Stream, store.ID, error) {
	t.settled()
	return t.engine.holder(context.Background(), key)
}

// Holder is who holds a value.
func (t *turn) Holder(ctx context.Context, u *registry.Unique, value string) (store.Stream, bool, error) {
	if c := t.claimOn(t.engine.uniqueKey(u, value)); c != nil {
		return t.live.stream, c.Hold, nil
	}
	return t.engine.Holder(ctx, u, value)
}

// Holder is who holds a unique value; false: no one.
func (g *Engine) Holder(ctx context.Context, u *registry.Unique, value string) (store.Stream, bool, error) {
	s, rev, err := g.holder(ctx, g.uniqueKey(u, value))
	return s, !rev.IsZero(), err
}

func (g *Engine) holder(ctx context.Context, key string) (store.Stream, store.ID, error) {
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	rec, found, err := g.keeper().Record(ctx, g.uniqueHome(key), UniqueSpace, key)
	if err != nil || !found {
		return store.Stream{}, store.ID{}, unreadable(err)
	}
	s, err := HolderIn(&rec)
	return s, rec.Rev, unreadable(err)
}

func unreadable(err error) error {
	if err == nil {
		return nil
	}
	return registry.Faultf(registry.Unavailable, "the store cannot be read at the moment; try again later").Because(err)
}

func (g *Engine) keeper() store.Keeper { return g.cfg.Store.(store.Keeper) }

// uniqueHome is the one partition of a value, whoever holds it.
func (g *Engine) uniqueHome(key string) store.Partition {
	return store.PartitionOf(ValueHome(key), g.partitions)
}

// addClaims adds what a command does to unique values to the parts of its
// append. No one keeps in memory who holds a value, so that its partition need
// not be this process's.
func (g *Engine) addClaims(parts *[]store.Part, p *piece) {
	epoch := store.Epoch(0)
	if g.cfg.Own != nil {
		epoch = store.Unfenced
	}
	for i := range p.claims {
		c := &p.claims[i]
		if c.Hold != c.From.IsZero() {
			continue // it is as it was
		}
		value := store.Change{Op: store.Delete, Record: store.Record{Space: UniqueSpace, Key: c.Key}, From: c.From}
		held := store.Change{Op: store.Delete, Record: store.Record{Space: HeldSpace, Key: heldPrefix(p.stream) + c.Key}, Blind: true}
		if c.Hold {
			value.Op, value.Rev, value.Data = store.Put, g.cfg.NewID(), encodeHolder(p.stream)
			held.Op, held.Rev = store.Put, g.cfg.NewID()
		}
		home := partOf(parts, g.uniqueHome(c.Key), epoch)
		home.Records = append(home.Records, value)
		own := partOf(parts, p.home, p.epoch)
		own.Records = append(own.Records, held)
	}
}
