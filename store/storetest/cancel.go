package storetest

import (
	"context"
	"fmt"

	"github.com/talix-dev/talix/store"
)

func cancelCases() []testCase {
	return []testCase{
		{name: "CancelledCommitFails", run: cancelledCommitFails},
		{name: "CancelledReadsAreNotShort", run: cancelledReadsAreNotShort},
		{name: "CancelDuringCommits", run: cancelDuringCommits},
	}
}

func cancelledCommitFails(f *fixture) {
	p, key := f.home(), f.id()
	s := f.stream(p, "s")
	ctx, cancel := context.WithCancel(f.Context())
	cancel()
	b := f.keyed(f.batch(s, 0, 1), key, "lost")
	b.Marks = []store.Mark{{Consumer: "view", To: 3}}
	for i, o := range f.commitContext(ctx, p, b, f.batch(f.stream(p, "t"), 0, 1)) {
		if o.Status != store.Failed || o.Err == nil {
			f.Errorf("batch %d ended as %v (%v), want failed", i, o.Status, o.Err)
		}
	}
	f.wantEmpty(p)
	f.wantNoResult(p, key)
	f.wantMark("view", p, 0)
	f.durable(p, b)
}

// cancelledReadsAreNotShort: a cancelled read may fail or succeed, but what it
// did not read does not look as if it were not there.
func cancelledReadsAreNotShort(f *fixture) {
	p, key := f.home(), f.id()
	s := f.stream(p, "s")
	b := f.keyed(f.batch(s, 0, 300), key, "result")
	b.Marks = []store.Mark{{Consumer: "view", To: 3}}
	f.durable(p, b)
	ctx, cancel := context.WithCancel(f.Context())
	cancel()
	if n, err := count(ctx, f.store, s); err == nil && n != 300 {
		f.Errorf("Load ends after %d events without an error", n)
	}
	if page, err := f.store.Log(ctx, p, 0, 1000); err == nil && len(page) == 0 {
		f.Error("Log is empty without an error")
	}
	if head, err := f.store.Head(ctx, p); err == nil && head == 0 {
		f.Error("Head is zero without an error")
	}
	if _, ok, err := f.store.Result(ctx, p, key); err == nil && !ok {
		f.Error("Result knows nothing, without an error")
	}
	if _, ok, err := f.store.Mark(ctx, "view", p); err == nil && !ok {
		f.Error("Mark knows nothing, without an error")
	}
}

func count(ctx context.Context, s store.Store, name store.Stream) (n int, err error) {
	for _, err := range s.Load(ctx, name, 0) {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// cancelDuringCommits: whenever ctx ends, outcomes tell the truth, and the next
// call finds the store well.
func cancelDuringCommits(f *fixture) {
	p := f.home()
	for round := range 30 {
		ctx, cancel := context.WithCancel(f.Context())
		var batches []store.Batch
		for i := range 50 {
			s := f.stream(p, fmt.Sprint("r", round, "s", i))
			batches = append(batches, f.keyed(f.batch(s, 0, 2), f.id(), s.ID))
		}
		started, done := make(chan struct{}), make(chan []store.Outcome)
		go func() { close(started); done <- f.store.Commit(ctx, p, batches) }()
		<-started
		for range f.rand.IntN(20) * 50 {
			f.id() // some work, so that the call gets to somewhere
		}
		cancel()
		f.checkTold(p, batches, <-done)
		f.durable(p, f.batch(f.stream(p, fmt.Sprint("after", round)), 0, 1))
	}
}

// checkTold compares outcomes with what the store says. Unknown may be either.
func (f *fixture) checkTold(p store.Partition, batches []store.Batch, out []store.Outcome) {
	f.Helper()
	for i, o := range out {
		key, name := batches[i].Key, batches[i].Appends[0].Stream
		switch o.Status {
		case store.Durable:
			f.wantVersion(name, 2)
			f.wantResult(p, key, name.ID)
		case store.Failed:
			f.wantVersion(name, 0)
			f.wantNoResult(p, key)
		case store.Unknown:
			if o.Err == nil {
				f.Error("an unknown outcome does not say why")
			}
		default:
			f.Errorf("batch %d ended as %v", i, o.Status)
		}
	}
}
