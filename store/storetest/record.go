package storetest

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/talix-dev/talix/store"
)

func recordCases() []testCase {
	all := []testCase{
		{name: "RecordRoundTrips", run: recordRoundTrips},
		{name: "RecordOfOddNames", run: recordOfOddNames},
		{name: "RecordIsPutWhole", run: recordIsPutWhole},
		{name: "RecordIsComparedByRevision", run: recordIsComparedByRevision},
		{name: "RecordIsChangedBlindly", run: recordIsChangedBlindly},
		{name: "RecordsAreDeletedUnderAPrefix", run: recordsAreDeletedUnderAPrefix},
		{name: "RecordsComeInPages", run: recordsComeInPages},
		{name: "RecordsArePerPartitionAndSpace", run: recordsArePerPartitionAndSpace},
		{name: "RecordsAreAllOrNothing", run: recordsAreAllOrNothing},
		{name: "RecordsFollowInOneCall", run: recordsFollowInOneCall},
		{name: "RecordsDoNotCascade", run: recordsDoNotCascade},
		{name: "RecordsOfDuplicateAreLeft", run: recordsOfDuplicateAreLeft},
		{name: "RecordsOfCancelledCommitAreLeft", run: recordsOfCancelledCommitAreLeft},
		{name: "BigRecords", run: bigRecords},
		{name: "ManyRecordsInOneCall", run: manyRecordsInOneCall},
		{name: "RecordsOfClosedStore", run: recordsOfClosedStore},
		{name: "ReopenedStoreKeepsRecords", needs: Features{Durable: true}, run: reopenedStoreKeepsRecords},
		{name: "SharedRecordIsWonOnce", needs: Features{Shared: true}, run: sharedRecordIsWonOnce},
	}
	return aboutRecords(all)
}

func aboutRecords(cases []testCase) []testCase {
	for i := range cases {
		cases[i].keeps = true
	}
	return cases
}

// jobs is the space of cases that need only one.
const jobs = "jobs"

func (f *fixture) keeper() store.Keeper {
	f.Helper()
	k, ok := f.store.(store.Keeper)
	if !ok {
		f.Fatal("the store is not a store.Keeper")
	}
	return k
}

// job is a record under a revision of its own.
func (f *fixture) job(key, data string) store.Record {
	return store.Record{Space: jobs, Key: key, Rev: f.id(), Data: []byte(data)}
}

// put changes a record from the revision that it must have.
func put(r store.Record, from store.ID) store.Change { return store.Change{Record: r, From: from} }

func remove(key string, from store.ID) store.Change {
	return store.Change{Record: store.Record{Space: jobs, Key: key}, Op: store.Delete, From: from}
}

func removeUnder(prefix string) store.Change {
	return store.Change{Record: store.Record{Space: jobs, Key: prefix}, Op: store.DeleteUnder}
}

func blindly(c store.Change) store.Change {
	c.Blind = true
	return c
}

func changes(c ...store.Change) store.Batch { return store.Batch{Records: c} }

// putNew makes records that are not there yet.
func (f *fixture) putNew(p store.Partition, records ...store.Record) {
	f.Helper()
	var b store.Batch
	for _, r := range records {
		b.Records = append(b.Records, put(r, store.ID{}))
	}
	f.durable(p, b)
}

func (f *fixture) wantRecord(p store.Partition, want store.Record) {
	f.Helper()
	got, ok, err := f.keeper().Record(f.Context(), p, want.Space, want.Key)
	if err == nil && !ok {
		err = fmt.Errorf("it is not there")
	}
	if err == nil {
		err = sameRecord(got, want)
	}
	if err != nil {
		f.Errorf("record %.80q in %q of partition %d: %v", want.Key, want.Space, p, err)
	}
}

func (f *fixture) wantNoRecord(p store.Partition, space, key string) {
	f.Helper()
	if got, ok, err := f.keeper().Record(f.Context(), p, space, key); err != nil || ok {
		f.Errorf("record %.80q in %q of partition %d is %+v, %v, %v; want none", key, space, p, got, ok, err)
	}
}

func (f *fixture) records(p store.Partition, space, prefix, after string, max int) []store.Record {
	f.Helper()
	got, err := f.keeper().Records(f.Context(), p, space, prefix, after, max)
	if err != nil {
		f.Fatalf("read records: %v", err)
	}
	return got
}

// wantRecords checks what a space holds, in the order of keys.
func (f *fixture) wantRecords(p store.Partition, space string, want ...store.Record) {
	f.Helper()
	if err := sameRecords(f.records(p, space, "", "", len(want)+10), want); err != nil {
		f.Errorf("records in %q of partition %d: %v", space, p, err)
	}
}

func sameRecords(got, want []store.Record) error {
	if len(got) != len(want) {
		return fmt.Errorf("got %d records %.200q, want %d %.200q", len(got), keysOf(got), len(want), keysOf(want))
	}
	for i := range got {
		if err := sameRecord(got[i], want[i]); err != nil {
			return fmt.Errorf("record %d: %w", i, err)
		}
	}
	return nil
}

func sameRecord(got, want store.Record) error {
	switch {
	case got.Space != want.Space || got.Key != want.Key || got.Rev != want.Rev:
		return fmt.Errorf("got %.80q in %q at %v, want %.80q in %q at %v", got.Key, got.Space, got.Rev, want.Key, want.Space, want.Rev)
	case !got.Due.Equal(want.Due) || got.Due.Location() != time.UTC:
		return fmt.Errorf("%.80q is due %v, want %v", got.Key, got.Due, want.Due)
	case !bytes.Equal(got.Data, want.Data):
		return fmt.Errorf("%.80q holds %.80q, want %.80q", got.Key, got.Data, want.Data)
	}
	return nil
}

func keysOf(records []store.Record) []string {
	var keys []string
	for _, r := range records {
		keys = append(keys, r.Key)
	}
	return keys
}

func recordRoundTrips(f *fixture) {
	p := f.home()
	var all []store.Record
	for i, data := range []string{"", `{"a": 1.0 }`, "\x00\xff\xfe\n", "漢字", "x\x00y"} {
		for j, due := range []time.Time{{}, noon(), time.UnixMicro(-1).UTC(), time.Date(1600, 1, 1, 0, 0, 0, 1000, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC)} {
			r := f.job(fmt.Sprint(i, j), data)
			r.Due = due
			all = append(all, r)
		}
	}
	f.putNew(p, all...)
	for _, r := range all {
		f.wantRecord(p, r)
	}
	f.wantRecords(p, jobs, all...)
	f.wantNoRecord(p, jobs, "other")
	f.wantNoRecord(p, "other", "00")
	f.wantEmpty(p)
}

// recordOfOddNames: names are compared byte by byte, and ordered so.
func recordOfOddNames(f *fixture) {
	p := f.home()
	names := []string{
		"\x00", "\x00\x00", "\x01", " ", "%", "'; DROP TABLE records; --", "1", "1.0", "01", "A", "A ", "Z", "_", "a", "a%", "a_", "aa", "a\x00", "a\x00b",
		"a\xff", "a\xff\xff", "é", "e\u0301", "\U0001F469\u200D\U0001F680", "\xff", "\xff\xff", "\xffa", "\ufeffbom",
		string(bytes.Repeat([]byte("long"), store.MaxKey/4)), string(bytes.Repeat([]byte("\xff"), store.MaxKey)),
	}
	spaces := []string{jobs, "Jobs", "jobs ", "\xff\x00", "%", string(bytes.Repeat([]byte("s"), store.MaxSpace))}
	for _, space := range spaces {
		var all []store.Record
		for _, name := range names {
			r := f.job(name, space+name)
			r.Space, r.Due = space, noon()
			all = append(all, r)
		}
		f.putNew(p, all...)
		slices.SortFunc(all, byKey)
		f.wantRecords(p, space, all...)
		f.wantDue(p, space, time.Time{}, all...)
		for _, r := range all {
			f.wantRecord(p, r)
			f.wantUnder(p, r.Key, all)
		}
	}
}

func byKey(a, b store.Record) int { return bytes.Compare([]byte(a.Key), []byte(b.Key)) }

// wantUnder checks which of all records begin with prefix.
func (f *fixture) wantUnder(p store.Partition, prefix string, all []store.Record) {
	f.Helper()
	under := slices.DeleteFunc(slices.Clone(all), func(r store.Record) bool { return !bytes.HasPrefix([]byte(r.Key), []byte(prefix)) })
	if err := sameRecords(f.records(p, all[0].Space, prefix, "", 100), under); err != nil {
		f.Errorf("records under %.80q: %v", prefix, err)
	}
	if err := sameRecords(f.records(p, all[0].Space, prefix, prefix, 100), under[1:]); err != nil {
		f.Errorf("records under %.80q and above it: %v", prefix, err)
	}
}

func recordIsPutWhole(f *fixture) {
	p := f.home()
	first, second := f.job("a", "first"), f.job("a", "")
	first.Due = noon()
	f.putNew(p, first)
	f.durable(p, changes(put(second, first.Rev)))
	f.wantRecord(p, second)
	f.wantDue(p, jobs, time.Time{})
	third := f.job("a", "third")
	third.Due = noon().Add(time.Hour)
	f.durable(p, changes(put(third, second.Rev)))
	f.wantDue(p, jobs, time.Time{}, third)
	third.Rev, third.Due = f.id(), noon()
	f.durable(p, changes(blindly(put(third, store.ID{}))))
	f.wantDue(p, jobs, time.Time{}, third)
}

// recordIsComparedByRevision in all combinations.
func recordIsComparedByRevision(f *fixture) {
	p := f.home()
	old := f.job("there", "old")
	f.putNew(p, old)
	for _, wrong := range []store.Change{
		put(f.job("there", "new"), store.ID{}), put(f.job("there", "new"), f.id()), put(f.job("gone", "new"), f.id()), put(f.job("gone", "new"), old.Rev),
		remove("there", store.ID{}), remove("there", f.id()), remove("gone", f.id()), remove("gone", old.Rev),
	} {
		f.expect(p, []store.Batch{changes(wrong)}, store.Conflict)
		f.wantRecords(p, jobs, old)
	}
	next := f.job("there", "next")
	f.durable(p, changes(put(next, old.Rev)))
	f.expect(p, []store.Batch{changes(put(f.job("there", "lost"), old.Rev))}, store.Conflict)
	f.durable(p, changes(remove("gone", store.ID{}))) // holds, and there is nothing to do
	f.wantRecords(p, jobs, next)
	f.expect(p, []store.Batch{changes(remove("there", old.Rev))}, store.Conflict)
	f.durable(p, changes(remove("there", next.Rev)))
	f.wantRecords(p, jobs)
	f.expect(p, []store.Batch{changes(put(f.job("there", "lost"), next.Rev))}, store.Conflict)
	f.putNew(p, old)
	f.wantRecords(p, jobs, old)
}

func recordIsChangedBlindly(f *fixture) {
	p := f.home()
	for range 2 {
		r := f.job("a", "put")
		f.durable(p, changes(blindly(put(r, store.ID{}))))
		f.wantRecords(p, jobs, r)
	}
	for range 2 {
		f.durable(p, changes(blindly(remove("a", store.ID{}))))
		f.wantRecords(p, jobs)
	}
}

// recordsAreDeletedUnderAPrefix: by its bytes, whatever they mean elsewhere.
func recordsAreDeletedUnderAPrefix(f *fixture) {
	p := f.home()
	names := []string{"a", "a%", "a%b", "a_", "a_b", "ab", "aXb", "A", "\xff", "\xff\xff", "\xff\xffz", "é", "éé", "e\u0301"}
	other := store.Record{Space: "jobs2", Key: "a%b", Rev: f.id()}
	f.putNew(p, other)
	for _, prefix := range []string{"a", "a%", "a_", "\xff", "\xff\xff", "\xc3", "é", "e", "none", "a%bc"} {
		var left []store.Record
		for _, name := range names {
			r := f.job(name, "x")
			r.Due = noon()
			f.durable(p, changes(blindly(put(r, store.ID{}))))
			if !bytes.HasPrefix([]byte(name), []byte(prefix)) {
				left = append(left, r)
			}
		}
		slices.SortFunc(left, byKey)
		f.durable(p, changes(removeUnder(prefix)))
		f.wantRecords(p, jobs, left...)
		f.wantDue(p, jobs, time.Time{}, left...)
	}
	f.wantRecords(p, "jobs2", other)
}

// recordsComeInPages, also while they are changed: what was there all the time
// comes once.
func recordsComeInPages(f *fixture) {
	p := f.home()
	var all []store.Record
	for i := range 25 {
		all = append(all, f.job(fmt.Sprintf("k%02d", i), "x"))
	}
	f.putNew(p, all...)
	f.putNew(p, f.job("j", "before"), f.job("l", "behind"))
	for _, max := range []int{1, 7, 24, 25, 26} {
		var got []store.Record
		for page, after := 0, ""; page <= len(all) && len(got) == page*max; page++ {
			got = append(got, f.records(p, jobs, "k", after, max)...)
			if len(got) > 0 {
				after = got[len(got)-1].Key
			}
			f.durable(p, changes(blindly(put(f.job("k", "early"), store.ID{})), blindly(remove("j", store.ID{}))))
			f.durable(p, changes(blindly(remove("k", store.ID{}))))
		}
		if err := sameRecords(got, all); err != nil {
			f.Errorf("pages of %d: %v", max, err)
		}
	}
	for _, after := range []string{"k24", "k2x", "l", "\xff"} {
		if got := f.records(p, jobs, "k", after, 10); after != "k2x" && len(got) != 0 {
			f.Errorf("after %q come %q", after, keysOf(got))
		}
	}
	if got := f.records(p, jobs, "k", "a", 2); !slices.Equal(keysOf(got), []string{"k00", "k01"}) {
		f.Errorf("after what is below the prefix come %q", keysOf(got))
	}
	for _, max := range []int{0, -1} {
		if got, err := f.keeper().Records(f.Context(), p, jobs, "", "", max); err == nil {
			f.Errorf("a page of %d records is %v without an error", max, got)
		}
	}
}

func recordsArePerPartitionAndSpace(f *fixture) {
	of := map[store.Partition][]store.Record{}
	for _, p := range f.some() {
		for _, space := range []string{"a", "b"} {
			r := store.Record{Space: space, Key: "same", Rev: f.id(), Due: noon()}
			f.putNew(p, r)
			of[p] = append(of[p], r)
		}
	}
	for p, records := range of {
		for _, r := range records {
			f.wantRecords(p, r.Space, r)
			f.wantDue(p, r.Space, time.Time{}, r)
			f.wantRecord(p, r)
		}
	}
	for _, p := range []store.Partition{-1, f.home() + 1} {
		if _, _, err := f.keeper().Record(f.Context(), p, "a", "same"); err == nil {
			f.Errorf("Record of partition %d gave no error", p)
		}
		if _, err := f.keeper().Records(f.Context(), p, "a", "", "", 1); err == nil {
			f.Errorf("Records of partition %d gave no error", p)
		}
		if _, err := f.keeper().Due(f.Context(), p, "a", store.Record{}, noon(), 1); err == nil {
			f.Errorf("Due of partition %d gave no error", p)
		}
	}
}

// recordsAreAllOrNothing with each other and with events, marks and keys.
func recordsAreAllOrNothing(f *fixture) {
	p, s := f.home(), f.stream(f.home(), "s")
	there := f.job("there", "old")
	f.putNew(p, there)
	right := func() []store.Change {
		return []store.Change{put(f.job("new", "x"), store.ID{}), put(f.job("there", "new"), there.Rev), removeUnder("th/")}
	}
	key := f.id()
	version := f.keyed(f.batch(s, 3, 1), key, "lost")
	version.Records = right()
	mark := f.keyed(f.batch(s, 0, 1), key, "lost")
	mark.Marks, mark.Records = []store.Mark{{Consumer: "action", From: 1, To: 2}}, right()
	revision := f.keyed(f.batch(s, 0, 1), key, "lost")
	revision.Marks, revision.Records = []store.Mark{{Consumer: "action", To: 2}}, append(right(), remove("gone", f.id()))
	for _, b := range []store.Batch{version, mark, revision} {
		f.expect(p, []store.Batch{b}, store.Conflict)
		f.wantRecords(p, jobs, there)
		f.wantEmpty(p)
		f.wantMark("action", p, 0)
		f.wantNoResult(p, key)
	}
	b := f.keyed(f.batch(s, 0, 1), key, "kept")
	b.Marks, b.Records = []store.Mark{{Consumer: "action", To: 2}}, right()
	f.durable(p, b)
	f.wantRecords(p, jobs, b.Records[0].Record, b.Records[1].Record)
	f.wantVersion(s, 1)
	f.wantMark("action", p, 2)
	f.wantResult(p, key, "kept")
}

// recordsFollowInOneCall: each batch sees what those before it changed.
func recordsFollowInOneCall(f *fixture) {
	p := f.home()
	first, second, third := f.job("a/1", "1"), f.job("a/1", "2"), f.job("a/1", "3")
	f.expect(p, []store.Batch{
		changes(put(first, store.ID{})), changes(put(second, first.Rev)), changes(put(third, first.Rev)),
		changes(remove("a/1", second.Rev)), changes(put(first, second.Rev)), changes(put(third, store.ID{})),
	}, store.Durable, store.Durable, store.Conflict, store.Durable, store.Conflict, store.Durable)
	f.wantRecords(p, jobs, third)
	f.expect(p, []store.Batch{changes(removeUnder("a/")), changes(put(second, third.Rev)), changes(put(first, store.ID{}))},
		store.Durable, store.Conflict, store.Durable)
	f.wantRecords(p, jobs, first)
}

// recordsDoNotCascade: a later batch that names the same record is judged by
// itself; one that appends to the same stream is not.
func recordsDoNotCascade(f *fixture) {
	p, s := f.home(), f.stream(f.home(), "s")
	fails, follows, holds := f.batch(s, 0, 1), f.batch(s, 0, 1), f.job("a", "holds")
	fails.Records = []store.Change{put(f.job("a", "fails"), f.id())}
	follows.Records = []store.Change{put(f.job("b", "follows"), store.ID{})}
	f.expect(p, []store.Batch{fails, follows, changes(put(holds, store.ID{}))}, store.Conflict, store.Conflict, store.Durable)
	f.wantRecords(p, jobs, holds)
	f.wantVersion(s, 0)
}

func recordsOfDuplicateAreLeft(f *fixture) {
	p, key := f.home(), f.id()
	first := f.job("a", "first")
	b := f.keyed(changes(put(first, store.ID{})), key, "reply")
	f.durable(p, b)
	f.repeat(p, b, "reply")
	b.Records = []store.Change{put(f.job("a", "second"), first.Rev), put(f.job("b", "second"), store.ID{})}
	f.repeat(p, b, "reply")
	f.wantRecords(p, jobs, first)
	fresh := f.fresh(f.stream(p, "s"), 0, 1)
	fresh.Records = []store.Change{remove("a", first.Rev)}
	f.durable(p, fresh)
	f.putNew(p, first)
	f.wantRepeat(p, fresh)
	f.wantRecords(p, jobs, first)
}

func recordsOfCancelledCommitAreLeft(f *fixture) {
	p, r := f.home(), f.job("a", "x")
	ctx, cancel := context.WithCancel(f.Context())
	cancel()
	if o := f.commitContext(ctx, p, changes(put(r, store.ID{})))[0]; o.Status != store.Failed || o.Err == nil {
		f.Errorf("the batch ended as %v (%v), want failed", o.Status, o.Err)
	}
	f.wantNoRecord(p, jobs, "a")
	r.Due = noon()
	f.putNew(p, r)
	if _, ok, err := f.keeper().Record(ctx, p, jobs, "a"); err == nil && !ok {
		f.Error("Record knows nothing, without an error")
	}
	if got, err := f.keeper().Records(ctx, p, jobs, "", "", 1); err == nil && len(got) == 0 {
		f.Error("Records is empty, without an error")
	}
	if got, err := f.keeper().Due(ctx, p, jobs, store.Record{}, time.Time{}, 1); err == nil && len(got) == 0 {
		f.Error("Due is empty, without an error")
	}
}

// bigRecords of some megabytes, which shrink and grow again.
func bigRecords(f *fixture) {
	p := f.home()
	big, small := f.job("big", string(bytes.Repeat([]byte("data/"), 1<<20))), f.job("small", "x")
	big.Due = noon()
	f.putNew(p, small, big)
	f.wantDue(p, jobs, time.Time{}, big)
	from := big.Rev
	for _, size := range []int{10, 1 << 21, 70_000, 0} {
		big.Rev, big.Data = f.id(), bytes.Repeat([]byte{'0'}, size)
		f.durable(p, changes(put(big, from)))
		f.wantRecords(p, jobs, big, small)
		from = big.Rev
	}
}

func manyRecordsInOneCall(f *fixture) {
	p := f.home()
	var batches []store.Batch
	var want []store.Status
	var all []store.Record
	counter := store.ID{}
	for i := range 500 {
		r, count := f.job(fmt.Sprintf("r%03d", i), "x"), f.job("counter", fmt.Sprint(i))
		batches = append(batches, changes(put(r, store.ID{}), put(count, counter)), changes(put(f.job(r.Key, "y"), store.ID{})))
		want = append(want, store.Durable, store.Conflict)
		all, counter = append(all, r), count.Rev
	}
	f.expect(p, batches, want...)
	if err := sameRecords(f.records(p, jobs, "r", "", 1000), all); err != nil {
		f.Error(err)
	}
	var b store.Batch
	for i := range all {
		b.Records = append(b.Records, remove(all[i].Key, all[i].Rev))
	}
	f.durable(p, b)
	if got := f.records(p, jobs, "", "", 1000); len(got) != 1 || got[0].Rev != counter || string(got[0].Data) != "499" {
		f.Errorf("left are %q", keysOf(got))
	}
}

func recordsOfClosedStore(f *fixture) {
	p, k := f.home(), f.keeper()
	f.putNew(p, f.job("a", "x"))
	f.shut()
	_, _, err := k.Record(f.Context(), p, jobs, "a")
	f.wantClosed("Record", err)
	_, err = k.Records(f.Context(), p, jobs, "", "", 1)
	f.wantClosed("Records", err)
	_, err = k.Due(f.Context(), p, jobs, store.Record{}, time.Time{}, 1)
	f.wantClosed("Due", err)
}

func reopenedStoreKeepsRecords(f *fixture) {
	for _, p := range f.some() {
		kept, later := f.job("kept", "x\x00"), f.job("later", "y")
		kept.Due = noon()
		f.putNew(p, kept, f.job("gone", ""), f.job("under/a", ""))
		f.durable(p, changes(remove("gone", f.records(p, jobs, "gone", "", 1)[0].Rev), removeUnder("under/")))
		f.reopen()
		f.wantRecords(p, jobs, kept)
		f.wantDue(p, jobs, noon(), kept)
		f.expect(p, []store.Batch{changes(put(later, f.id())), changes(put(f.job("kept", "z"), store.ID{}))}, store.Conflict, store.Conflict)
		f.putNew(p, later)
		f.durable(p, changes(remove("kept", kept.Rev)))
		f.reopen()
		f.wantRecords(p, jobs, later)
	}
}

// sharedRecordIsWonOnce: of several runtimes that change the same record at the
// same time, each from what it read, one has the effect.
func sharedRecordIsWonOnce(f *fixture) {
	p, handles := f.home(), f.handles(3)
	f.putNew(p, f.job("counter", ""))
	for round := range 30 {
		var won atomic.Int64
		var all sync.WaitGroup
		batches := make([]store.Batch, len(handles))
		for i, s := range handles { // all read before any writes
			r, _, err := s.(store.Keeper).Record(f.Context(), p, jobs, "counter")
			if err != nil || len(r.Data) != round {
				f.Fatalf("the record holds %q after %d rounds (%v)", r.Data, round, err)
			}
			batches[i] = changes(put(f.job("counter", string(r.Data)+"+"), r.Rev))
		}
		for i, s := range handles {
			all.Go(func() {
				switch o := s.Commit(f.Context(), p, batches[i:i+1])[0]; o.Status {
				case store.Durable:
					won.Add(1)
				case store.Conflict:
				default:
					f.Errorf("a batch ended as %v (%v)", o.Status, o.Err)
				}
			})
		}
		all.Wait()
		if won.Load() != 1 {
			f.Fatalf("%d batches changed the record from the same revision, want 1", won.Load())
		}
	}
}
