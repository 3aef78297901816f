package storetest

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/talix-dev/talix/store"
)

// reference is the port in its plainest form: what one partition must answer.
type reference struct {
	streams map[store.Stream][]store.Event
	log     []store.Event
	results map[store.ID]store.Batch
	marks   map[string]store.Position
	records map[string]store.Record // by key, of one space
}

func newReference() *reference {
	return &reference{
		streams: map[store.Stream][]store.Event{},
		results: map[store.ID]store.Batch{},
		marks:   map[string]store.Position{},
		records: map[string]store.Record{},
	}
}

// commit says how the batches of one call end, and remembers those that hold.
func (r *reference) commit(batches []store.Batch) []store.Outcome {
	var out []store.Outcome
	fallen := map[store.Stream]bool{}
	for _, b := range batches {
		o := r.judge(b, fallen)
		out = append(out, o)
		for _, a := range b.Appends {
			fallen[a.Stream] = fallen[a.Stream] || o.Status != store.Durable
		}
		if o.Status == store.Durable {
			r.keep(b)
		}
	}
	return out
}

func (r *reference) judge(b store.Batch, fallen map[store.Stream]bool) store.Outcome {
	if first, known := r.results[b.Key]; known {
		return store.Outcome{Status: store.Duplicate, Result: first.Result}
	}
	holds := true
	for _, a := range b.Appends {
		holds = holds && !fallen[a.Stream] && int(a.Expect) == len(r.streams[a.Stream])
	}
	for _, m := range b.Marks {
		holds = holds && r.marks[m.Consumer] == m.From
	}
	for _, c := range b.Records {
		holds = holds && (c.Blind || c.Op == store.DeleteUnder || r.records[c.Key].Rev == c.From)
	}
	if !holds {
		return store.Outcome{Status: store.Conflict}
	}
	return store.Outcome{Status: store.Durable}
}

func (r *reference) keep(b store.Batch) {
	for _, a := range b.Appends {
		r.streams[a.Stream] = append(r.streams[a.Stream], a.Events...)
		r.log = append(r.log, a.Events...)
	}
	for _, m := range b.Marks {
		r.marks[m.Consumer] = m.To
	}
	if !b.Key.IsZero() {
		r.results[b.Key] = b
	}
	r.change(b.Records)
}

func (r *reference) change(changes []store.Change) {
	for _, c := range changes {
		switch c.Op {
		case store.Put:
			r.records[c.Key] = c.Record
		case store.Delete:
			delete(r.records, c.Key)
		case store.DeleteUnder:
			maps.DeleteFunc(r.records, func(key string, _ store.Record) bool { return strings.HasPrefix(key, c.Key) })
		}
	}
}

// kept are all records, in the order of their keys.
func (r *reference) kept() []store.Record {
	return slices.SortedFunc(maps.Values(r.records), byKey)
}

// due are those that are due until a time, in order.
func (r *reference) due(until time.Time) []store.Record {
	due := slices.DeleteFunc(r.kept(), func(r store.Record) bool {
		return r.Due.IsZero() || !until.IsZero() && r.Due.After(until)
	})
	slices.SortStableFunc(due, func(a, b store.Record) int { return a.Due.Compare(b.Due) })
	return due
}
