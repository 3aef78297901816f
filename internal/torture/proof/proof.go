// Package proof holds what clients saw of a bank against what its database holds
// in the end.
package proof

import (
	"fmt"
	"slices"

	"github.com/talix-dev/talix/internal/torture/load"
)

// list collects problems of one kind, and how many more there are.
type list struct {
	problems []string
	more     int
}

// enough of one kind are told.
const enough = 10

func (l *list) add(format string, args ...any) {
	if len(l.problems) < enough {
		l.problems = append(l.problems, fmt.Sprintf(format, args...))
	} else {
		l.more++
	}
}

func (l *list) all() []string {
	if l.more > 0 {
		return append(l.problems, fmt.Sprintf("and %d more like these", l.more))
	}
	return l.problems
}

// Once tells where this does not hold: what was acknowledged stands in the log
// exactly once, where the answer said; what was refused does not; nothing stands
// there that no one asked for.
func Once(ops []load.Op, log *Log) []string {
	var l list
	left := log.byAmount()
	for i := range ops {
		op := &ops[i]
		if op.Kind == load.Read {
			continue
		}
		events := left[op.Amount]
		delete(left, op.Amount)
		if op.Kind == load.Transfer {
			transferred(&l, op, events)
		} else {
			once(&l, op, events)
		}
	}
	for amount, events := range left {
		l.add("no one has asked for %d, of which the log has %v", amount, events)
	}
	return l.all()
}

// once holds one request against the events with its amount.
func once(l *list, op *load.Op, events []Event) {
	var want []Event
	steps(op, func(account, kind string, after load.Balance) {
		want = append(want, Event{ID: account, Type: kind, Version: after.Version})
	})
	switch {
	case len(events) == 0 && op.Outcome != load.Done:
		return
	case op.Outcome == load.Rejected && op.Attempts == 1:
		l.add("%s of %d was rejected, and the log has %v", op.Kind, op.Amount, events)
		return
	}
	if len(events) != len(want) {
		l.add("%s of %d, %s, is in the log %d times, not %d: %v", op.Kind, op.Amount, op.Outcome, len(events), len(want), events)
		return
	}
	for _, w := range want {
		if !slices.ContainsFunc(events, func(e Event) bool {
			return e.ID == w.ID && e.Type == w.Type && (e.Version == w.Version || op.Outcome != load.Done)
		}) {
			l.add("%s of %d, %s, should be version %d of %s: the log has %v", op.Kind, op.Amount, op.Outcome, w.Version, w.ID, events)
		}
	}
}

// transferred holds a transfer against the events with its amount: money was
// sent once, and received or returned once.
func transferred(l *list, op *load.Op, events []Event) {
	if len(events) == 0 && op.Outcome != load.Done {
		return
	}
	last := Event{ID: op.To, Type: received}
	if op.To == "nobody" {
		last = Event{ID: op.Account, Type: returned}
	}
	has := func(want Event) bool {
		return slices.ContainsFunc(events, func(e Event) bool { return e.ID == want.ID && e.Type == want.Type })
	}
	if len(events) != 2 || !has(Event{ID: op.Account, Type: sent}) || !has(last) {
		l.add("transfer of %d from %s to %s, %s, has led to %v", op.Amount, op.Account, op.To, op.Outcome, events)
	}
}

// Dense tells where this does not hold: versions of an entity are 1, 2, 3…,
// positions of a partition rise up to its head without a gap, and no command has
// appended twice to one entity.
func Dense(log *Log) []string {
	var l list
	versions, positions, commands := map[[2]string]int64{}, map[int64]int64{}, map[[2]string]bool{}
	for _, e := range log.Events {
		entity := [2]string{e.Entity, e.ID}
		if versions[entity]++; e.Version != versions[entity] {
			l.add("version %d of %s %s follows %d", e.Version, e.Entity, e.ID, versions[entity]-1)
		}
		if positions[e.Partition]++; e.Position != positions[e.Partition] {
			l.add("position %d of partition %d follows %d", e.Position, e.Partition, positions[e.Partition]-1)
			positions[e.Partition] = e.Position
		}
		by := [2]string{e.Command, e.Entity + "/" + e.ID}
		if commands[by] {
			l.add("the command %s has appended twice to %s", e.Command, by[1])
		}
		commands[by] = true
	}
	for partition, head := range log.Heads {
		if positions[partition] != head {
			l.add("the head of partition %d is %d, and its last event is at %d", partition, head, positions[partition])
		}
	}
	return l.all()
}

// Views tells which rows are not what the events add up to.
func Views(log *Log) []string {
	var l list
	want := log.Fold()
	for id, r := range want {
		if got, ok := log.Rows[id]; !ok || got != r {
			l.add("the view has %+v of %s, the log has %+v", got, id, r)
		}
	}
	for id, got := range log.Rows {
		if _, ok := want[id]; !ok {
			l.add("the view has %+v of %s, of which the log has nothing", got, id)
		}
	}
	return l.all()
}

// Moving are transfers that have begun and not ended.
func Moving(log *Log) []string {
	var l list
	way := map[string]int64{}
	for _, e := range log.Events {
		switch e.Type {
		case sent:
			way[e.Transfer] += e.Amount
		case received, returned:
			way[e.Transfer] -= e.Amount
		}
	}
	for id, amount := range way {
		if amount != 0 {
			l.add("of the transfer %s, %d is on its way", id, amount)
		}
	}
	return l.all()
}

// Effects tells which deposits were not counted by one command, or not told under
// one id.
func Effects(log *Log, told *Sink) []string {
	var l list
	tallies := map[string]int{}
	for _, e := range log.Events {
		if e.Type == counted {
			tallies[e.Counted]++
		}
	}
	events := 0
	for _, e := range log.Events {
		if e.Type != deposited {
			continue
		}
		events++
		if n := tallies[e.Event]; n != 1 {
			l.add("the event %s (version %d of %s) was counted %d times", e.Event, e.Version, e.ID, n)
		}
		if ids := told.of(e.Event); len(ids) != 1 {
			l.add("the event %s (version %d of %s) was told under the ids %v", e.Event, e.Version, e.ID, ids)
		}
	}
	if len(tallies) != events {
		l.add("%d events were counted, and there are %d", len(tallies), events)
	}
	return append(l.all(), told.mixed()...)
}
