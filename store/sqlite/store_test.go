package sqlite_test

import (
	"testing"

	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/sqlite"
	"github.com/talix-dev/talix/store/storetest"
)

func factory(config sqlite.Config) storetest.Factory {
	return storetest.Factory{
		Open: func(t *testing.T, dir string) (store.Store, error) {
			c := config
			c.Dir = dir
			return sqlite.Open(t.Context(), c)
		},
		Features: storetest.Features{Durable: true, Partitions: 1},
	}
}

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, factory(sqlite.Config{NoSync: true}))
}

// TestStoreWithTinyCaches looks everything up in the database again.
func TestStoreWithTinyCaches(t *testing.T) {
	t.Parallel()
	storetest.Run(t, factory(sqlite.Config{NoSync: true, Heads: 1, Readers: 1}))
}

func TestKill(t *testing.T) {
	t.Parallel()
	storetest.Kill(t, factory(sqlite.Config{}))
}
