package memory

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/talix-dev/talix/store"
)

// space holds the records of one space, by key and by when they are due. A
// record in it never changes: another one takes its place.
type space struct {
	byKey []*store.Record
	byDue []*store.Record // those that are due at all
}

func compareKey(r *store.Record, key string) int { return strings.Compare(r.Key, key) }

func compareDue(a, b *store.Record) int {
	return cmp.Or(a.Due.Compare(b.Due), strings.Compare(a.Key, b.Key))
}

func (s *space) get(key string) *store.Record {
	if i, found := slices.BinarySearchFunc(s.byKey, key, compareKey); found {
		return s.byKey[i]
	}
	return nil
}

// rev is zero where there is no record.
func (s *space) rev(key string) store.ID {
	if r := s.get(key); r != nil {
		return r.Rev
	}
	return store.ID{}
}

func (s *space) put(r *store.Record) {
	i, found := slices.BinarySearchFunc(s.byKey, r.Key, compareKey)
	if found {
		s.forgetDue(s.byKey[i])
		s.byKey[i] = r
	} else {
		s.byKey = slices.Insert(s.byKey, i, r)
	}
	if !r.Due.IsZero() {
		i, _ := slices.BinarySearchFunc(s.byDue, r, compareDue)
		s.byDue = slices.Insert(s.byDue, i, r)
	}
}

func (s *space) remove(key string) {
	if i, found := slices.BinarySearchFunc(s.byKey, key, compareKey); found {
		s.forgetDue(s.byKey[i])
		s.byKey = slices.Delete(s.byKey, i, i+1)
	}
}

func (s *space) removeUnder(prefix string) {
	from, to := s.under(prefix, "")
	for _, r := range s.byKey[from:to] {
		s.forgetDue(r)
	}
	s.byKey = slices.Delete(s.byKey, from, to)
}

func (s *space) forgetDue(r *store.Record) {
	if i, found := slices.BinarySearchFunc(s.byDue, r, compareDue); found {
		s.byDue = slices.Delete(s.byDue, i, i+1)
	}
}

// under is where the keys that begin with prefix and are above after stand.
func (s *space) under(prefix, after string) (from, to int) {
	from, found := slices.BinarySearchFunc(s.byKey, max(prefix, after), compareKey)
	if found && after >= prefix {
		from++
	}
	n, _ := slices.BinarySearchFunc(s.byKey[from:], prefix, func(r *store.Record, prefix string) int {
		if strings.HasPrefix(r.Key, prefix) {
			return -1
		}
		return 1
	})
	return from, from + n
}

// due are the first records that are due above that of after and not later
// than until.
func (s *space) due(after store.Record, until time.Time, max int) []store.Record {
	from := 0
	if !after.Due.IsZero() {
		after.Due = cut(after.Due)
		var found bool
		if from, found = slices.BinarySearchFunc(s.byDue, &after, compareDue); found {
			from++
		}
	}
	var out []store.Record
	for _, r := range s.byDue[from:] {
		if len(out) == max || !until.IsZero() && r.Due.After(until) {
			break
		}
		out = append(out, *r)
	}
	return out
}

// cut gives a time the precision that the store keeps.
func cut(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// revisionsHold tells whether every record is what the batch expects.
func (p *partition) revisionsHold(changes []store.Change) bool {
	for i := range changes {
		c := &changes[i]
		if c.Op != store.DeleteUnder && !c.Blind && p.space(c.Space).rev(c.Key) != c.From {
			return false
		}
	}
	return true
}

// change applies the records of a batch.
func (p *partition) change(changes []store.Change) {
	for i := range changes {
		c, s := &changes[i], p.space(changes[i].Space)
		switch c.Op {
		case store.Put:
			r := c.Record
			r.Due = cut(r.Due)
			s.put(&r)
		case store.Delete:
			s.remove(c.Key)
		case store.DeleteUnder:
			s.removeUnder(c.Key)
		}
		p.spaces[c.Space] = s
		if len(s.byKey) == 0 {
			delete(p.spaces, c.Space)
		}
	}
}

// space is an empty one where there is none.
func (p *partition) space(name string) *space {
	if s := p.spaces[name]; s != nil {
		return s
	}
	return &space{}
}

// Record implements store.Keeper.
func (s *Store) Record(ctx context.Context, p store.Partition, space, key string) (store.Record, bool, error) {
	part, err := s.beginRead(ctx, p, "Record")
	if err != nil {
		return store.Record{}, false, fmt.Errorf("read record %q in %q: %w", key, space, err)
	}
	defer s.calls.Done()
	r, ok := part.record(space, key)
	return r, ok, nil
}

func (p *partition) record(space, key string) (store.Record, bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	r := p.space(space).get(key)
	if r == nil {
		return store.Record{}, false
	}
	return *r, true
}

// Records implements store.Keeper.
func (s *Store) Records(ctx context.Context, p store.Partition, space, prefix, after string, max int) ([]store.Record, error) {
	part, err := s.beginPage(ctx, p, "Records", max)
	if err != nil {
		return nil, fmt.Errorf("read records in %q: %w", space, err)
	}
	defer s.calls.Done()
	return part.records(space, prefix, after, max), nil
}

func (p *partition) records(space, prefix, after string, max int) []store.Record {
	p.mu.RLock()
	defer p.mu.RUnlock()
	s := p.space(space)
	from, to := s.under(prefix, after)
	var out []store.Record
	for _, r := range s.byKey[from : from+min(max, to-from)] {
		out = append(out, *r)
	}
	return out
}

// Due implements store.Keeper.
func (s *Store) Due(ctx context.Context, p store.Partition, space string, after store.Record, until time.Time, max int) ([]store.Record, error) {
	part, err := s.beginPage(ctx, p, "Due", max)
	if err != nil {
		return nil, fmt.Errorf("read due records in %q: %w", space, err)
	}
	defer s.calls.Done()
	part.mu.RLock()
	defer part.mu.RUnlock()
	return part.space(space).due(after, until, max), nil
}

func (s *Store) beginPage(ctx context.Context, p store.Partition, method string, max int) (*partition, error) {
	if max < 1 {
		return nil, fmt.Errorf("a page has at least one record, not %d", max)
	}
	return s.beginRead(ctx, p, method)
}
