package work

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/talix-dev/talix/store"
)

// pageSize is how many due records are read at a time.
const pageSize = 256

// scan is how far a partition's loop has looked. Records are in the order of
// Due and then Key, which a record of these two alone stands for.
type scan struct {
	looked   time.Time    // when it last began with the first record
	again    bool         // it has to look again, since it did not come to an end
	frontier store.Record // what is due up to here was seen
	next     time.Time    // when the first thing beyond is due; zero: there is none
	// held are the actions that had no room, with the record above which their
	// items were not taken; open those of them that have room again.
	held, open map[string]store.Record
}

func position(rec *store.Record) store.Record { return store.Record{Due: rec.Due, Key: rec.Key} }

func compare(a, b store.Record) int {
	return cmp.Or(a.Due.Compare(b.Due), strings.Compare(a.Key, b.Key))
}

// lower lets what is due at a time be looked for, though the frontier may be
// beyond.
func (s *scan) lower(due time.Time) {
	below := store.Record{Due: due.UTC().Truncate(time.Microsecond).Add(-time.Microsecond)}
	if compare(below, s.frontier) < 0 {
		s.frontier = below
	}
}

// place is where to read on.
func (s *scan) place() store.Record {
	at := s.frontier
	for _, from := range s.open {
		if compare(from, at) < 0 {
			at = from
		}
	}
	return at
}

// advance tells that all was seen up to a record.
func (s *scan) advance(at store.Record) {
	if compare(s.frontier, at) < 0 {
		s.frontier = at
	}
	for action, from := range s.open {
		if compare(from, at) < 0 {
			s.open[action] = at
		}
	}
}

// hold tells that items of an action are left in the store above a record.
func (s *scan) hold(action string, above store.Record) {
	delete(s.open, action)
	if from, held := s.held[action]; !held || compare(above, from) < 0 {
		s.held[action] = above
	}
}

// begin tells whether there may be something to run, and where to look.
func (s *scan) begin(now time.Time, look time.Duration, n news, crashed []time.Time) bool {
	need := s.again || len(crashed) > 0
	if look > 0 && time.Since(s.looked) >= look {
		s.looked, s.frontier, need = time.Now(), store.Record{}, true
	}
	if s.frontier.Due.After(now) { // the clock went back
		s.frontier = store.Record{Due: now.UTC().Truncate(time.Microsecond)}
		need = true
	}
	for _, due := range append(crashed, n.due) {
		if !due.IsZero() {
			s.lower(due)
			s.next = earliest(s.next, due)
		}
	}
	for action := range n.room {
		if from, held := s.held[action]; held {
			s.open[action] = from
			delete(s.held, action)
			need = true
		}
	}
	return need || !s.next.IsZero() && !s.next.After(now)
}

// round takes what is due now.
func (p *part) round(ctx context.Context) error {
	now := p.cfg.Now()
	n, crashed := p.collect(now)
	if !p.scan.begin(now, p.cfg.Look, n, crashed) {
		return nil
	}
	p.scan.again = true
	for more := true; more && ctx.Err() == nil; {
		var err error
		if more, err = p.page(ctx, now); err != nil {
			return err
		}
	}
	return p.ahead(ctx)
}

// page takes what is due from where the scan stands; false at its end.
func (p *part) page(ctx context.Context, now time.Time) (bool, error) {
	p.turnPage()
	at := p.scan.place()
	page, err := p.keeper.Due(ctx, p.number, Space, at, now, pageSize)
	if err != nil {
		return false, fmt.Errorf("read due work: %w", err)
	}
	p.reading.worked()
	for i := range page {
		p.see(&page[i], at)
		at = position(&page[i])
	}
	p.scan.advance(at)
	return len(page) == pageSize, nil
}

// ahead finds out when something is due next.
func (p *part) ahead(ctx context.Context) error {
	clear(p.scan.open)
	next, err := p.keeper.Due(ctx, p.number, Space, p.scan.frontier, time.Time{}, 1)
	if err != nil {
		return fmt.Errorf("read next due work: %w", err)
	}
	p.scan.again, p.scan.next = false, time.Time{}
	if len(next) > 0 {
		p.scan.next = next[0].Due
	}
	return nil
}

// see takes a record that is due, which follows another one in the store.
func (p *part) see(rec *store.Record, above store.Record) {
	item, err := decode(p.number, rec)
	if err != nil {
		p.skip(rec, err)
		return
	}
	if !item.runs() {
		return
	}
	t, ok := p.admit(rec, item.lane())
	if !ok {
		return
	}
	if _, held := p.scan.held[t.action]; held {
		p.dismiss(t)
		p.scan.hold(t.action, above)
		return
	}
	switch p.pool.offer(t) {
	case started:
		t.item = &item
		p.start(t) // it is, as this is its loop
	case refused:
		p.dismiss(t)
		p.scan.hold(t.action, above)
	}
}
