package storetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/talix-dev/talix/store"
)

func dueCases() []testCase {
	return aboutRecords([]testCase{
		{name: "DueComesInOrder", run: dueComesInOrder},
		{name: "DueComesInPages", run: dueComesInPages},
		{name: "DueIsExactToTheMicrosecond", run: dueIsExactToTheMicrosecond},
		{name: "DueFollowsChanges", run: dueFollowsChanges},
	})
}

func (f *fixture) due(p store.Partition, space string, after store.Record, until time.Time, max int) []store.Record {
	f.Helper()
	got, err := f.keeper().Due(f.Context(), p, space, after, until, max)
	if err != nil {
		f.Fatalf("read due records: %v", err)
	}
	return got
}

// wantDue checks what is due in a space, in order.
func (f *fixture) wantDue(p store.Partition, space string, until time.Time, want ...store.Record) {
	f.Helper()
	if err := sameRecords(f.due(p, space, store.Record{}, until, len(want)+10), want); err != nil {
		f.Errorf("records in %q of partition %d that are due until %v: %v", space, p, until, err)
	}
}

// dueAt is a record that is due.
func (f *fixture) dueAt(key string, at time.Time) store.Record {
	r := f.job(key, "data of "+key)
	r.Due = at
	return r
}

// dueComesInOrder of times, also of those before 1970 and before the year 1,
// and then of keys.
func dueComesInOrder(f *fixture) {
	p := f.home()
	all := []store.Record{
		f.dueAt("z", time.Date(-400, 1, 1, 0, 0, 0, 0, time.UTC)),
		f.dueAt("y", time.Date(1066, 10, 14, 9, 0, 0, 1000, time.UTC)),
		f.dueAt("x", time.UnixMicro(-2).UTC()), f.dueAt("a", time.UnixMicro(-1).UTC()), f.dueAt("c", time.UnixMicro(0).UTC()),
		f.dueAt("b", time.UnixMicro(1).UTC()), f.dueAt("a\x00", noon()), f.dueAt("aa", noon()), f.dueAt("v", noon()), f.dueAt("\xff", noon()),
		f.dueAt("A", noon().Add(time.Microsecond)), f.dueAt("é", time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC)),
	}
	shuffled := append(slices.Clone(all), f.job("never", ""), f.job("b/never", ""))
	f.rand.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	f.putNew(p, shuffled...)
	f.wantDue(p, jobs, time.Time{}, all...)
	f.wantDue(p, jobs, noon(), all[:10]...)
	for i, r := range all {
		after := store.Record{Key: r.Key, Due: r.Due} // and nothing else of it
		if err := sameRecords(f.due(p, jobs, after, time.Time{}, 100), all[i+1:]); err != nil {
			f.Errorf("due above %q: %v", r.Key, err)
		}
	}
	f.wantDue(p, "other", time.Time{})
}

// dueComesInPages, while what came is put off or deleted.
func dueComesInPages(f *fixture) {
	p := f.home()
	for _, max := range []int{1, 7, 29, 30, 31} {
		f.durable(p, changes(removeUnder("k")))
		var all, got []store.Record
		for i := range 30 {
			all = append(all, f.dueAt(fmt.Sprintf("k%02d", i), noon().Add(time.Duration(i/10)*time.Microsecond)))
		}
		f.putNew(p, all...)
		var after store.Record
		for page := 0; page <= len(all) && len(got) == page*max; page++ {
			some := f.due(p, jobs, after, noon().Add(time.Second), max)
			for i, r := range some {
				c := remove(r.Key, r.Rev)
				if i%2 == 0 {
					c = put(f.dueAt(r.Key, noon().Add(time.Hour)), r.Rev)
				}
				f.durable(p, changes(c))
				after = r
			}
			got = append(got, some...)
		}
		if err := sameRecords(got, all); err != nil {
			f.Errorf("pages of %d: %v", max, err)
		}
	}
	for _, max := range []int{0, -1} {
		if got, err := f.keeper().Due(f.Context(), p, jobs, store.Record{}, time.Time{}, max); err == nil {
			f.Errorf("a page of %d records is %v without an error", max, got)
		}
	}
}

// dueIsExactToTheMicrosecond: finer times are cut, in records and in questions.
func dueIsExactToTheMicrosecond(f *fixture) {
	p := f.home()
	fine, exact, next := f.dueAt("a", noon().Add(999).In(time.FixedZone("there", 3600))), f.dueAt("b", noon()), f.dueAt("c", noon().Add(time.Microsecond))
	zero := f.dueAt("d", time.Time{}.Add(500))
	f.putNew(p, fine, exact, next, zero)
	after := fine
	zero.Due = time.Time{} // and so never
	f.wantRecord(p, zero)
	fine.Due = noon()
	f.wantRecord(p, fine)
	f.wantDue(p, jobs, noon().Add(-time.Microsecond))
	f.wantDue(p, jobs, noon(), fine, exact)
	f.wantDue(p, jobs, noon().Add(999), fine, exact)
	f.wantDue(p, jobs, noon().Add(time.Microsecond), fine, exact, next)
	if err := sameRecords(f.due(p, jobs, after, time.Time{}, 9), []store.Record{exact, next}); err != nil {
		f.Errorf("due above a time that is finer than the store's: %v", err)
	}
}

func dueFollowsChanges(f *fixture) {
	p := f.home()
	a, b := f.dueAt("a", noon()), f.dueAt("b", noon())
	f.putNew(p, a, b)
	late := f.dueAt("a", noon().Add(time.Hour))
	f.durable(p, changes(put(late, a.Rev)))
	f.wantDue(p, jobs, time.Time{}, b, late)
	same := f.dueAt("a", late.Due)
	f.durable(p, changes(put(same, late.Rev)))
	f.wantDue(p, jobs, time.Time{}, b, same)
	never := f.job("a", "never")
	f.durable(p, changes(put(never, same.Rev), remove("b", b.Rev)))
	f.wantDue(p, jobs, time.Time{})
	f.durable(p, changes(put(a, never.Rev)))
	f.wantDue(p, jobs, time.Time{}, a)
}
