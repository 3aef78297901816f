package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/postgres"
	"github.com/talix-dev/talix/store/sqlite"
)

// open opens a folder, or a database by its URL.
func open(ctx context.Context, place string, existing bool) (store.Store, error) {
	if strings.HasPrefix(place, "postgres://") || strings.HasPrefix(place, "postgresql://") {
		return openPostgres(ctx, place, existing)
	}
	if strings.Contains(place, "://") {
		return nil, fmt.Errorf("open store: there is no kind of store for %.20q: name a folder, or postgres://…", place)
	}
	s, err := sqlite.Open(ctx, sqlite.Config{Dir: place, Existing: existing})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// openPostgres takes what is ours out of a URL, as programs do, and the rest to
// PostgreSQL.
func openPostgres(ctx context.Context, place string, existing bool) (store.Store, error) {
	u, err := url.Parse(place)
	if err != nil {
		return nil, errors.New("open store: this is no URL of a database: write postgres://user:password@host:5432/name, with %xx for special characters in the password")
	}
	q := u.Query()
	c := postgres.Config{Schema: q.Get("talix_schema"), Existing: existing}
	if n := q.Get("talix_partitions"); n != "" {
		if c.Partitions, err = strconv.Atoi(n); err != nil {
			return nil, fmt.Errorf("open store: talix_partitions is %q: write a number", n)
		}
	}
	q.Del("talix_schema")
	q.Del("talix_partitions")
	u.RawQuery = q.Encode()
	c.DSN = u.String()
	s, err := postgres.Open(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", u.Redacted(), err)
	}
	return s, nil
}
