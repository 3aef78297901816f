package standalone

import (
	"context"

	"github.com/talix-dev/talix/store/postgres"
	"github.com/talix-dev/talix/store/sqlite"
	"github.com/talix-dev/talix/vault"
	"github.com/talix-dev/talix/vault/memory"
)

// openKeys opens the keys of personal data beside the store.
func (a *App) openKeys(ctx context.Context) (vault.Vault, error) {
	switch {
	case a.Store == "memory":
		return memory.New(), nil
	case a.onPostgres():
		return a.openPostgresKeys(ctx)
	}
	return sqlite.OpenKeys(ctx, sqlite.KeysConfig{Dir: a.Data})
}

func (a *App) openPostgresKeys(ctx context.Context) (vault.Vault, error) {
	dsn, schema, err := splitStore(a.Store)
	if err != nil {
		return nil, err
	}
	c := postgres.KeysConfig{DSN: dsn}
	if schema != "" {
		c.Schema = schema + "_keys"
	}
	keys, err := postgres.OpenKeys(ctx, c)
	if err != nil {
		return nil, explainStore(a.Store, err)
	}
	return keys, nil
}
