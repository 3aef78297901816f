package storetest

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/talix-dev/talix/store"
)

func listCases() []testCase {
	all := []testCase{
		{name: "ResultsAreListed", run: resultsAreListed},
		{name: "TrimmedResultsAreNotListed", run: trimmedResultsAreNotListed},
		{name: "MarksAreListed", run: marksAreListed},
		{name: "SpacesAreListed", keeps: true, run: spacesAreListed},
		{name: "ListsOfClosedStore", run: listsOfClosedStore},
	}
	for i := range all {
		all[i].lists = true
	}
	return all
}

func (f *fixture) lister() store.Lister {
	f.Helper()
	l, ok := f.store.(store.Lister)
	if !ok {
		f.Fatal("the store is not a store.Lister")
	}
	return l
}

// listed are all results, read in pages.
func (f *fixture) listed(page int) (all []store.KeptResult) {
	f.Helper()
	for after := (store.KeptResult{}); ; {
		got, err := f.lister().Results(f.Context(), after, page)
		if err != nil || len(got) > page {
			f.Fatalf("a page of %d results has %d, %v", page, len(got), err)
		}
		if all = append(all, got...); len(got) < page {
			return all
		}
		after = got[len(got)-1]
	}
}

func sameResult(a, b store.KeptResult) bool {
	return a.Partition == b.Partition && a.Key == b.Key && bytes.Equal(a.Result, b.Result) && a.Time.Equal(b.Time)
}

// resultsAreListed: each once, in order, with all that there is to tell, also
// those of one key in several partitions.
func resultsAreListed(f *fixture) {
	if got := f.listed(10); len(got) != 0 {
		f.Errorf("a new store lists %d results", len(got))
	}
	var want []store.KeptResult
	shared := f.id()
	for _, p := range f.some() {
		for i := range 7 {
			key := f.id()
			if i == 0 {
				key = shared
			}
			r := store.KeptResult{Partition: p, Key: key, Result: fmt.Appendf(nil, "%d\x00%d", p, i), Time: noon().Add(time.Duration(i) * time.Microsecond)}
			want = append(want, r)
			f.durable(p, store.Batch{Key: r.Key, Result: r.Result, Time: r.Time})
		}
	}
	slices.SortFunc(want, func(a, b store.KeptResult) int {
		return cmp.Or(bytes.Compare(a.Key[:], b.Key[:]), cmp.Compare(a.Partition, b.Partition))
	})
	for _, page := range []int{1, 3, len(want), 1000} {
		if got := f.listed(page); !slices.EqualFunc(got, want, sameResult) {
			f.Errorf("in pages of %d: %v, want %v", page, got, want)
		}
	}
	if _, err := f.lister().Results(f.Context(), store.KeptResult{}, 0); err == nil {
		f.Error("a page of no results is no error")
	}
}

func trimmedResultsAreNotListed(f *fixture) {
	keys := f.aged(4)
	f.trim(noon().Add(2*time.Microsecond), 1000, 2*len(keys))
	for _, r := range f.listed(3) {
		if !slices.Contains(keys[r.Partition][2:], r.Key) {
			f.Errorf("the result of %v in partition %d was trimmed", r.Key, r.Partition)
		}
	}
	if n := len(f.listed(3)); n != 2*len(keys) {
		f.Errorf("%d results are listed", n)
	}
}

func marksAreListed(f *fixture) {
	want := map[string]store.Position{"view": 3, "View": 4, "行動": 5, `\x00`: 6, "a/b#c": 7, "\xff\xfe": 8, "z": 9}
	for _, p := range f.some() {
		var b store.Batch
		for name, at := range want {
			b.Marks = append(b.Marks, store.Mark{Consumer: name, To: at + store.Position(p)})
		}
		f.durable(p, b)
	}
	for _, p := range f.some() {
		got := map[string]store.Position{}
		for after, last := "", false; !last; {
			page, err := f.lister().Marks(f.Context(), p, after, 2)
			if err != nil {
				f.Fatalf("list marks: %v", err)
			}
			for _, m := range page {
				if _, again := got[m.Consumer]; again {
					f.Fatalf("%q is listed twice", m.Consumer)
				}
				got[m.Consumer], after = m.At, m.Consumer
			}
			last = len(page) < 2
		}
		for name, at := range want {
			if got[name] != at+store.Position(p) || len(got) != len(want) {
				f.Errorf("partition %d: %q is at %d of %d; want %d", p, name, got[name], len(got), at+store.Position(p))
			}
		}
	}
	if _, err := f.lister().Marks(f.Context(), 0, "", 0); err == nil {
		f.Error("a page of no marks is no error")
	}
}

func spacesAreListed(f *fixture) {
	home := f.home()
	for _, space := range []string{"work", "a", "\xff", "Work", "a b"} {
		for _, key := range []string{"1", "2"} {
			f.putNew(home, store.Record{Space: space, Key: key, Rev: f.id()})
		}
	}
	f.putNew(home, f.job("gone", ""))
	f.durable(home, changes(removeUnder("gone")))
	want := []string{"Work", "a", "a b", "work", "\xff"}
	if got, err := f.lister().Spaces(f.Context(), home); err != nil || !slices.Equal(got, want) {
		f.Errorf("spaces %q, %v; want %q", got, err, want)
	}
	for _, p := range f.some()[1:] {
		if got, err := f.lister().Spaces(f.Context(), p); err != nil || len(got) != 0 {
			f.Errorf("partition %d has the spaces %q, %v", p, got, err)
		}
	}
}

func listsOfClosedStore(f *fixture) {
	l := f.lister()
	f.shut()
	_, results := l.Results(f.Context(), store.KeptResult{}, 1)
	_, marks := l.Marks(f.Context(), 0, "", 1)
	_, spaces := l.Spaces(f.Context(), 0)
	for what, err := range map[string]error{"Results": results, "Marks": marks, "Spaces": spaces} {
		f.wantClosed(what, err)
	}
}
