package project

import (
	"fmt"
	"slices"
	"time"

	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/table"
)

// parked is an entity whose events a view does not take any more, because one
// of them can't be taken.
type parked struct {
	stream    store.Stream
	partition store.Partition
	version   store.Version // of the event that can't be taken
	position  store.Position
	event     store.ID
	typ       string
	err       string
	attempts  int64
	since     time.Time
	tried     time.Time
	behind    int64 // later events that the view has passed
}

// parkedTable holds what is parked, by build and entity.
func parkedTable() *table.Schema {
	return &table.Schema{Name: "talix_parked", Fingerprint: "1", Columns: []table.Column{
		{Name: "view", Kind: table.Text, Key: true},
		{Name: "entity", Kind: table.Text, Key: true},
		{Name: "entity_id", Kind: table.Text, Key: true},
		{Name: "partition", Kind: table.Int},
		{Name: "version", Kind: table.Int},
		{Name: "position", Kind: table.Int},
		{Name: "event_id", Kind: table.Text},
		{Name: "event_type", Kind: table.Text},
		{Name: "error", Kind: table.Text},
		{Name: "attempts", Kind: table.Int},
		{Name: "since", Kind: table.Text},
		{Name: "tried", Kind: table.Text},
		{Name: "behind", Kind: table.Int},
	}}
}

func (p *parked) key(build string) []table.Value {
	return []table.Value{table.TextValue(build), table.TextValue(p.stream.Type), table.TextValue(p.stream.ID)}
}

func (p *parked) row(build string) []table.Value {
	return append(p.key(build),
		table.IntValue(int64(p.partition)), table.IntValue(int64(p.version)), table.IntValue(int64(p.position)),
		table.TextValue(p.event.String()), table.TextValue(p.typ), table.TextValue(p.err), table.IntValue(p.attempts),
		table.TextValue(p.since.UTC().Format(time.RFC3339Nano)), table.TextValue(p.tried.UTC().Format(time.RFC3339Nano)), table.IntValue(p.behind))
}

func parkedFrom(row []table.Value) (*parked, error) {
	p := &parked{
		stream: store.Stream{Type: row[1].Text(), ID: row[2].Text()}, partition: store.Partition(row[3].Int()),
		version: store.Version(row[4].Int()), position: store.Position(row[5].Int()), typ: row[7].Text(), err: row[8].Text(),
		attempts: row[9].Int(), behind: row[12].Int(),
	}
	var err [3]error
	p.event, err[0] = store.ParseID(row[6].Text())
	p.since, err[1] = time.Parse(time.RFC3339Nano, row[10].Text())
	p.tried, err[2] = time.Parse(time.RFC3339Nano, row[11].Text())
	for _, e := range err {
		if e != nil {
			return nil, fmt.Errorf("read parked event of %s: %w", p.stream, e)
		}
	}
	return p, nil
}

// parkedOf reads what a build has parked.
func parkedOf(tx table.Tx, s *table.Schema, build string) (all []*parked, err error) {
	for row, err := range tx.Scan(s, []table.Value{table.TextValue(build)}) {
		if err != nil {
			return nil, err
		}
		p, err := parkedFrom(row)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

// lot is what a runner has parked.
type lot struct {
	all   map[store.Stream]*parked
	fresh map[store.Stream]bool // not written yet
}

func newLot() lot { return lot{map[store.Stream]*parked{}, map[store.Stream]bool{}} }

// behind notes an event of a parked entity; false if it is not parked.
func (l *lot) behind(e *store.Event) bool {
	if len(l.all) == 0 {
		return false
	}
	p := l.all[e.Stream]
	if p == nil {
		return false
	}
	p.behind++
	l.fresh[e.Stream] = true
	return true
}

// add parks an entity.
func (l *lot) add(e *store.Event, err error, now time.Time) {
	l.all[e.Stream] = &parked{
		stream: e.Stream, partition: e.Partition, version: e.Version, position: e.Position, event: e.ID, typ: e.Type,
		err: err.Error(), attempts: 1, since: now, tried: now,
	}
	l.fresh[e.Stream] = true
}

// write stores what changed.
func (l *lot) write(tx table.Tx, s *table.Schema, build string) error {
	for stream := range l.fresh {
		p := l.all[stream]
		if p == nil {
			continue
		}
		if err := tx.Put(s, p.row(build)); err != nil {
			return err
		}
	}
	return nil
}

// list are the parked entities in order of position.
func (l *lot) list() []*parked {
	all := make([]*parked, 0, len(l.all))
	for _, p := range l.all {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b *parked) int { return int(a.position - b.position) })
	return all
}
