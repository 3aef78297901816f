package postgres_test

import (
	"errors"
	"testing"

	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/postgres"
)

func TestExistingMakesNothing(t *testing.T) {
	t.Parallel()
	c := config(t)
	existing := c
	existing.Existing = true
	for range 2 {
		if _, err := postgres.Open(t.Context(), existing); !errors.Is(err, store.ErrMissing) {
			t.Fatalf("opened: %v", err)
		}
	}
	open(t, c)
	open(t, existing)
}
