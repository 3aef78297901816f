package storetest_test

import (
	"context"
	"slices"
	"time"

	"github.com/talix-dev/talix/store"
)

// commitFunc is a Commit that has another one to lean on.
type commitFunc func(ctx context.Context, s store.Store, p store.Partition, batches []store.Batch) []store.Outcome

// committing is a store with another Commit.
type committing struct {
	store.Store
	commit commitFunc
}

func (c committing) Commit(ctx context.Context, p store.Partition, batches []store.Batch) []store.Outcome {
	return c.commit(ctx, c.Store, p, batches)
}

func withCommit(f commitFunc) func(store.Store) store.Store {
	return func(s store.Store) store.Store { return committing{s, f} }
}

// changing is a Commit that changes batches on their way, and tells the caller
// where events came to lie, as if it had not.
func changing(f func(s store.Store, p store.Partition, b *store.Batch)) func(store.Store) store.Store {
	return withCommit(func(ctx context.Context, s store.Store, p store.Partition, batches []store.Batch) []store.Outcome {
		changed := slices.Clone(batches)
		for i := range changed {
			copyEvents(s, p, &changed[i])
			f(s, p, &changed[i])
		}
		out := s.Commit(ctx, p, changed)
		for i := range changed {
			tell(batches[i].Appends, changed[i].Appends)
		}
		return out
	})
}

func tell(told, known []store.Append) {
	for i := range min(len(told), len(known)) {
		for j := range min(len(told[i].Events), len(known[i].Events)) {
			told[i].Events[j].Partition = known[i].Events[j].Partition
			told[i].Events[j].Position = known[i].Events[j].Position
		}
	}
}

// judging is a Commit that tells another end of batches than is true.
func judging(f func(b store.Batch, o *store.Outcome)) func(store.Store) store.Store {
	return withCommit(func(ctx context.Context, s store.Store, p store.Partition, batches []store.Batch) []store.Outcome {
		out := s.Commit(ctx, p, batches)
		for i := range out {
			f(batches[i], &out[i])
		}
		return out
	})
}

// each commits every batch by itself.
func each(ctx context.Context, s store.Store, p store.Partition, batches []store.Batch) []store.Outcome {
	var out []store.Outcome
	for i := range batches {
		out = append(out, s.Commit(ctx, p, batches[i:i+1])...)
	}
	return out
}

func version(s store.Store, name store.Stream) (v store.Version) {
	for range s.Load(context.Background(), name, 0) {
		v++
	}
	return v
}

func commitMutants() []mutant {
	return []mutant{
		{"no version check", changing(noVersionCheck), []string{
			"WrongVersionIsConflict", "ConflictWritesNothing", "AppendOfNothingChecksVersion", "BatchesAreJudgedOneByOne",
			"BatchOfSeveralStreamsIsAllOrNothing", "MisnumberedEventsAreRefused", "KeyOfConflictIsFree", "RandomCallsMatchTheModel",
		}},
		{"conflicts are acknowledged", judging(func(_ store.Batch, o *store.Outcome) {
			if o.Status == store.Conflict {
				o.Status = store.Durable
			}
		}), []string{"SharedWritersNeverShareAVersion", "MarkIsComparedAndSet"}},
		{"no cascade", withCommit(each), []string{
			"CascadeOfTwoRuntimes", "CascadeAfterDuplicate", "CascadeAfterMarkConflict", "CascadeRunsThroughSharedStreams",
			"CascadeEndsWithTheCall", "RandomCallsMatchTheModel",
		}},
		{"cascade over everything", withCommit(stopAtFirst), []string{
			"BatchesAreJudgedOneByOne", "CascadeSparesKeys", "CascadeSparesMarks", "CascadeSparesDuplicates",
			"MarksFollowInOneCall", "ManyBatchesInOneCall", "RandomCallsMatchTheModel",
		}},
		{"cascade without end", endless(), []string{"CascadeEndsWithTheCall"}},
		{"batches do not see each other", withCommit(oncePerStream), []string{"LaterBatchesSeeEarlierOnes", "FollowersMissNothing"}},
		{"split batches", withCommit(split), []string{
			"BatchOfSeveralStreamsIsAllOrNothing", "ConflictWritesNothing", "CascadeRunsThroughSharedStreams",
		}},
		{"split appends", splitAppends, []string{"LoadDuringCommits"}},
		{"first append only", changing(func(_ store.Store, _ store.Partition, b *store.Batch) {
			b.Appends = b.Appends[:min(1, len(b.Appends))]
		}), []string{"BatchOfSeveralStreams", "LogIsInOrderOfCommits"}},
		{"order of appends", changing(func(_ store.Store, _ store.Partition, b *store.Batch) {
			slices.Reverse(b.Appends)
		}), []string{"LogIsInOrderOfCommits"}},
		{"positions are not set", withCommit(untold), []string{"VersionsAreDense", "EveryFieldRoundTrips"}},
		{"empty batches fail", judging(func(b store.Batch, o *store.Outcome) {
			if len(b.Appends) == 0 {
				o.Status = store.Failed
			}
		}), []string{"EmptyBatches", "MarkMoves"}},
		{"at most 4,000 batches", limited(4000, 1<<30), []string{"ManyBatchesInOneCall"}},
		{"at most 4,096 events", limited(1<<30, 4096), []string{"ManyEventsInOneBatch"}},
		{"strays are taken home", withCommit(takeHome), []string{
			"StreamsOfAnotherPartitionAreRefused", "UnknownPartitionsAreRefused",
		}},
		{"events are renamed", changing(rename), []string{"EventsOfAnotherStreamAreRefused"}},
		{"marks are not compared", changing(func(s store.Store, p store.Partition, b *store.Batch) {
			for i := range b.Marks {
				b.Marks[i].From, _, _ = s.Mark(context.Background(), b.Marks[i].Consumer, p)
			}
		}), []string{"MarkIsComparedAndSet", "MarkMovesWithEvents", "MarksAreAllOrNothing", "MarksFollowInOneCall", "CascadeAfterMarkConflict"}},
		{"one mark of a batch", changing(func(_ store.Store, _ store.Partition, b *store.Batch) {
			b.Marks = b.Marks[:min(1, len(b.Marks))]
		}), []string{"MarksOfSeveralConsumers", "MarksAreAllOrNothing"}},
		{"cancelling is ignored", withCommit(func(ctx context.Context, s store.Store, p store.Partition, b []store.Batch) []store.Outcome {
			return s.Commit(context.WithoutCancel(ctx), p, b)
		}), []string{"CancelledCommitFails", "RecordsOfCancelledCommitAreLeft"}},
		{"cancelled, but written", withCommit(writtenAnyway), []string{"CancelledCommitFails", "CancelDuringCommits"}},
	}
}

func noVersionCheck(s store.Store, _ store.Partition, b *store.Batch) {
	for i := range b.Appends {
		a := &b.Appends[i]
		a.Expect = version(s, a.Stream)
		for j := range a.Events {
			a.Events[j].Version = a.Expect + store.Version(j) + 1
		}
	}
}

func stopAtFirst(ctx context.Context, s store.Store, p store.Partition, batches []store.Batch) []store.Outcome {
	out, stopped := each(ctx, s, p, nil), false
	for i := range batches {
		o := store.Outcome{Status: store.Conflict}
		if !stopped {
			o = s.Commit(ctx, p, batches[i:i+1])[0]
		}
		out, stopped = append(out, o), stopped || o.Status != store.Durable
	}
	return out
}

// endless goes on failing a stream after the call in which it conflicted.
func endless() func(store.Store) store.Store {
	return func(s store.Store) store.Store {
		fallen := map[store.Stream]bool{}
		return committing{s, func(ctx context.Context, s store.Store, p store.Partition, batches []store.Batch) []store.Outcome {
			out := make([]store.Outcome, len(batches))
			for i, b := range batches {
				if slices.ContainsFunc(b.Appends, func(a store.Append) bool { return fallen[a.Stream] }) {
					out[i].Status = store.Conflict
					continue
				}
				out[i] = s.Commit(ctx, p, batches[i:i+1])[0]
				for _, a := range b.Appends {
					fallen[a.Stream] = out[i].Status == store.Conflict
				}
			}
			return out
		}}
	}
}

func oncePerStream(ctx context.Context, s store.Store, p store.Partition, batches []store.Batch) []store.Outcome {
	seen := map[store.Stream]bool{}
	out := make([]store.Outcome, len(batches))
	for i, b := range batches {
		out[i].Status = store.Conflict
		if !slices.ContainsFunc(b.Appends, func(a store.Append) bool { return seen[a.Stream] }) {
			out[i] = s.Commit(ctx, p, batches[i:i+1])[0]
		}
		for _, a := range b.Appends {
			seen[a.Stream] = true
		}
	}
	if len(out) > 2 && out[2].Status == store.Conflict {
		out[0].Status = store.Conflict // tells the writer of a following test
	}
	return out
}

func split(ctx context.Context, s store.Store, p store.Partition, batches []store.Batch) []store.Outcome {
	var out []store.Outcome
	for _, b := range batches {
		o := store.Outcome{Status: store.Durable}
		for _, a := range b.Appends {
			if got := s.Commit(ctx, p, []store.Batch{{Appends: []store.Append{a}}})[0]; got.Status != store.Durable {
				o = got
			}
		}
		out = append(out, o)
	}
	return out
}

// splitAppends writes the events of an append one by one, and waits until a
// reader has seen the first without the second.
func splitAppends(s store.Store) store.Store {
	seen, wait := make(chan struct{}, 1), true
	commit := func(ctx context.Context, s store.Store, p store.Partition, batches []store.Batch) []store.Outcome {
		out := make([]store.Outcome, len(batches))
		for i, b := range batches {
			for j := range b.Appends[0].Events {
				a := b.Appends[0]
				a.Expect, a.Events = a.Expect+store.Version(j), a.Events[j:j+1]
				out[i] = s.Commit(ctx, p, []store.Batch{{Appends: []store.Append{a}}})[0]
				if wait {
					<-seen
				}
				wait = false
			}
		}
		return out
	}
	load := func(ctx context.Context, s store.Store, name store.Stream, after store.Version) loaded {
		return func(yield func(store.Event, error) bool) {
			for e, err := range s.Load(ctx, name, after) {
				select {
				case seen <- struct{}{}:
				default:
				}
				if !yield(e, err) {
					return
				}
			}
		}
	}
	return reading{Store: committing{s, commit}, load: load}
}

func untold(ctx context.Context, s store.Store, p store.Partition, batches []store.Batch) []store.Outcome {
	batches = slices.Clone(batches)
	for i := range batches {
		copyEvents(s, p, &batches[i])
	}
	return s.Commit(ctx, p, batches)
}

func copyEvents(_ store.Store, _ store.Partition, b *store.Batch) {
	b.Marks, b.Records = slices.Clone(b.Marks), slices.Clone(b.Records)
	b.Appends = slices.Clone(b.Appends)
	for i := range b.Appends {
		b.Appends[i].Events = slices.Clone(b.Appends[i].Events)
	}
}

func limited(batches, events int) func(store.Store) store.Store {
	return withCommit(func(ctx context.Context, s store.Store, p store.Partition, b []store.Batch) []store.Outcome {
		if len(b) <= batches && (len(b) == 0 || len(b[0].Appends) == 0 || len(b[0].Appends[0].Events) <= events) {
			return s.Commit(ctx, p, b)
		}
		return make([]store.Outcome, len(b))
	})
}

func takeHome(ctx context.Context, s store.Store, p store.Partition, batches []store.Batch) []store.Outcome {
	out := make([]store.Outcome, len(batches))
	for i, b := range batches {
		home := p
		if len(b.Appends) > 0 {
			home = store.PartitionOf(b.Appends[0].Stream, s.Partitions())
		}
		out[i] = s.Commit(ctx, home, batches[i:i+1])[0]
	}
	return out
}

func rename(_ store.Store, _ store.Partition, b *store.Batch) {
	for i := range b.Appends {
		for j := range b.Appends[i].Events {
			b.Appends[i].Events[j].Stream = b.Appends[i].Stream
		}
	}
}

func writtenAnyway(ctx context.Context, s store.Store, p store.Partition, batches []store.Batch) []store.Outcome {
	out := s.Commit(context.WithoutCancel(ctx), p, batches)
	select {
	case <-ctx.Done():
	case <-time.After(10 * time.Millisecond):
	}
	for i := range out {
		if ctx.Err() != nil {
			out[i] = store.Outcome{Status: store.Failed, Err: ctx.Err()}
		}
	}
	return out
}
