package standalone

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
	"github.com/talix-dev/talix/store/postgres"
	"github.com/talix-dev/talix/store/sqlite"
	"github.com/talix-dev/talix/table"
)

func (a *App) openStores(ctx context.Context) (store.Store, table.Store, error) {
	switch {
	case a.Store == "memory":
		tables, err := sqlite.OpenTables(ctx, sqlite.TablesConfig{Log: a.Log})
		return memory.New(memory.Config{}), tables, err
	case a.onPostgres():
		return a.openPostgres(ctx)
	}
	events, err := sqlite.Open(ctx, sqlite.Config{Dir: a.Data})
	if err != nil {
		return nil, nil, err
	}
	tables, err := sqlite.OpenTables(ctx, sqlite.TablesConfig{Dir: a.Data, Log: a.Log})
	if err != nil {
		return nil, nil, errors.Join(err, events.Close())
	}
	return events, tables, nil
}

func (a *App) onPostgres() bool {
	return strings.HasPrefix(a.Store, "postgres://") || strings.HasPrefix(a.Store, "postgresql://")
}

// openPostgres opens the store in the schemas that the URL names, or makes
// them.
func (a *App) openPostgres(ctx context.Context) (store.Store, table.Store, error) {
	dsn, schema, err := splitStore(a.Store)
	if err != nil {
		return nil, nil, err
	}
	c, v := postgres.Config{DSN: dsn, Log: a.Log}, postgres.TablesConfig{DSN: dsn}
	if schema != "" {
		c.Schema, v.Schema = schema, schema+"_views"
	}
	events, err := postgres.Open(ctx, c)
	if err != nil {
		return nil, nil, explainStore(a.Store, err)
	}
	if err := a.refuseNodes(ctx, events); err != nil {
		return nil, nil, errors.Join(explainStore(a.Store, err), events.Close())
	}
	tables, err := postgres.OpenTables(ctx, v)
	if err != nil {
		return nil, nil, errors.Join(explainStore(a.Store, err), events.Close())
	}
	return events, tables, nil
}

// schemaParam is the parameter of a store's URL that is ours: the others are
// PostgreSQL's.
const schemaParam = "talix_schema"

// splitStore takes the schema out of a store's URL. Errors do not repeat the
// URL, which holds a password.
func splitStore(text string) (dsn, schema string, err error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" && u.Query().Get("host") == "" {
		return "", "", errors.New("--store is no URL of a database: write postgres://user:password@host:5432/name, with %xx for special characters in the password")
	}
	q := u.Query()
	schema = q.Get(schemaParam)
	q.Del(schemaParam)
	u.RawQuery = q.Encode()
	return u.String(), schema, nil
}

// explainStore says which store it is that cannot be opened.
func explainStore(text string, err error) error {
	u, fault := url.Parse(text)
	if fault != nil {
		return err
	}
	err = fmt.Errorf("--store %s: %w", u.Redacted(), err)
	if errors.Is(err, store.ErrForeign) {
		return fmt.Errorf("%w: choose a schema by adding ?%s=name to the URL", err, schemaParam)
	}
	return err
}

func (a *App) checkStore() error {
	switch {
	case a.Store == "sqlite" || a.Store == "memory":
		return nil
	case a.onPostgres():
		_, _, err := splitStore(a.Store)
		return err
	}
	return fmt.Errorf("--store %q: allowed are sqlite, memory, and a database as in postgres://user:password@host:5432/name", a.Store)
}
