package postgres_test

import (
	"testing"

	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/postgres"
	"github.com/talix-dev/talix/store/storetest"
)

func factory(t testing.TB, config postgres.Config) storetest.Factory {
	t.Helper()
	config.DSN = server(t)
	return storetest.Factory{
		Open: func(t *testing.T, dir string) (store.Store, error) {
			c := config
			c.Schema = schema(t, dir)
			return postgres.Open(t.Context(), c)
		},
		Features: storetest.Features{Durable: true, Shared: true, Partitions: config.Partitions},
	}
}

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, factory(t, postgres.Config{Partitions: 4, NoSync: true}))
}
