package storetest

import "github.com/talix-dev/talix/store"

// reference is the port in its plainest form: what one partition must answer.
type reference struct {
	streams map[store.Stream][]store.Event
	log     []store.Event
	results map[store.ID]store.Batch
	marks   map[string]store.Position
}

func newReference() *reference {
	return &reference{
		streams: map[store.Stream][]store.Event{},
		results: map[store.ID]store.Batch{},
		marks:   map[string]store.Position{},
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
}
