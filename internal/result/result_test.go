package result_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/talix-dev/talix/internal/result"
	"github.com/talix-dev/talix/store"
)

func TestResultTellsWhereItBelongs(t *testing.T) {
	t.Parallel()
	for _, kept := range []string{"", "x", "\x00\x01 reply"} {
		for _, s := range []store.Stream{{Type: "account", ID: "a-1"}, {Type: "", ID: "\xff"}, {Type: "http", ID: "0190"}} {
			b := append(result.Begin(nil, s), kept...)
			home, got, err := result.Open(b)
			if err != nil || !bytes.Equal(got, []byte(kept)) || len(b) != result.Head+len(kept) {
				t.Fatalf("%q of %v: %q, %v", kept, s, got, err)
			}
			for _, n := range []int{1, 2, 7, 256, 1 << 20} {
				if home.In(n) != store.PartitionOf(s, n) {
					t.Errorf("%v of %d: %d", s, n, home.In(n))
				}
			}
		}
	}
}

// What another release, or no one, wrote is no result, and never one of another
// place.
func TestResultOfAnotherForm(t *testing.T) {
	t.Parallel()
	good := result.Begin(nil, store.Stream{Type: "a", ID: "b"})
	other := append([]byte{good[0] + 1}, good[1:]...)
	for _, b := range [][]byte{nil, {}, good[:len(good)-1], other} {
		if _, _, err := result.Open(b); !errors.Is(err, result.ErrForm) {
			t.Errorf("%x: %v", b, err)
		}
	}
}
