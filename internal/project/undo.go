package project

import (
	"reflect"
	"slices"

	"github.com/talix-dev/talix/store"
)

// save keeps a row as it is before the event under way.
func (l *leaf) save(r *row) {
	if r.event == l.rs.events {
		return
	}
	r.event = l.rs.events
	n := len(l.undo)
	if n == cap(l.undo) {
		l.undo = append(l.undo, saved{val: reflect.New(l.sheet.def.Row).Elem()})
	} else {
		l.undo = l.undo[:n+1]
		if !l.undo[n].val.IsValid() {
			l.undo[n].val = reflect.New(l.sheet.def.Row).Elem()
		}
	}
	s := &l.undo[n]
	s.row, s.exists, s.stale, s.since = r, r.exists, r.stale, r.since
	if l.exact {
		s.val.Set(r.val)
	} else {
		s.now = append(s.now[:0], r.now...)
	}
}

// restore undoes what the event did. Rows that are not exact are read again
// from their values, as what they refer to may have been changed.
func (l *leaf) restore() {
	for i := range l.undo {
		s := &l.undo[i]
		r := s.row
		r.exists, r.stale, r.since = s.exists, s.stale, s.since
		if l.exact {
			r.val.Set(s.val)
			continue
		}
		r.now = append(r.now[:0], s.now...)
		r.stale = r.exists
		if !r.exists {
			r.val.SetZero()
		}
	}
}

// remember adds what an event has ended to the history.
func (l *leaf) remember(p store.Partition, at store.Position) {
	if l.history == nil {
		return
	}
	for i := range l.undo {
		s := &l.undo[i]
		if slices.Equal(s.now, s.row.now) {
			continue
		}
		if s.exists {
			l.past = append(l.past, past(s.now, p, s.since, at))
		}
		s.row.since = at
		if !s.row.exists {
			s.row.since = 0
		}
	}
}
