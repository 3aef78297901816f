package id_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/talix-dev/talix/internal/id"
	"github.com/talix-dev/talix/store"
)

func TestNewRisesThoughTheClockGoesBack(t *testing.T) {
	t.Parallel()
	now := time.Date(2025, 3, 14, 9, 26, 53, 589793000, time.UTC)
	s := id.NewSource(func() time.Time { now = now.Add(-time.Millisecond); return now })
	var last store.ID
	for range 10000 {
		next := s.New()
		if bytes.Compare(next[:], last[:]) <= 0 {
			t.Fatalf("%v does not follow %v", next, last)
		}
		if next[6]>>4 != 7 || next[8]>>6 != 2 {
			t.Fatalf("%v is no UUIDv7", next)
		}
		last = next
	}
}

func TestNewHoldsTheTime(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(0x0123456789ab).Add(999 * time.Microsecond)
	got := id.NewSource(func() time.Time { return now }).New().String()
	if want := "01234567-89ab-7ff"; got[:len(want)] != want {
		t.Errorf("%s does not begin with %s", got, want)
	}
}

func TestDeriveIsStable(t *testing.T) {
	t.Parallel()
	base := id.NewSource(time.Now).New()
	if id.Derive(base, 1) != id.Derive(base, 1) || id.Derive(base, 1) == id.Derive(base, 2) {
		t.Error("Derive must depend on its number, and on nothing else")
	}
	if d := id.Derive(base, 1); !bytes.Equal(d[:6], base[:6]) {
		t.Errorf("%v is far from its base %v", d, base)
	}
	if id.Hash("a", "bc") == id.Hash("ab", "c") {
		t.Error("Hash must keep its texts apart")
	}
	if got, want := id.Hash("talix"), id.Hash("talix"); got != want {
		t.Errorf("%v != %v", got, want)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("01890a5d-ac96-774b-bcce-b302099a8057")
	f.Fuzz(func(t *testing.T, s string) {
		parsed, err := store.ParseID(s)
		if err != nil {
			return
		}
		if again, err := store.ParseID(parsed.String()); err != nil || again != parsed {
			t.Errorf("%q: %v, %v", s, again, err)
		}
	})
}
