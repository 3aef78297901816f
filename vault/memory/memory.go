// Package memory keeps the keys of personal data in memory: for tests, and for
// stores that keep nothing either. All that was sealed with them is unreadable
// once the process has ended.
package memory

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"github.com/talix-dev/talix/vault"
)

var _ vault.Vault = (*Vault)(nil)

// Vault is a vault.Vault in memory.
type Vault struct {
	salt [32]byte

	mu     sync.Mutex
	closed bool
	keys   map[vault.Name]vault.Key
	erased []vault.Erasure
}

// New makes an empty vault.
func New() *Vault {
	v := &Vault{keys: map[vault.Name]vault.Key{}}
	rand.Read(v.salt[:]) // never fails
	return v
}

// Salt implements vault.Vault.
func (v *Vault) Salt() [32]byte { return v.salt }

// Find implements vault.Vault.
func (v *Vault) Find(ctx context.Context, names []vault.Name) ([]vault.Key, error) {
	if err := v.enter(ctx); err != nil {
		return nil, err
	}
	defer v.mu.Unlock()
	keys := make([]vault.Key, len(names))
	for i, name := range names {
		keys[i] = v.keys[name]
	}
	return keys, nil
}

// Make implements vault.Vault.
func (v *Vault) Make(ctx context.Context, names []vault.Name) ([]vault.Key, error) {
	if err := v.enter(ctx); err != nil {
		return nil, err
	}
	defer v.mu.Unlock()
	keys := make([]vault.Key, len(names))
	for i, name := range names {
		if keys[i] = v.keys[name]; keys[i].State == vault.Missing {
			keys[i].State = vault.Present
			rand.Read(keys[i].Secret[:])
			v.keys[name] = keys[i]
		}
	}
	return keys, nil
}

// Erase implements vault.Vault.
func (v *Vault) Erase(ctx context.Context, name vault.Name, at time.Time) error {
	if err := v.enter(ctx); err != nil {
		return err
	}
	defer v.mu.Unlock()
	if v.keys[name].State == vault.Erased {
		return nil
	}
	v.keys[name] = vault.Key{State: vault.Erased}
	v.erased = append(v.erased, vault.Erasure{Number: int64(len(v.erased) + 1), Name: name, Time: at.UTC().Truncate(time.Microsecond)})
	return nil
}

// Erased implements vault.Vault.
func (v *Vault) Erased(ctx context.Context, after int64, max int) ([]vault.Erasure, error) {
	if err := v.enter(ctx); err != nil {
		return nil, err
	}
	defer v.mu.Unlock()
	from := min(int(after), len(v.erased))
	to := min(from+max, len(v.erased))
	return append([]vault.Erasure(nil), v.erased[from:to]...), nil
}

// enter locks the vault, unless it is of no use.
func (v *Vault) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	v.mu.Lock()
	if v.closed {
		v.mu.Unlock()
		return vault.ErrClosed
	}
	return nil
}

// Close implements vault.Vault.
func (v *Vault) Close() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.closed = true
	return nil
}
