package tabletest

import (
	"sync"

	"github.com/talix-dev/talix/table"
)

func closeCases() []testCase {
	return []testCase{
		{"ClosedStoreFails", closedStoreFails},
		{"CloseWaitsForCalls", closeWaitsForCalls},
	}
}

func closedStoreFails(f *fixture) {
	s := f.two()
	f.close()
	ctx := f.Context()
	_, markErr := f.store.Mark(ctx, "people", 0)
	_, prepareErr := f.store.Prepare(ctx, "SELECT 1 AS one", nil)
	_, queryErr := collect(ctx, f.store, "SELECT 1 AS one")
	for what, err := range map[string]error{
		"Ensure": f.store.Ensure(ctx, identity, []table.Schema{*s}), "Make": f.store.Make(ctx, []table.Schema{*s}, nil),
		"Update": f.store.Update(ctx, func(table.Tx) error { return nil }),
		"Mark":   markErr, "Prepare": prepareErr, "Query": queryErr,
	} {
		if err == nil {
			f.Errorf("%s of a closed store says nothing", what)
		}
	}
	_ = f.store.Close() // must not panic
}

func closeWaitsForCalls(f *fixture) {
	s := f.many(100)
	put := func(tx table.Tx) error { return tx.Put(s, person("00001", "name", 1)) }
	var calls sync.WaitGroup
	started := make(chan struct{}, 8)
	for range 4 {
		calls.Go(func() {
			for n := 0; ; n++ {
				rows, err := collect(f.Context(), f.store, "SELECT * FROM people")
				if err != nil {
					return
				}
				if len(rows) != 100 {
					f.Errorf("Query ended after %d of 100 rows without an error", len(rows))
				}
				if n == 0 {
					started <- struct{}{}
				}
			}
		})
		calls.Go(func() {
			for n := 0; f.store.Update(f.Context(), put) == nil; n++ {
				if n == 0 {
					started <- struct{}{}
				}
			}
		})
	}
	for range 8 {
		<-started
	}
	f.close()
	calls.Wait()
}
