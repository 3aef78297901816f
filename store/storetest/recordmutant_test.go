package storetest_test

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/talix-dev/talix/store"
)

// recalling is a store that reads records in another way; nil is its own.
type recalling struct {
	store.Store
	store.Keeper
	records func(k store.Keeper, p store.Partition, space, prefix, after string, max int) ([]store.Record, error)
	due     func(k store.Keeper, p store.Partition, space string, after store.Record, until time.Time, max int) ([]store.Record, error)
}

func (r recalling) Records(ctx context.Context, p store.Partition, space, prefix, after string, max int) ([]store.Record, error) {
	if r.records == nil {
		return r.Keeper.Records(ctx, p, space, prefix, after, max)
	}
	return r.records(r.Keeper, p, space, prefix, after, max)
}

func (r recalling) Due(ctx context.Context, p store.Partition, space string, after store.Record, until time.Time, max int) ([]store.Record, error) {
	if r.due == nil {
		return r.Keeper.Due(ctx, p, space, after, until, max)
	}
	return r.due(r.Keeper, p, space, after, until, max)
}

func recall(change func(r *recalling)) func(store.Store) store.Store {
	return func(s store.Store) store.Store {
		r := recalling{Store: s, Keeper: s.(store.Keeper)}
		change(&r)
		return r
	}
}

// rewriting is a Commit that changes records on their way.
func rewriting(f func(c *store.Change)) func(store.Store) store.Store {
	return changing(func(_ store.Store, _ store.Partition, b *store.Batch) {
		for i := range b.Records {
			f(&b.Records[i])
		}
	})
}

func recordMutants() []mutant {
	background := context.Background()
	return append(recordReadMutants(background), []mutant{
		{"revisions are not compared", rewriting(func(c *store.Change) { c.From, c.Blind = store.ID{}, true }), []string{
			"RecordIsComparedByRevision", "RecordsAreAllOrNothing", "RecordsFollowInOneCall", "RecordsDoNotCascade", "ManyRecordsInOneCall",
			"MalformedRecordsAreRefused", "SharedRecordIsWonOnce", "RandomCallsMatchTheModel",
		}},
		{"blind changes are compared", rewriting(func(c *store.Change) { c.Blind = false }), []string{"RecordIsChangedBlindly", "RecordIsPutWhole"}},
		{"records end at 64 KiB", rewriting(func(c *store.Change) { c.Data = c.Data[:min(1<<16, len(c.Data))] }), []string{"BigRecords"}},
		{"data ends at a zero", rewriting(func(c *store.Change) {
			before, _, _ := strings.Cut(string(c.Data), "\x00")
			c.Data = []byte(before)
		}), []string{"RecordRoundTrips"}},
		{"due in milliseconds", rewriting(func(c *store.Change) { c.Due = c.Due.Truncate(time.Millisecond) }),
			[]string{"RecordRoundTrips", "DueComesInOrder", "DueIsExactToTheMicrosecond"}},
		{"keys in lower case", rewriting(func(c *store.Change) { c.Key = strings.ToLower(c.Key) }), []string{"RecordOfOddNames"}},
		{"keys end at a zero", rewriting(func(c *store.Change) {
			if i := strings.IndexByte(c.Key, 0); i > 0 {
				c.Key = c.Key[:i]
			}
		}), []string{"RecordOfOddNames", "DueComesInOrder"}},
		{"a put leaves the time", changing(putLeavesDue), []string{"RecordIsPutWhole", "DueFollowsChanges"}},
		{"prefixes are patterns", rewriting(func(c *store.Change) {
			if c.Op == store.DeleteUnder && strings.Trim(c.Key, "%_") != "" {
				c.Key = strings.Trim(c.Key, "%_")
			}
		}), []string{"RecordsAreDeletedUnderAPrefix"}},
		{"a prefix deletes itself alone", rewriting(func(c *store.Change) {
			if c.Op == store.DeleteUnder && c.Key != "" {
				c.Op, c.Blind = store.Delete, c.From.IsZero()
			}
		}), []string{"RecordsAreDeletedUnderAPrefix", "RecordsFollowInOneCall"}},
		{"records apart from their batch", withCommit(recordsApart), []string{
			"RecordsAreAllOrNothing", "RecordsOfDuplicateAreLeft", "RecordsDoNotCascade", "MalformedRecordsAreRefused",
		}},
		{"records cascade", withCommit(recordsCascade), []string{"RecordsDoNotCascade", "RecordsFollowInOneCall"}},
		{"the last one of a record counts", changing(lastCounts), []string{"RecordsNamedTwiceAreRefused"}},
		{"a revision is made up", rewriting(func(c *store.Change) {
			if c.Rev.IsZero() {
				c.Rev[0] = 1
			}
		}), []string{"MalformedRecordsAreRefused"}},
		{"keys of 1,000 bytes", withCommit(func(ctx context.Context, s store.Store, p store.Partition, batches []store.Batch) []store.Outcome {
			for _, b := range batches {
				if slices.ContainsFunc(b.Records, func(c store.Change) bool { return len(c.Key) > 1000 }) {
					return make([]store.Outcome, len(batches))
				}
			}
			return s.Commit(ctx, p, batches)
		}), []string{"LongestNamesAreTaken"}},
	}...)
}

func recordReadMutants(ctx context.Context) []mutant {
	return []mutant{
		{"pages begin again at after", recall(func(r *recalling) {
			r.records = func(k store.Keeper, p store.Partition, space, prefix, after string, max int) ([]store.Record, error) {
				return k.Records(ctx, p, space, prefix, after[:max1(len(after))-1], max)
			}
		}), []string{"RecordsComeInPages"}},
		{"prefixes don't count", recall(func(r *recalling) {
			r.records = func(k store.Keeper, p store.Partition, space, prefix, after string, max int) ([]store.Record, error) {
				return k.Records(ctx, p, space, "", after, max)
			}
		}), []string{"RecordsComeInPages", "RecordOfOddNames"}},
		{"records of another partition", recall(func(r *recalling) {
			r.records = func(k store.Keeper, _ store.Partition, space, prefix, after string, max int) ([]store.Record, error) {
				return k.Records(ctx, 3, space, prefix, after, max)
			}
		}), []string{"RecordsArePerPartitionAndSpace"}},
		{"records in no space", recall(func(r *recalling) {
			r.due = func(k store.Keeper, p store.Partition, _ string, after store.Record, until time.Time, max int) ([]store.Record, error) {
				return k.Due(ctx, p, "a", after, until, max)
			}
		}), []string{"RecordsArePerPartitionAndSpace"}},
		{"errors of records are forgotten", recall(func(r *recalling) {
			r.records = func(k store.Keeper, p store.Partition, space, prefix, after string, max int) ([]store.Record, error) {
				records, _ := k.Records(ctx, p, space, prefix, after, max)
				return records, nil
			}
		}), []string{"RecordsOfClosedStore", "RecordsComeInPages", "RecordsArePerPartitionAndSpace"}},
		{"due by time alone", recall(func(r *recalling) {
			r.due = func(k store.Keeper, p store.Partition, space string, after store.Record, until time.Time, max int) ([]store.Record, error) {
				if !after.Due.IsZero() {
					after.Key = strings.Repeat("\xff", store.MaxKey)
				}
				return k.Due(ctx, p, space, after, until, max)
			}
		}), []string{"DueComesInPages", "DueComesInOrder"}},
		{"due before, not at", recall(func(r *recalling) {
			r.due = func(k store.Keeper, p store.Partition, space string, after store.Record, until time.Time, max int) ([]store.Record, error) {
				if !until.IsZero() {
					until = until.Add(-time.Microsecond)
				}
				return k.Due(ctx, p, space, after, until, max)
			}
		}), []string{"DueIsExactToTheMicrosecond", "DueComesInOrder"}},
		{"times of 1970 are none", recall(func(r *recalling) {
			r.due = func(k store.Keeper, p store.Partition, space string, after store.Record, until time.Time, max int) ([]store.Record, error) {
				records, err := k.Due(ctx, p, space, after, until, max)
				return slices.DeleteFunc(records, func(r store.Record) bool { return r.Due.UnixMicro() == 0 }), err
			}
		}), []string{"DueComesInOrder"}},
	}
}

func max1(n int) int { return max(1, n) }

// putLeavesDue gives a record the time that the one before it had.
func putLeavesDue(s store.Store, p store.Partition, b *store.Batch) {
	for i := range b.Records {
		c := &b.Records[i]
		old, there, _ := s.(store.Keeper).Record(context.Background(), p, c.Space, c.Key)
		if there && c.Op == store.Put {
			c.Due = old.Due
		}
	}
}

// recordsApart commits the records of each batch by themselves, before it.
func recordsApart(ctx context.Context, s store.Store, p store.Partition, batches []store.Batch) []store.Outcome {
	for _, b := range batches {
		for i := range b.Records {
			s.Commit(ctx, p, []store.Batch{{Records: b.Records[i : i+1]}})
		}
	}
	batches = slices.Clone(batches)
	for i := range batches {
		batches[i].Records = nil
	}
	return s.Commit(ctx, p, batches)
}

// recordsCascade fails what follows on a record that a batch did not get.
func recordsCascade(ctx context.Context, s store.Store, p store.Partition, batches []store.Batch) []store.Outcome {
	fallen := map[string]bool{}
	var out []store.Outcome
	for i, b := range batches {
		o := store.Outcome{Status: store.Conflict}
		if !slices.ContainsFunc(b.Records, func(c store.Change) bool { return fallen[c.Key] }) {
			o = s.Commit(ctx, p, batches[i:i+1])[0]
		}
		for _, c := range b.Records {
			fallen[c.Key] = fallen[c.Key] || o.Status != store.Durable
		}
		out = append(out, o)
	}
	return out
}

// lastCounts keeps the last change of each record.
func lastCounts(_ store.Store, _ store.Partition, b *store.Batch) {
	var last []store.Change
	for _, c := range slices.Backward(b.Records) {
		if !slices.ContainsFunc(last, func(l store.Change) bool { return strings.HasPrefix(l.Key, c.Key) || strings.HasPrefix(c.Key, l.Key) }) {
			last = append(last, c)
		}
	}
	b.Records = last
}
