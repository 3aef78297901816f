package tabletest

import (
	"context"
	"errors"
	"time"

	"github.com/talix-dev/talix/table"
)

func cancelCases() []testCase {
	return []testCase{
		{"CancelledCallsFail", cancelledCallsFail},
		{"CancelInterruptsComputation", cancelInterruptsComputation},
		{"CancelEndsLoop", cancelEndsLoop},
		{"CancelDuringUpdate", cancelDuringUpdate},
	}
}

func cancelledCallsFail(f *fixture) {
	s := f.two()
	ctx, cancel := context.WithCancel(f.Context())
	cancel()
	if _, err := collect(ctx, f.store, "SELECT * FROM people"); !errors.Is(err, context.Canceled) {
		f.Errorf("Query says %v", err)
	}
	err := f.store.Update(ctx, func(tx table.Tx) error { return broken(s, tx) })
	if !errors.Is(err, context.Canceled) {
		f.Errorf("Update says %v", err)
	}
	if err := f.store.Make(ctx, []table.Schema{*s}, nil); !errors.Is(err, context.Canceled) {
		f.Errorf("Make says %v", err)
	}
	f.wantTwo(s)
}

// endless computes for hours and returns one row.
const endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000000) SELECT count(*) FROM n"

func cancelInterruptsComputation(f *fixture) {
	f.made(people())
	for range 3 {
		ctx, cancel := context.WithTimeout(f.Context(), 50*time.Millisecond)
		began := time.Now()
		rows, err := collect(ctx, f.store, endless)
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) {
			f.Errorf("Query ended with %v and %v, want %v", rows, err, context.DeadlineExceeded)
		}
		if took := time.Since(began); took > 5*time.Second {
			f.Errorf("Query ended %v after it was told to", took)
		}
		f.wantCount(0, "people")
	}
}

func cancelEndsLoop(f *fixture) {
	f.many(3000)
	ctx, cancel := context.WithCancel(f.Context())
	defer cancel()
	n, end := 0, error(nil)
	for _, err := range f.store.Query(ctx, "SELECT * FROM people", nil) {
		if err != nil {
			end = err
			break
		}
		if n++; n == 1 {
			cancel()
		}
	}
	if n < 3000 && !errors.Is(end, context.Canceled) {
		f.Errorf("the loop ended after %d of 3000 rows with %v", n, end)
	}
	f.wantCount(3000, "people")
}

// cancelDuringUpdate: a transaction is committed whole or not at all.
func cancelDuringUpdate(f *fixture) {
	s := f.two()
	ctx, cancel := context.WithCancel(f.Context())
	defer cancel()
	err := f.store.Update(ctx, func(tx table.Tx) error {
		err := broken(s, tx)
		cancel()
		return err
	})
	if err == nil {
		f.wantMark(6, "people", 0)
		return
	}
	if !errors.Is(err, context.Canceled) {
		f.Errorf("Update says %v", err)
	}
	f.wantTwo(s)
}
