// Package vaulttest is the suite that every driver of vault.Vault passes.
package vaulttest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/talix-dev/talix/vault"
)

// Factory tells the suite how to open the driver's vault.
type Factory struct {
	// Open opens the vault whose data is named by dir: a folder of its own,
	// empty at first. The suite closes what it opened.
	Open func(t *testing.T, dir string) (vault.Vault, error)
	// Durable: what was done is found again when dir is reopened.
	Durable bool
	// Shared: several vaults may be open on one dir at a time.
	Shared bool
	// Holds, if it is set, looks for bytes in all that is stored under dir,
	// while the vault is open.
	Holds func(t *testing.T, dir string, what []byte) bool
}

// Run checks a driver. Each case is a parallel subtest with a vault of its own.
func Run(t *testing.T, f Factory) {
	t.Helper()
	for name, check := range map[string]func(*testing.T, Factory, string){
		"makes one key for each subject":              makes,
		"finds what it made, and makes nothing":       finds,
		"takes a name twice":                          twice,
		"erases for ever":                             erases,
		"erases whom it does not know":                erasesUnknown,
		"lists erasures in order":                     lists,
		"keeps the first time":                        keepsFirst,
		"gives all who ask at once the same key":      concurrent,
		"never gives a key once erasing has ended":    races,
		"refuses calls after Close":                   closes,
		"leaves a caller whose context ended":         cancelled,
		"finds keys and erasures again when reopened": reopens,
		"shares keys and erasures":                    shares,
		"holds no key that was destroyed":             holdsNone,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, f, t.TempDir())
		})
	}
}

func (f Factory) open(t *testing.T, dir string) vault.Vault {
	t.Helper()
	v, err := f.Open(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	return v
}

// at is when the suite erases; finer times than microseconds are cut.
func at(n int) time.Time { return time.Date(2026, 3, 4, 5, 6, n, 7_008_009, time.UTC) }

func name(v vault.Vault, subject string) vault.Name { return vault.NameOf(v.Salt(), subject) }

func made(t *testing.T, v vault.Vault, subjects ...string) []vault.Key {
	t.Helper()
	names := make([]vault.Name, len(subjects))
	for i, s := range subjects {
		names[i] = name(v, s)
	}
	keys, err := v.Make(t.Context(), names)
	if err != nil || len(keys) != len(names) {
		t.Fatalf("Make gave %d keys, %v, want %d", len(keys), err, len(names))
	}
	return keys
}

func found(t *testing.T, v vault.Vault, subject string) vault.Key {
	t.Helper()
	keys, err := v.Find(t.Context(), []vault.Name{name(v, subject)})
	if err != nil || len(keys) != 1 {
		t.Fatalf("Find gave %d keys, %v, want one", len(keys), err)
	}
	return keys[0]
}

func erase(t *testing.T, v vault.Vault, subject string, when time.Time) {
	t.Helper()
	if err := v.Erase(t.Context(), name(v, subject), when); err != nil {
		t.Fatal(err)
	}
}

func erased(t *testing.T, v vault.Vault) (all []vault.Erasure) {
	t.Helper()
	for after := int64(0); ; {
		page, err := v.Erased(t.Context(), after, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page {
			if e.Number <= after {
				t.Fatalf("erasure %d follows %d", e.Number, after)
			}
			after = e.Number
		}
		all = append(all, page...)
		if len(page) < 2 {
			return all
		}
	}
}

func makes(t *testing.T, f Factory, dir string) {
	v := f.open(t, dir)
	if v.Salt() == [32]byte{} {
		t.Error("the salt is zero")
	}
	keys := made(t, v, "ann", "bob", "", "a\x00\xff ö")
	for i, k := range keys {
		if k.State != vault.Present || k.Secret == [32]byte{} {
			t.Errorf("key %d is %v with a zero secret: %v", i, k.State, k.Secret == [32]byte{})
		}
		if slices.Index(keys, k) != i {
			t.Errorf("subject %d has the key of another", i)
		}
	}
	if again := made(t, v, "bob", "ann"); again[0] != keys[1] || again[1] != keys[0] {
		t.Error("who asks again gets other keys")
	}
}

func finds(t *testing.T, f Factory, dir string) {
	v := f.open(t, dir)
	if k := found(t, v, "ann"); k != (vault.Key{}) {
		t.Errorf("there is a key that no one made: %v", k.State)
	}
	if k := found(t, v, "ann"); k.State != vault.Missing {
		t.Errorf("Find made a key: %v", k.State)
	}
	key := made(t, v, "ann")[0]
	if found(t, v, "ann") != key {
		t.Error("Find gives another key than Make")
	}
	if keys, err := v.Find(t.Context(), nil); err != nil || len(keys) != 0 {
		t.Errorf("no names gave %d keys, %v", len(keys), err)
	}
}

func twice(t *testing.T, f Factory, dir string) {
	keys := made(t, f.open(t, dir), "ann", "bob", "ann")
	if keys[0] != keys[2] || keys[0] == keys[1] {
		t.Error("one subject has two keys")
	}
}

func erases(t *testing.T, f Factory, dir string) {
	v := f.open(t, dir)
	bob := made(t, v, "ann", "bob")[1]
	for n := range 2 {
		erase(t, v, "ann", at(n))
		if k := found(t, v, "ann"); k != (vault.Key{State: vault.Erased}) {
			t.Fatalf("an erased subject has the state %v", k.State)
		}
		if k := made(t, v, "bob", "ann"); k[1] != (vault.Key{State: vault.Erased}) || k[0] != bob {
			t.Fatalf("an erased subject got a key, or another lost it: %v, %v", k[1].State, k[0].State)
		}
	}
}

func erasesUnknown(t *testing.T, f Factory, dir string) {
	v := f.open(t, dir)
	erase(t, v, "ann", at(0))
	if k := made(t, v, "ann")[0]; k.State != vault.Erased {
		t.Errorf("who was erased before there was a key has the state %v", k.State)
	}
	if n := len(erased(t, v)); n != 1 {
		t.Errorf("%d erasures are listed, want 1", n)
	}
}

func lists(t *testing.T, f Factory, dir string) {
	v := f.open(t, dir)
	made(t, v, "ann", "bob", "cid", "dan")
	if all := erased(t, v); len(all) != 0 {
		t.Errorf("%d erasures are listed, and none was made", len(all))
	}
	for i, s := range []string{"cid", "ann", "eve", "bob", "fay"} {
		erase(t, v, s, at(i))
		all := erased(t, v)
		if len(all) != i+1 || all[i].Name != name(v, s) || !all[i].Time.Equal(at(i).Truncate(time.Microsecond)) {
			t.Fatalf("after %d erasures the list is %v", i+1, all)
		}
	}
}

func keepsFirst(t *testing.T, f Factory, dir string) {
	v := f.open(t, dir)
	erase(t, v, "ann", at(0))
	first := erased(t, v)
	erase(t, v, "ann", at(9))
	if again := erased(t, v); !slices.Equal(again, first) {
		t.Errorf("erasing again made %v of %v", again, first)
	}
}

func concurrent(t *testing.T, f Factory, dir string) {
	v := f.open(t, dir)
	keys := make([][]vault.Key, 8)
	var all sync.WaitGroup
	for i := range keys {
		all.Go(func() {
			keys[i], _ = v.Make(t.Context(), []vault.Name{name(v, "ann"), name(v, fmt.Sprint(i)), name(v, "bob")})
		})
	}
	all.Wait()
	for i, k := range keys {
		if len(k) != 3 || k[0].State != vault.Present || k[0] != keys[0][0] || k[2] != keys[0][2] {
			t.Errorf("caller %d got other keys", i)
		}
	}
}

// races: who has seen the end of an erasure never gets a key again.
func races(t *testing.T, f Factory, dir string) {
	v := f.open(t, dir)
	for n := range 8 {
		subject := fmt.Sprint("subject ", n)
		over := make(chan struct{})
		var all sync.WaitGroup
		all.Go(func() {
			defer close(over)
			if err := v.Erase(t.Context(), name(v, subject), at(n)); err != nil {
				t.Error(err)
			}
		})
		for range 3 {
			all.Go(func() {
				for last := false; !last; {
					select {
					case <-over:
						last = true
					default:
					}
					keys, err := v.Make(t.Context(), []vault.Name{name(v, subject)})
					if err != nil || last && keys[0].State != vault.Erased {
						t.Errorf("after the erasure: %v, %v", keys, err)
						return
					}
				}
			})
		}
		all.Wait()
	}
}

func closes(t *testing.T, f Factory, dir string) {
	v := f.open(t, dir)
	for range 2 {
		if err := v.Close(); err != nil {
			t.Fatal(err)
		}
	}
	names := []vault.Name{name(v, "ann")}
	_, find := v.Find(t.Context(), names)
	_, mk := v.Make(t.Context(), names)
	_, list := v.Erased(t.Context(), 0, 1)
	for i, err := range []error{find, mk, list, v.Erase(t.Context(), names[0], at(0))} {
		if !errors.Is(err, vault.ErrClosed) {
			t.Errorf("call %d after Close failed with %v, want ErrClosed", i, err)
		}
	}
}

func cancelled(t *testing.T, f Factory, dir string) {
	v := f.open(t, dir)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := v.Make(ctx, []vault.Name{name(v, "ann")}); !errors.Is(err, context.Canceled) {
		t.Errorf("Make failed with %v", err)
	}
	if err := v.Erase(ctx, name(v, "ann"), at(0)); !errors.Is(err, context.Canceled) {
		t.Errorf("Erase failed with %v", err)
	}
	if k := made(t, v, "ann")[0]; k.State != vault.Present {
		t.Errorf("a call that was given up erased: %v", k.State)
	}
}

func reopens(t *testing.T, f Factory, dir string) {
	if !f.Durable {
		t.Skip("it keeps nothing")
	}
	v := f.open(t, dir)
	keys, salt := made(t, v, "ann", "bob"), v.Salt()
	erase(t, v, "bob", at(1))
	list := erased(t, v)
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	v = f.open(t, dir)
	if v.Salt() != salt || found(t, v, "ann") != keys[0] || found(t, v, "bob").State != vault.Erased || !slices.Equal(erased(t, v), list) {
		t.Error("a reopened vault has other keys, erasures or another salt")
	}
	erase(t, v, "ann", at(2))
	if all := erased(t, v); len(all) != 2 || all[0] != list[0] {
		t.Errorf("the list is %v after %v", all, list)
	}
}

func shares(t *testing.T, f Factory, dir string) {
	if !f.Shared {
		t.Skip("one process has it")
	}
	a, b := f.open(t, dir), f.open(t, dir)
	if a.Salt() != b.Salt() {
		t.Fatal("the salts differ")
	}
	var all sync.WaitGroup
	keys := make([][]vault.Key, 8)
	for i := range keys {
		v := []vault.Vault{a, b}[i%2]
		all.Go(func() {
			keys[i], _ = v.Make(t.Context(), []vault.Name{name(v, "ann"), name(v, fmt.Sprint(i/2)), name(v, "bob")})
			if err := v.Erase(t.Context(), name(v, fmt.Sprint("erased ", i)), at(i)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for i, k := range keys {
		if len(k) != 3 || k[0] != keys[0][0] || k[0].State != vault.Present {
			t.Errorf("caller %d got another key", i)
		}
	}
	erase(t, a, "ann", at(0))
	if k := found(t, b, "ann"); k.State != vault.Erased {
		t.Errorf("the other one still has the state %v", k.State)
	}
	if n := len(erased(t, b)); n != 9 {
		t.Errorf("%d erasures are listed, want 9", n)
	}
}

func holdsNone(t *testing.T, f Factory, dir string) {
	if f.Holds == nil {
		t.Skip("there is nothing to look into")
	}
	v := f.open(t, dir)
	var subjects []string
	for i := range 100 {
		subjects = append(subjects, fmt.Sprint("subject ", i))
	}
	keys := made(t, v, subjects...)
	if !f.Holds(t, dir, keys[50].Secret[:]) {
		t.Fatal("a key that is there is not found: the test looks in the wrong place")
	}
	for i, s := range subjects {
		if i != 50 {
			erase(t, v, s, at(0))
		}
	}
	for i, k := range keys {
		if there := f.Holds(t, dir, k.Secret[:]); there != (i == 50) {
			t.Errorf("the key of subject %d is there: %v", i, there)
		}
	}
}
