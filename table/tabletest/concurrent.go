package tabletest

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/talix-dev/talix/table"
)

func concurrentCases() []testCase {
	return []testCase{
		{"QuerySeesAllOfAnUpdateOrNothing", querySeesAllOrNothing},
		{"MarkAndRowsMoveTogether", markAndRowsMoveTogether},
		{"EverythingAtOnce", everythingAtOnce},
	}
}

// querySeesAllOrNothing: two accounts whose sum never changes.
func querySeesAllOrNothing(f *fixture) {
	s := f.made(people())
	f.put(s, person("a", "", 500), person("b", "", 500))
	var done atomic.Bool
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for n := 0; n < 20 || !done.Load(); n++ {
				f.wantRows([][]table.Value{{table.IntValue(1000)}}, "SELECT sum(age) FROM people")
			}
		})
	}
	for i := range int64(200) {
		f.put(s, person("a", "", 500-i), person("b", "", 500+i))
	}
	done.Store(true)
	readers.Wait()
}

// markAndRowsMoveTogether, whether an update is committed or not.
func markAndRowsMoveTogether(f *fixture) {
	s := f.made(people())
	at := int64(0)
	for i := range int64(60) {
		err := f.store.Update(f.Context(), func(tx table.Tx) error {
			if err := tx.Put(s, person(fmt.Sprint(i), "", i)); err != nil {
				return err
			}
			if err := tx.Mark("people", 0, at, at+1); err != nil {
				return err
			}
			if i%3 == 0 {
				return fmt.Errorf("update %d is not to be", i)
			}
			return nil
		})
		if err == nil {
			at++
		}
		f.wantMark(at, "people", 0)
		f.wantCount(at, "people")
	}
	if at != 40 {
		f.Errorf("%d of 40 updates were committed", at)
	}
}

func everythingAtOnce(f *fixture) {
	s, other := people(), people()
	other.Name = "other"
	f.ensure(identity, *s, *other)
	var calls sync.WaitGroup
	for _, call := range []func(i int64){
		func(i int64) {
			f.tell("Update", f.store.Update(f.Context(), func(tx table.Tx) error { return tx.Put(s, person(fmt.Sprint(i), "n", i)) }))
		},
		func(i int64) { f.tell("Ensure", f.store.Ensure(f.Context(), identity, []table.Schema{*s, *other})) },
		func(i int64) { f.tell("Make", f.store.Make(f.Context(), []table.Schema{*other}, nil)) },
		func(int64) {
			_, err := collect(f.Context(), f.store, "SELECT * FROM people ORDER BY name")
			f.tell("Query", err)
		},
		func(int64) {
			_, err := f.store.Prepare(f.Context(), "SELECT * FROM people", nil)
			f.tell("Prepare", err)
		},
		func(int64) { _, err := f.store.Mark(f.Context(), "people", 0); f.tell("Mark", err) },
	} {
		calls.Go(func() {
			for i := range int64(50) {
				call(i)
			}
		})
	}
	calls.Wait()
	f.wantCount(50, "people")
}

func (f *fixture) tell(what string, err error) {
	if err != nil {
		f.Errorf("%s: %v", what, err)
	}
}
