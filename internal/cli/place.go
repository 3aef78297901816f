package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/talix-dev/talix/internal/move"
)

// place is where a store is, as flags say.
type place struct{ data, store string }

// placeFlags are those of commands that work on one store.
func placeFlags(f *flag.FlagSet) *place {
	p := &place{}
	f.StringVar(&p.data, "data", "", "`folder` of an embedded store")
	f.StringVar(&p.store, "store", "", "`URL` of a store on PostgreSQL, as in postgres://user:password@host:5432/name?talix_schema=talix")
	return p
}

// name is the place itself.
func (p *place) name() (string, error) {
	switch {
	case p.data != "" && p.store != "":
		return "", misused("both --data and --store are given: name one store")
	case p.data == "" && p.store == "":
		return "", misused("no store is named: add --data folder or --store postgres://…")
	case p.data != "":
		return p.data, nil
	}
	return p.store, nil
}

// use opens the store at a place for fn.
func (c *call) use(ctx context.Context, place string, existing bool, fn func(move.Store) error) (err error) {
	opened, err := c.Open(ctx, place, existing)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closing(opened.Close())) }()
	s, err := move.AsStore(opened)
	if err != nil {
		return err
	}
	return fn(s)
}

func closing(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("close store: %w", err)
}

// useBoth is use for two stores.
func (c *call) useBoth(ctx context.Context, from, to string, existing bool, fn func(from, to move.Store) error) error {
	if from == "" || to == "" {
		return misused("two stores are needed: add --from and --to, each a folder or postgres://…")
	}
	if samePlace(from, to) {
		return misused("--from and --to are the same store: name two")
	}
	return c.use(ctx, from, true, func(a move.Store) error {
		return c.use(ctx, to, existing, func(b move.Store) error { return fn(a, b) })
	})
}

// samePlace tells that two names are of one folder or database.
func samePlace(a, b string) bool {
	if a == b {
		return true
	}
	left, err := os.Stat(a)
	if err != nil {
		return false
	}
	right, err := os.Stat(b)
	return err == nil && os.SameFile(left, right)
}
