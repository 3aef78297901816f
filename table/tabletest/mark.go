package tabletest

import (
	"errors"

	"github.com/talix-dev/talix/table"
)

func markCases() []testCase {
	return []testCase{
		{"MarkMoves", markMoves},
		{"MarkOfAnotherWriter", markOfAnotherWriter},
		{"MarkMovesTwiceInOneTx", markMovesTwiceInOneTx},
	}
}

func markMoves(f *fixture) {
	f.made(people())
	f.wantMark(0, "people", 0)
	f.move("people", 0, 0, 5)
	f.move("people", 2, 0, 1<<40)
	f.move("other", 0, 0, 6)
	f.move("people", 0, 5, 9)
	f.wantMark(9, "people", 0)
	f.wantMark(0, "people", 1)
	f.wantMark(1<<40, "people", 2)
	f.wantMark(6, "other", 0)
}

// markOfAnotherWriter: the whole transaction is rolled back.
func markOfAnotherWriter(f *fixture) {
	s := f.two() // its mark is 5
	for _, from := range []int64{0, 4, 6} {
		for _, swallow := range []bool{false, true} {
			err := f.store.Update(f.Context(), func(tx table.Tx) error {
				if err := tx.Put(s, person("1", "Eve", 1)); err != nil {
					return err
				}
				err := tx.Mark("people", 0, from, 7)
				if !errors.Is(err, table.ErrMark) {
					f.Errorf("Mark from %d says %v, want %v", from, err, table.ErrMark)
				}
				if swallow {
					return nil
				}
				return err
			})
			if !errors.Is(err, table.ErrMark) {
				f.Errorf("Update says %v, want %v", err, table.ErrMark)
			}
			f.wantTwo(s)
		}
	}
	err := f.store.Update(f.Context(), func(tx table.Tx) error { return tx.Mark("people", 1, 3, 4) })
	if !errors.Is(err, table.ErrMark) {
		f.Errorf("Update says %v, want %v", err, table.ErrMark)
	}
	f.wantTwo(s)
}

func markMovesTwiceInOneTx(f *fixture) {
	f.made(people())
	f.update(func(tx table.Tx) error {
		return errors.Join(tx.Mark("people", 0, 0, 3), tx.Mark("people", 0, 3, 8))
	})
	f.wantMark(8, "people", 0)
}
