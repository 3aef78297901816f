package storetest

import (
	"strings"
	"time"

	"github.com/talix-dev/talix/store"
)

func malformedRecordCases() []testCase {
	return aboutRecords([]testCase{
		{name: "MalformedRecordsAreRefused", run: malformedRecordsAreRefused},
		{name: "RecordsNamedTwiceAreRefused", run: recordsNamedTwiceAreRefused},
		{name: "LongestNamesAreTaken", run: longestNamesAreTaken},
	})
}

// refuseRecords commits a batch that must be Failed, in whole, between two that
// must be Durable.
func (f *fixture) refuseRecords(p store.Partition, why string, bad ...store.Change) {
	f.Helper()
	s := f.stream(p, "s")
	b := f.batch(s, 0, 1)
	b.Records = append([]store.Change{put(f.job("beside", ""), store.ID{})}, bad...)
	before, behind := f.job("before", ""), f.job("behind", "")
	out := f.commit(p, changes(blindly(put(before, store.ID{}))), b, changes(blindly(put(behind, store.ID{}))))
	if out[0].Status != store.Durable || out[1].Status != store.Failed || out[1].Err == nil || out[2].Status != store.Durable {
		f.Errorf("%s: got %v, %v (%v), %v; want durable, failed, durable", why, out[0].Status, out[1].Status, out[1].Err, out[2].Status)
	}
	f.wantRecord(p, before)
	f.wantRecord(p, behind)
	f.wantNoRecord(p, jobs, "beside")
	f.wantVersion(s, 0)
}

func malformedRecordsAreRefused(f *fixture) {
	p, there := f.home(), f.job("there", "")
	f.putNew(p, there)
	long, longSpace := f.job(strings.Repeat("x", store.MaxKey+1), ""), f.job("x", "")
	longSpace.Space = strings.Repeat("x", store.MaxSpace+1)
	noRev, noSpace, far := f.job("x", ""), f.job("x", ""), f.job("x", "")
	noRev.Rev, noSpace.Space = store.ID{}, ""
	far.Due = time.Date(400_000, 1, 1, 0, 0, 0, 0, time.UTC)
	unknown := put(f.job("x", ""), store.ID{})
	unknown.Op = 3
	for why, c := range map[string]store.Change{
		"no key": put(f.job("", ""), store.ID{}), "no key to delete": blindly(remove("", store.ID{})), "no prefix": removeUnder(""),
		"no space": put(noSpace, store.ID{}), "long key": put(long, store.ID{}), "long space": put(longSpace, store.ID{}),
		"long prefix": removeUnder(long.Key), "no revision": blindly(put(noRev, store.ID{})), "far due": put(far, store.ID{}),
		"blind from a revision": blindly(put(f.job("there", ""), there.Rev)), "blind delete from one": blindly(remove("there", there.Rev)),
		"unknown operation": unknown,
	} {
		f.refuseRecords(p, why, c)
		f.wantRecord(p, there)
	}
}

func recordsNamedTwiceAreRefused(f *fixture) {
	p, a := f.home(), f.job("a", "")
	f.putNew(p, a)
	for why, twice := range map[string][]store.Change{
		"put twice":                {put(f.job("b", ""), store.ID{}), blindly(put(f.job("b", ""), store.ID{}))},
		"put and delete":           {put(f.job("a", ""), a.Rev), blindly(remove("a", store.ID{}))},
		"delete twice":             {remove("a", a.Rev), put(f.job("c", ""), store.ID{}), blindly(remove("a", store.ID{}))},
		"put under a prefix":       {put(f.job("x/1", ""), store.ID{}), put(f.job("x", ""), store.ID{}), removeUnder("x/")},
		"delete under its own key": {removeUnder("a"), remove("a", a.Rev)},
		"prefix under a prefix":    {removeUnder("x/1/"), removeUnder("x/")},
		"the same prefix":          {removeUnder("x/"), removeUnder("x/")},
	} {
		f.refuseRecords(p, why, twice...)
		f.wantRecord(p, a)
	}
	other := f.job("a", "")
	other.Space = "other"
	f.durable(p, changes(put(other, store.ID{}), remove("a", a.Rev), removeUnder("a/"), put(f.job("a.", ""), store.ID{}), put(f.job("a0", ""), store.ID{})))
}

func longestNamesAreTaken(f *fixture) {
	p, r := f.home(), f.job(strings.Repeat("k", store.MaxKey), "")
	r.Space = strings.Repeat("s", store.MaxSpace)
	f.putNew(p, r)
	f.wantRecord(p, r)
	f.durable(p, changes(store.Change{Record: r, Op: store.DeleteUnder}))
	f.wantNoRecord(p, r.Space, r.Key)
}
