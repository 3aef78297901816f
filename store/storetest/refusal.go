package storetest

import "github.com/talix-dev/talix/store"

// The cases of this file hand over what no engine should. A store must not be
// damaged by it: such a batch is not Durable, and its neighbours are.

func refusalCases() []testCase {
	return []testCase{
		{name: "MisnumberedEventsAreRefused", run: misnumberedEventsAreRefused},
		{name: "EventsOfAnotherStreamAreRefused", run: eventsOfAnotherStreamAreRefused},
		{name: "StreamsOfAnotherPartitionAreRefused", run: streamsOfAnotherPartitionAreRefused},
		{name: "UnknownPartitionsAreRefused", run: unknownPartitionsAreRefused},
	}
}

// refuse commits a batch that must not become Durable between two that must.
func (f *fixture) refuse(p store.Partition, bad store.Batch) {
	f.Helper()
	key := f.id()
	s, other := f.stream(p, "neighbour-"+key.String()), f.stream(p, "other-"+key.String())
	out := f.commit(p, f.batch(s, 0, 1), f.keyed(bad, key, "refused"), f.batch(other, 0, 1))
	if out[0].Status != store.Durable || out[1].Status == store.Durable || out[2].Status != store.Durable {
		f.Errorf("got %v, %v, %v; want durable, failed, durable", out[0].Status, out[1].Status, out[2].Status)
	}
	if out[1].Status == store.Failed && out[1].Err == nil {
		f.Error("a failed outcome does not say why")
	}
	f.wantNoResult(p, key)
}

func misnumberedEventsAreRefused(f *fixture) {
	p := f.home()
	s := f.stream(p, "misnumbered")
	f.durable(p, f.batch(s, 0, 2))
	for _, versions := range [][]store.Version{{2}, {4}, {3, 3}, {3, 5}, {4, 3}, {0}, {-1}} {
		b := f.batch(s, 2, len(versions))
		for i, v := range versions {
			b.Appends[0].Events[i].Version = v
		}
		f.refuse(p, b)
	}
	f.wantVersion(s, 2)
}

func eventsOfAnotherStreamAreRefused(f *fixture) {
	p := f.home()
	s, other := f.stream(p, "named"), f.stream(p, "smuggled")
	b := f.batch(s, 0, 2)
	b.Appends[0].Events[1].Stream = other
	f.refuse(p, b)
	f.wantVersion(s, 0)
	f.wantVersion(other, 0)
}

func streamsOfAnotherPartitionAreRefused(f *fixture) {
	if f.store.Partitions() == 1 {
		return // and no stream is of another
	}
	p := f.home()
	stray := f.stream(p-1, "stray")
	f.refuse(p, f.batch(stray, 0, 1))
	f.wantVersion(stray, 0)
}

func unknownPartitionsAreRefused(f *fixture) {
	s := f.stream(f.home(), "nowhere")
	for _, p := range []store.Partition{-1, f.home() + 1} {
		if out := f.commit(p, f.batch(s, 0, 1))[0]; out.Status != store.Failed || out.Err == nil {
			f.Errorf("Commit to partition %d ended as %v (%v), want failed", p, out.Status, out.Err)
		}
		if _, err := f.store.Log(f.Context(), p, 0, 10); err == nil {
			f.Errorf("Log of partition %d gave no error", p)
		}
	}
	f.wantVersion(s, 0)
}
