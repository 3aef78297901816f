package entity

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

// The spaces of unique values: who holds each, found by the value, in the
// value's own partition; and what each entity holds, in the entity's partition.
const (
	uniqueSpace = "unique"
	heldSpace   = "held"
)

// MaxUnique bounds a unique value, in bytes.
const MaxUnique = 256

// holding is a record of a unique value.
type holding struct {
	Type  string `json:"type,omitempty"` // of the entity that holds it
	ID    string `json:"id,omitempty"`
	Name  string `json:"name,omitempty"` // of the values, in the entity's list
	Value string `json:"value,omitempty"`
}

// Claim is what a command does to a unique value.
type Claim struct {
	Name, Value string
	From        store.ID // the record's revision before; zero: no one held it
	Hold        bool     // the command's entity holds it in the end
}

// Claims is the turn itself.
func (t *turn) Claims() registry.Claims { return t }

// Reserve makes the turn's entity the holder of a value.
func (t *turn) Reserve(u *registry.Unique, value string) error {
	if len(value) == 0 || len(value) > MaxUnique {
		return registry.Faultf(registry.Invalid, "a value of %s has 1 to %d bytes", u.Name, MaxUnique)
	}
	if c := t.claimOn(u.Name, value); c != nil {
		c.Hold = true
		return nil
	}
	holder, rev, err := t.holder(u, value)
	switch {
	case err != nil:
		return err
	case rev.IsZero() && !t.touchedBeside(u.Name, value):
		t.claims = append(t.claims, &Claim{Name: u.Name, Value: value, Hold: true})
		return nil
	case holder == t.live.stream:
		return nil
	}
	return registry.Faultf(registry.Taken, "%s %q is taken", u.Name, value)
}

// Release ends that the turn's entity holds a value, if it does.
func (t *turn) Release(u *registry.Unique, value string) error {
	if c := t.claimOn(u.Name, value); c != nil {
		c.Hold = false
		return nil
	}
	holder, rev, err := t.holder(u, value)
	if err == nil && !rev.IsZero() && holder == t.live.stream {
		t.claims = append(t.claims, &Claim{Name: u.Name, Value: value, From: rev})
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
		page, err := keeper.Records(context.Background(), t.live.partition, heldSpace, prefix, after, heldPage)
		if err != nil {
			return unreadable(fmt.Errorf("read what %s holds: %w", t.live.stream, err))
		}
		for i := range page {
			var h holding
			if err := json.Unmarshal(page[i].Data, &h); err != nil {
				return unreadable(fmt.Errorf("read what %s holds: %w", t.live.stream, err))
			}
			if err := t.Release(&registry.Unique{Name: h.Name}, h.Value); err != nil {
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

func (t *turn) claimOn(name, value string) *Claim {
	for _, c := range t.claims {
		if c.Name == name && c.Value == value {
			return c
		}
	}
	return nil
}

// touchedBeside tells whether another command of the group does something to the
// value: whichever of them is decided first, it is taken.
func (t *turn) touchedBeside(name, value string) bool {
	return slices.ContainsFunc(t.beside, func(c Claim) bool { return c.Name == name && c.Value == value })
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

func (t *turn) holder(u *registry.Unique, value string) (store.Stream, store.ID, error) {
	t.settled()
	return t.engine.holder(context.Background(), u, value)
}

// Holder is who holds a value.
func (t *turn) Holder(ctx context.Context, u *registry.Unique, value string) (store.Stream, bool, error) {
	if c := t.claimOn(u.Name, value); c != nil {
		return t.live.stream, c.Hold, nil
	}
	return t.engine.Holder(ctx, u, value)
}

// Holder is who holds a unique value; false: no one.
func (g *Engine) Holder(ctx context.Context, u *registry.Unique, value string) (store.Stream, bool, error) {
	s, rev, err := g.holder(ctx, u, value)
	return s, !rev.IsZero(), err
}

func (g *Engine) holder(ctx context.Context, u *registry.Unique, value string) (store.Stream, store.ID, error) {
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	key := uniqueKey(u.Name, value)
	rec, found, err := g.keeper().Record(ctx, g.uniqueHome(key), uniqueSpace, key)
	if err != nil || !found {
		return store.Stream{}, store.ID{}, unreadable(err)
	}
	var h holding
	if err := json.Unmarshal(rec.Data, &h); err != nil {
		return store.Stream{}, store.ID{}, unreadable(fmt.Errorf("read holder of %s %q: %w", u.Name, value, err))
	}
	return store.Stream{Type: h.Type, ID: h.ID}, rec.Rev, nil
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
	return store.PartitionOf(store.Stream{Type: uniqueSpace, ID: key}, g.partitions)
}

func uniqueKey(name, value string) string { return name + "/" + value }

// heldPrefix begins the keys of what an entity holds.
func heldPrefix(s store.Stream) string {
	sum := sha256.Sum256([]byte(s.Type + "\x00" + s.ID))
	return hex.EncodeToString(sum[:16]) + "/"
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
		key := uniqueKey(c.Name, c.Value)
		value := store.Change{Op: store.Delete, Record: store.Record{Space: uniqueSpace, Key: key}, From: c.From}
		held := store.Change{Op: store.Delete, Record: store.Record{Space: heldSpace, Key: heldPrefix(p.stream) + key}, Blind: true}
		if c.Hold {
			value.Op, value.Rev, value.Data = store.Put, g.cfg.NewID(), encodeHolding(holding{Type: p.stream.Type, ID: p.stream.ID})
			held.Op, held.Rev, held.Data = store.Put, g.cfg.NewID(), encodeHolding(holding{Name: c.Name, Value: c.Value})
		}
		home := partOf(parts, g.uniqueHome(key), epoch)
		home.Records = append(home.Records, value)
		own := partOf(parts, p.home, p.epoch)
		own.Records = append(own.Records, held)
	}
}

func encodeHolding(h holding) []byte {
	data, err := json.Marshal(h)
	if err != nil {
		panic(err) // it holds texts alone
	}
	return data
}
