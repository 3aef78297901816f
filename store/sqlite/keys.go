package sqlite

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/vault"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

var _ vault.Vault = (*Keys)(nil)

// KeysConfig says where the keys of personal data live. Dir has to be set.
type KeysConfig struct {
	// Dir is the folder; it is made if it is missing.
	Dir string
	// NoSync is as in Config.
	NoSync bool
}

// Keys holds the keys of personal data in keys.db, which no Backup of the store
// has in it: a backup of both would undo each erasure. Copies of keys.db are to
// be kept apart from those of events.db, and no longer than erasing may take.
//
// Without keys.db, what was sealed with its keys is lost.
type Keys struct {
	gate   *gate
	layout layout
	lock   *lock
	salt   [32]byte
	conn   *sqlite.Conn // of the one who has the gate's turn
}

func keysLayout() layout {
	return layout{
		file: "keys.db", application: 0x746c786b, format: 1, meta: "meta",
		mend: "stop the program, keep a copy of the folder, and put a copy of keys.db in its place",
		schema: `
CREATE TABLE meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE keys(name BLOB PRIMARY KEY, secret BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE erasures(number INTEGER PRIMARY KEY AUTOINCREMENT, name BLOB NOT NULL UNIQUE, time INTEGER NOT NULL);
`,
	}
}

// OpenKeys opens the keys in a folder, or makes them. It fails as Open does.
func OpenKeys(ctx context.Context, config KeysConfig) (*Keys, error) {
	if config.Dir == "" {
		return nil, errors.New("open keys: KeysConfig.Dir is empty; name a folder")
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("open keys: %w", err)
	}
	l := keysLayout()
	lock, err := claim(l, config.Dir, "keys.lock")
	if err != nil {
		return nil, err
	}
	k, err := openKeys(l, config)
	if err != nil {
		lock.Close()
		return nil, err
	}
	k.lock = lock
	return k, nil
}

func openKeys(l layout, config KeysConfig) (*Keys, error) {
	path := l.path(config.Dir)
	if _, err := l.probe(path); err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, fmt.Errorf("open keys: %w", err)
	}
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadWrite)
	if err != nil {
		return nil, explain("open database", l, err)
	}
	conn.SetBusyTimeout(5 * time.Second)
	k := &Keys{gate: newGate(), layout: l, conn: conn}
	if err := k.start(config.NoSync); err != nil {
		conn.Close()
		return nil, l.unreadable(path, err)
	}
	return k, nil
}

// start folds the write-ahead log away, in which a key may be that was
// destroyed just before the process ended.
func (k *Keys) start(noSync bool) error {
	sync := "PRAGMA synchronous=FULL"
	if noSync {
		sync = "PRAGMA synchronous=OFF"
	}
	salt := make([]byte, len(k.salt))
	rand.Read(salt)
	err := configure(k.conn, "PRAGMA journal_mode=WAL", sync, "PRAGMA fullfsync=ON", "PRAGMA checkpoint_fullfsync=ON",
		"PRAGMA secure_delete=ON", foldKeys, "INSERT INTO meta(name, value) VALUES('salt', '"+hex.EncodeToString(salt)+"') ON CONFLICT DO NOTHING")
	if err != nil {
		return err
	}
	text, err := scalar(k.conn, "SELECT value FROM meta WHERE name = 'salt'")
	if err != nil {
		return err
	}
	if n, err := hex.Decode(k.salt[:], []byte(text)); err != nil || n != len(k.salt) {
		return fmt.Errorf("read salt: %w", errors.Join(store.ErrCorrupt, err))
	}
	return nil
}

// foldKeys leaves nothing in the write-ahead log.
const foldKeys = "PRAGMA wal_checkpoint(TRUNCATE)"

// Salt implements vault.Vault.
func (k *Keys) Salt() [32]byte { return k.salt }

// Find implements vault.Vault.
func (k *Keys) Find(ctx context.Context, names []vault.Name) ([]vault.Key, error) {
	return k.keys(ctx, "find keys", names, k.find)
}

// Make implements vault.Vault.
func (k *Keys) Make(ctx context.Context, names []vault.Name) ([]vault.Key, error) {
	return k.keys(ctx, "make keys", names, func(name vault.Name) (vault.Key, error) {
		key, err := k.find(name)
		if err != nil || key.State != vault.Missing {
			return key, err
		}
		key.State = vault.Present
		rand.Read(key.Secret[:]) // never fails
		return key, k.exec("INSERT INTO keys(name, secret) VALUES(?, ?)", name[:], key.Secret[:])
	})
}

// keys does one thing for each name, all together.
func (k *Keys) keys(ctx context.Context, doing string, names []vault.Name, one func(vault.Name) (vault.Key, error)) ([]vault.Key, error) {
	keys := make([]vault.Key, len(names))
	err := k.do(ctx, doing, func() (err error) {
		for i, name := range names {
			if keys[i], err = one(name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return keys, nil
}

func (k *Keys) find(name vault.Name) (key vault.Key, err error) {
	stmt, err := k.conn.Prepare("SELECT secret FROM keys WHERE name = ?")
	if err != nil {
		return key, err
	}
	stmt.BindBytes(1, name[:])
	found, err := lookup(stmt, func(row *sqlite.Stmt) {
		key.State = vault.Present
		if n := row.ColumnBytes(0, key.Secret[:]); n != len(key.Secret) || row.ColumnLen(0) != n {
			key.State = vault.Missing
		}
	})
	switch {
	case err != nil:
		return key, err
	case found && key.State == vault.Missing:
		return key, fmt.Errorf("read key of %s: %w", name, store.ErrCorrupt)
	case found:
		return key, nil
	}
	if stmt, err = k.conn.Prepare("SELECT 1 FROM erasures WHERE name = ?"); err != nil {
		return key, err
	}
	stmt.BindBytes(1, name[:])
	if found, err = lookup(stmt, func(*sqlite.Stmt) {}); found {
		key.State = vault.Erased
	}
	return key, err
}

// Erase implements vault.Vault.
func (k *Keys) Erase(ctx context.Context, name vault.Name, at time.Time) error {
	return k.turn(ctx, "destroy key", func() error {
		err := k.transact(func() error {
			return firstOf(
				k.exec("DELETE FROM keys WHERE name = ?", name[:]),
				k.exec("INSERT INTO erasures(name, time) VALUES(?, ?) ON CONFLICT DO NOTHING", name[:], at.UnixMicro()))
		})
		if err != nil {
			return err
		}
		return configure(k.conn, foldKeys) // the log had the key
	})
}

// Erased implements vault.Vault.
func (k *Keys) Erased(ctx context.Context, after int64, max int) (all []vault.Erasure, err error) {
	err = k.do(ctx, "list erasures", func() error {
		stmt, err := k.conn.Prepare("SELECT number, name, time FROM erasures WHERE number > ? ORDER BY number LIMIT ?")
		if err != nil {
			return err
		}
		defer stmt.Reset()
		stmt.BindInt64(1, after)
		stmt.BindInt64(2, int64(max))
		for {
			more, err := stmt.Step()
			if err != nil || !more {
				return err
			}
			e := vault.Erasure{Number: stmt.ColumnInt64(0), Time: time.UnixMicro(stmt.ColumnInt64(2)).UTC()}
			stmt.ColumnBytes(1, e.Name[:])
			all = append(all, e)
		}
	})
	return all, err
}

func (k *Keys) exec(query string, args ...any) error {
	return sqlitex.ExecuteTransient(k.conn, query, &sqlitex.ExecOptions{Args: args})
}

// do runs fn in a transaction.
func (k *Keys) do(ctx context.Context, doing string, fn func() error) error {
	return k.turn(ctx, doing, func() error { return k.transact(fn) })
}

func (k *Keys) transact(fn func() error) error {
	if err := configure(k.conn, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err := fn()
	if err == nil {
		err = configure(k.conn, "COMMIT")
	}
	if !k.conn.AutocommitEnabled() {
		err = firstOf(err, configure(k.conn, "ROLLBACK"))
	}
	return err
}

// turn runs fn while no one else uses the connection.
func (k *Keys) turn(ctx context.Context, doing string, fn func() error) error {
	if err := k.gate.enterWriter(ctx); err != nil {
		if errors.Is(err, store.ErrClosed) {
			err = vault.ErrClosed
		}
		return fmt.Errorf("%s: %w", doing, err)
	}
	defer k.gate.leaveWriter()
	if err := fn(); err != nil {
		return explain(doing, k.layout, err)
	}
	return nil
}

// Close implements vault.Vault.
func (k *Keys) Close() error {
	if !k.gate.close() {
		return nil
	}
	err := firstOf(configure(k.conn, foldKeys), k.conn.Close(), k.lock.Close())
	if err != nil {
		return fmt.Errorf("close keys: %w", err)
	}
	return nil
}
