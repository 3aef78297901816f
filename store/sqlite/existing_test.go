package sqlite_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/sqlite"
)

func TestExistingMakesNothing(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	if _, err := sqlite.Open(t.Context(), sqlite.Config{Dir: dir, Existing: true, NoSync: true}); !errors.Is(err, store.ErrMissing) {
		t.Errorf("opened: %v", err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder was made: %v", err)
	}
	for _, existing := range []bool{false, true} {
		s, err := sqlite.Open(t.Context(), sqlite.Config{Dir: dir, Existing: existing, NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
