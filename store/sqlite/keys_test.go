package sqlite_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/sqlite"
	"github.com/talix-dev/talix/vault"
	"github.com/talix-dev/talix/vault/vaulttest"
)

func TestKeys(t *testing.T) {
	t.Parallel()
	vaulttest.Run(t, vaulttest.Factory{
		Open: func(t *testing.T, dir string) (vault.Vault, error) {
			return sqlite.OpenKeys(t.Context(), sqlite.KeysConfig{Dir: dir, NoSync: true})
		},
		Durable: true, Holds: filesHold,
	})
}

// filesHold looks into every file of a folder.
func filesHold(t *testing.T, dir string, what []byte) bool {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		data, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(data, what) {
			return true
		}
	}
	return false
}

func TestKeysHaveOneOwner(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	k, err := sqlite.OpenKeys(t.Context(), sqlite.KeysConfig{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	if _, err := sqlite.OpenKeys(t.Context(), sqlite.KeysConfig{Dir: dir}); !errors.Is(err, store.ErrLocked) {
		t.Errorf("a second one opened the keys: %v", err)
	}
	if info, err := os.Stat(filepath.Join(dir, "keys.db")); err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("others may read the keys: %v, %v", info.Mode(), err)
	}
}

// What a process that was killed right after an erasure leaves in the
// write-ahead log is gone once the keys were opened again.
func TestKeysForgetWhatAKilledProcessLeft(t *testing.T) {
	t.Parallel()
	dir, copied := t.TempDir(), t.TempDir()
	k, err := sqlite.OpenKeys(t.Context(), sqlite.KeysConfig{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	name := vault.NameOf(k.Salt(), "ann")
	keys, err := k.Make(t.Context(), []vault.Name{name})
	if err != nil {
		t.Fatal(err)
	}
	copyFiles(t, dir, copied) // as the process would leave them
	if !filesHold(t, copied, keys[0].Secret[:]) {
		t.Fatal("the key is nowhere")
	}
	again, err := sqlite.OpenKeys(t.Context(), sqlite.KeysConfig{Dir: copied})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if err := again.Erase(t.Context(), name, time.Now()); err != nil {
		t.Fatal(err)
	}
	if filesHold(t, copied, keys[0].Secret[:]) {
		t.Error("the key is still there")
	}
}

func copyFiles(t *testing.T, from, to string) {
	t.Helper()
	for _, name := range []string{"keys.db", "keys.db-wal"} {
		data, err := os.ReadFile(filepath.Join(from, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(to, name), data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
