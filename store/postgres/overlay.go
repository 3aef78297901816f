package postgres

import (
	"strings"

	"github.com/talix-dev/talix/store"
)

// name is what a record is found by in its partition.
type name struct{ space, key string }

func (n name) under(prefix name) bool {
	return n.space == prefix.space && strings.HasPrefix(n.key, prefix.key)
}

// slot is a record that a plan changes, as it is in the end.
type slot struct {
	name name
	rev  store.ID      // zero: it is not there
	put  *store.Record // nil: it is deleted
}

// expectation is a revision that a record must have in the store.
type expectation struct {
	name name
	rev  store.ID
}

// overlay is what a plan does to records.
type overlay struct {
	world   *world
	slots   map[name]*slot
	order   []*slot
	unders  []name // prefixes
	expects []expectation
}

func (o *overlay) touched() bool { return len(o.order)+len(o.unders) > 0 }

// inside tells whether the plan itself decides what the record is.
func (o *overlay) inside(n name) bool {
	if o.slots[n] != nil {
		return true
	}
	for _, prefix := range o.unders {
		if n.under(prefix) {
			return true
		}
	}
	return false
}

// hold tells whether every record is what a batch expects.
func (o *overlay) hold(changes []store.Change) bool {
	for i := range changes {
		c := &changes[i]
		if c.Op != store.DeleteUnder && !c.Blind && o.rev(c) != c.From {
			return false
		}
	}
	return true
}

func (o *overlay) rev(c *store.Change) store.ID {
	n := name{c.Space, c.Key}
	switch {
	case o.slots[n] != nil:
		return o.slots[n].rev
	case o.inside(n):
		return store.ID{}
	case o.world != nil:
		return o.world.revs[n]
	}
	return c.From
}

func (o *overlay) apply(changes []store.Change) {
	for i := range changes {
		c := &changes[i]
		if c.Op == store.DeleteUnder {
			o.deleteUnder(name{c.Space, c.Key})
			continue
		}
		o.change(c)
	}
}

func (o *overlay) deleteUnder(prefix name) {
	o.unders = append(o.unders, prefix)
	for _, s := range o.order {
		if s.name.under(prefix) {
			s.rev, s.put = store.ID{}, nil
		}
	}
}

func (o *overlay) change(c *store.Change) {
	n := name{c.Space, c.Key}
	if !c.Blind && !o.inside(n) {
		o.expects = append(o.expects, expectation{n, c.From})
	}
	s := o.slots[n]
	if s == nil {
		if o.slots == nil {
			o.slots = map[name]*slot{}
		}
		s = &slot{name: n}
		o.slots[n] = s
		o.order = append(o.order, s)
	}
	s.rev, s.put = store.ID{}, nil
	if c.Op == store.Put {
		s.rev, s.put = c.Rev, &c.Record
	}
}

// till is above every key that begins with the prefix, and below all that
// follow those.
func till(prefix string) string {
	b := []byte(prefix)
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] < 0xff {
			b[i]++
			return string(b[:i+1])
		}
	}
	return strings.Repeat("\xff", store.MaxKey+1)
}
