package postgres

import (
	"bytes"
	"context"
	"crypto/rand"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/vault"
)

//go:embed keys/*.sql
var keysFiles embed.FS

// KeysConfig says where the keys of personal data live. All but DSN may be left
// out.
type KeysConfig struct {
	// DSN names the database, as that of Config does. It may be another one
	// than the store's, which keeps them out of that one's backups.
	DSN string
	// Schema of the database that holds the keys, and nothing else; it is made
	// if it is missing. Lower-case letters, digits and underscores. Defaults
	// to "talix_keys".
	Schema string
	// Timeout bounds every statement. Defaults to 10 s.
	Timeout time.Duration
	// NoSync is as in Config.
	NoSync bool
}

// Keys holds the keys of personal data in a schema of a PostgreSQL database. Any
// number of processes may have it open at a time.
//
// What a server keeps beside its tables is out of reach: a key that was
// destroyed may still be in its write-ahead log and in archives of that, and in
// its files until the space is used again or the table was vacuumed with FULL.
// Leave the schema out of backups of the log (pg_dump --exclude-schema), and
// keep archives for no longer than erasing may take.
type Keys struct {
	config KeysConfig
	gate   gate
	dialer *dialer
	links  *pool
	salt   [32]byte
}

var _ vault.Vault = (*Keys)(nil)

// OpenKeys opens the keys in a schema of a database, or makes it. It fails with
// store.ErrForeign if the schema holds something else or was made by a newer
// release.
func OpenKeys(ctx context.Context, config KeysConfig) (*Keys, error) {
	setDefault(&config.Schema, "talix_keys")
	setDefault(&config.Timeout, 10*time.Second)
	if err := checkSchemaName(config.Schema); err != nil {
		return nil, fmt.Errorf("open keys: %w", err)
	}
	d, err := newDialer(config.DSN, config.Timeout, config.setup())
	if err != nil {
		return nil, fmt.Errorf("open keys: %w", err)
	}
	k := &Keys{config: config, dialer: d, links: newPool(d, max(4, runtime.GOMAXPROCS(0)))}
	if err := k.with(ctx, k.load); err != nil {
		k.links.close()
		d.close()
		return nil, explainRead("open keys in schema "+config.Schema, err)
	}
	return k, nil
}

func (c KeysConfig) setup() string {
	sync := "on"
	if c.NoSync {
		sync = "off"
	}
	return fmt.Sprintf(`
		SET search_path = %s, pg_temp; SET client_encoding = 'UTF8'; SET synchronous_commit = %s;
		SET default_transaction_isolation = 'read committed'; SET client_min_messages = warning;
		SET statement_timeout = %d; SET idle_in_transaction_session_timeout = %d`,
		quoted(c.Schema), sync, c.Timeout.Milliseconds(), c.Timeout.Milliseconds())
}

func (k *Keys) load(ctx context.Context, conn *pgx.Conn) error {
	if err := checkServer(ctx, conn, k.config.NoSync); err != nil {
		return err
	}
	steps, err := readSteps(keysFiles, "keys")
	if err != nil {
		return err
	}
	l := layout{schema: k.config.Schema, steps: steps, meta: "meta", seed: func(ctx context.Context, tx pgx.Tx) error {
		salt := make([]byte, len(k.salt))
		rand.Read(salt) // never fails
		_, err := tx.Exec(ctx, "INSERT INTO meta (name, value) VALUES ('salt', $1)", hex.EncodeToString(salt))
		return err
	}}
	if err := l.migrate(ctx, conn); err != nil {
		return err
	}
	text, err := l.readMeta(ctx, conn, "salt")
	if err != nil {
		return err
	}
	if n, err := hex.Decode(k.salt[:], []byte(text)); err != nil || n != len(k.salt) {
		return fmt.Errorf("read salt: %w; restore the keys from a copy", store.ErrCorrupt)
	}
	return nil
}

// Salt implements vault.Vault.
func (k *Keys) Salt() [32]byte { return k.salt }

// Find implements vault.Vault.
func (k *Keys) Find(ctx context.Context, names []vault.Name) (keys []vault.Key, err error) {
	err = k.with(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
		keys, err = find(ctx, conn, names)
		return err
	})
	return keys, explainRead("find keys", err)
}

func find(ctx context.Context, conn *pgx.Conn, names []vault.Name) ([]vault.Key, error) {
	rows, err := conn.Query(ctx, "SELECT name, secret FROM keys WHERE name = ANY($1)", listOf(names))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := map[vault.Name]vault.Key{}
	for rows.Next() {
		var name, secret []byte
		if err := rows.Scan(&name, &secret); err != nil {
			return nil, err
		}
		key := vault.Key{State: vault.Erased}
		if secret != nil {
			key.State = vault.Present
		}
		if copied := copy(key.Secret[:], secret); secret != nil && (copied != len(key.Secret) || len(secret) != copied) || len(name) != len(vault.Name{}) {
			return nil, fmt.Errorf("read key: %w", store.ErrCorrupt)
		}
		found[vault.Name(name)] = key
	}
	keys := make([]vault.Key, len(names))
	for i, n := range names {
		keys[i] = found[n]
	}
	return keys, rows.Err()
}

func listOf(names []vault.Name) [][]byte {
	list := make([][]byte, len(names))
	for i := range names {
		list[i] = names[i][:]
	}
	return list
}

// Make implements vault.Vault. New rows are made in the order of names, so that
// those who make the same do not wait for each other in a circle.
func (k *Keys) Make(ctx context.Context, names []vault.Name) (keys []vault.Key, err error) {
	err = k.with(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
		if keys, err = find(ctx, conn, names); err != nil {
			return err
		}
		var missing []vault.Name
		for i, key := range keys {
			if key.State == vault.Missing {
				missing = append(missing, names[i])
			}
		}
		if len(missing) == 0 {
			return nil
		}
		if err := add(ctx, conn, missing); err != nil {
			return err
		}
		keys, err = find(ctx, conn, names) // another one may have been faster
		return err
	})
	return keys, explain("make keys", err)
}

func add(ctx context.Context, conn *pgx.Conn, names []vault.Name) error {
	slices.SortFunc(names, func(a, b vault.Name) int { return bytes.Compare(a[:], b[:]) })
	names = slices.Compact(names)
	secrets := make([][]byte, len(names))
	for i := range secrets {
		secrets[i] = make([]byte, 32)
		rand.Read(secrets[i]) // never fails
	}
	_, err := conn.Exec(ctx, "INSERT INTO keys (name, secret) SELECT * FROM unnest($1::bytea[], $2::bytea[]) ON CONFLICT DO NOTHING", listOf(names), secrets)
	return err
}

// Erase implements vault.Vault.
func (k *Keys) Erase(ctx context.Context, name vault.Name, at time.Time) error {
	err := k.with(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			var number int64
			if err := tx.QueryRow(ctx, "UPDATE erasures SET last = last + 1 RETURNING last").Scan(&number); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, `INSERT INTO keys (name, erasure, erased) VALUES ($1, $2, $3)
				ON CONFLICT (name) DO UPDATE SET secret = NULL, erasure = $2, erased = $3 WHERE keys.erasure IS NULL`, name[:], number, at.UTC().Truncate(time.Microsecond))
			return err
		})
	})
	return explain("destroy key", err)
}

// Erased implements vault.Vault.
func (k *Keys) Erased(ctx context.Context, after int64, max int) (all []vault.Erasure, err error) {
	err = k.with(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, "SELECT erasure, name, erased FROM keys WHERE erasure > $1 ORDER BY erasure LIMIT $2", after, max)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var e vault.Erasure
			var name []byte
			if err := rows.Scan(&e.Number, &name, &e.Time); err != nil {
				return err
			}
			copy(e.Name[:], name)
			e.Time = e.Time.UTC()
			all = append(all, e)
		}
		return rows.Err()
	})
	return all, explainRead("list erasures", err)
}

// with runs fn with a connection.
func (k *Keys) with(ctx context.Context, fn func(context.Context, *pgx.Conn) error) error {
	if err := k.gate.enter(); err != nil {
		if errors.Is(err, store.ErrClosed) {
			err = vault.ErrClosed
		}
		return err
	}
	defer k.gate.leave()
	l, err := k.links.get(ctx)
	if err != nil {
		return err
	}
	defer k.links.put(l)
	conn, err := l.get(ctx)
	if err != nil {
		return ended(ctx, err)
	}
	bounded, cancel := context.WithTimeout(ctx, 2*k.config.Timeout)
	defer cancel()
	return ended(ctx, fn(bounded, conn))
}

// Close implements vault.Vault.
func (k *Keys) Close() error {
	if !k.gate.close() {
		return nil
	}
	k.links.close()
	k.dialer.close()
	return nil
}
