package postgres_test

import (
	"testing"

	"github.com/talix-dev/talix/store/postgres"
	"github.com/talix-dev/talix/vault"
	"github.com/talix-dev/talix/vault/vaulttest"
)

func TestKeys(t *testing.T) {
	t.Parallel()
	server(t)
	vaulttest.Run(t, vaulttest.Factory{
		Open: func(t *testing.T, dir string) (vault.Vault, error) {
			return postgres.OpenKeys(t.Context(), postgres.KeysConfig{DSN: server(t), Schema: schema(t, dir), NoSync: true})
		},
		Durable: true, Shared: true,
	})
}
