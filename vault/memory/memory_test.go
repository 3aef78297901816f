package memory_test

import (
	"testing"

	"github.com/talix-dev/talix/vault"
	"github.com/talix-dev/talix/vault/memory"
	"github.com/talix-dev/talix/vault/vaulttest"
)

func TestVault(t *testing.T) {
	t.Parallel()
	vaulttest.Run(t, vaulttest.Factory{Open: func(*testing.T, string) (vault.Vault, error) { return memory.New(), nil }})
}
