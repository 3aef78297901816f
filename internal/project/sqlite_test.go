package project_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/talix-dev/talix/internal/project"
	talixsqlite "github.com/talix-dev/talix/store/sqlite"
	"github.com/talix-dev/talix/table"
)

func openTables(tb testing.TB, dir string) *talixsqlite.Tables {
	tb.Helper()
	tables, err := talixsqlite.OpenTables(tb.Context(), talixsqlite.TablesConfig{Dir: dir})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := tables.Close(); err != nil {
			tb.Error(err)
		}
	})
	return tables
}

// dump reads a table by SQL.
func dump(tb testing.TB, tables table.Store, name string) map[string][]table.Value {
	tb.Helper()
	rows := map[string][]table.Value{}
	for row, err := range tables.Query(tb.Context(), "SELECT * FROM "+name, nil) {
		if err != nil {
			tb.Fatal(err)
		}
		rows[row[0].Text()] = append([]table.Value(nil), row...)
	}
	return rows
}

// TestCrashesOnSQLite closes and opens the database at random points, under
// random failures.
func TestCrashesOnSQLite(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 8))
	l, dir := newLog(t, 2), t.TempDir()
	for range 12 {
		l.reopen(t)
		tables := openTables(t, dir)
		store := &faulty{Store: tables, chance: rand.New(rand.NewPCG(r.Uint64(), 2)).IntN}
		p := start(t, project.Config{Tables: store, Tail: l.tail, Load: l.Load, Registry: bank(accounts(), nested()), Batch: 50, Ignored: 8})
		l.add(someFacts(r, r.IntN(400), 50)...)
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(r.IntN(30))*time.Millisecond)
		_ = p.Wait(ctx, nil, l.heads())
		cancel()
		p.stop()
		if err := tables.Close(); err != nil {
			t.Fatal(err)
		}
	}
	tables := openTables(t, dir)
	p := start(t, project.Config{Tables: tables, Tail: l.tail, Load: l.Load, Registry: bank(accounts(), nested())})
	p.caughtUp(t, l)
	equal(t, dump(t, tables, "accounts"), folded(l))
	equal(t, dump(t, tables, "nested"), oneByOne(t, l))
	p.stop()
}

func TestPoisonOnSQLite(t *testing.T) {
	t.Parallel()
	var ill atomic.Bool
	ill.Store(true)
	l, tables := newLog(t, 1), openTables(t, "")
	p := start(t, project.Config{Tables: tables, Tail: l.tail, Load: l.Load, Registry: bank(picky(&ill), accounts())})
	l.add(deposits("a", 1, 2, 13, 4)...)
	var poison *project.Poison
	if err := p.Wait(t.Context(), nil, l.heads()); !errors.As(err, &poison) || poison.Event.Position != 3 {
		t.Fatalf("Wait for a stopped view: %v", err)
	}
	if err := p.Wait(t.Context(), []string{"accounts"}, l.heads()); err != nil {
		t.Error(err)
	}
	if got := dump(t, tables, "picky")["a"][1].Int(); got != 3 {
		t.Errorf("balance %d, want 3", got)
	}
	p.stop()

	ill.Store(false) // a new program, say
	p = start(t, project.Config{Tables: tables, Tail: l.tail, Load: l.Load, Registry: bank(picky(&ill), accounts())})
	p.caughtUp(t, l)
	if got := dump(t, tables, "picky")["a"][1].Int(); got != 20 {
		t.Errorf("balance %d after healing, want 20", got)
	}
	p.stop()
}

// The benchmarks take 100,000 events of 10,000 entities, in random order.
const (
	benchEvents   = 100_000
	benchEntities = 10_000
)

type balanceRow struct {
	ID      string
	Balance int64 `db:"balance,index"`
	Version int64
}

func balances() *project.Config {
	return &project.Config{Registry: bank(tableOf[balanceRow]("balances", when(func(r *balanceRow, e deposited, at *storeEvent) {
		r.Balance += e.Amount
		r.Version = int64(at.Version)
	})))}
}

func benchLog(b *testing.B) *memLog {
	l := newLog(b, 1)
	r := rand.New(rand.NewPCG(1, 2))
	for range benchEvents {
		l.append(fact{"account", fmt.Sprintf("0190%016x", r.IntN(benchEntities)), "DEPOSITED", deposited{r.Int64N(1000)}})
	}
	l.reopen(b)
	return l
}

func viewOnce(b *testing.B, l *memLog, batch int) time.Duration {
	tables := openTables(b, "")
	cfg := balances()
	cfg.Tables, cfg.Tail, cfg.Load, cfg.Batch = tables, l.tail, l.Load, batch
	cfg.Log = slog.New(slog.DiscardHandler)
	begin := time.Now()
	p := start(b, *cfg)
	p.caughtUp(b, l)
	took := time.Since(begin)
	p.stop()
	return took
}

// plainOnce decodes the same events and upserts a row for each, in batches of
// 1,000, by hand.
func plainOnce(b *testing.B, l *memLog) time.Duration {
	conn, err := sqlite.OpenConn(b.TempDir()+"/plain.db", sqlite.OpenReadWrite, sqlite.OpenCreate, sqlite.OpenWAL)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	run := func(sql string) {
		if err := sqlitex.ExecuteTransient(conn, sql, nil); err != nil {
			b.Fatal(err)
		}
	}
	run("PRAGMA synchronous = NORMAL")
	run("PRAGMA wal_autocheckpoint = 16000")
	run("PRAGMA cache_size = -65536")
	run("CREATE TABLE balances(id TEXT PRIMARY KEY NOT NULL, balance INTEGER NOT NULL, version INTEGER NOT NULL) WITHOUT ROWID")
	run("CREATE INDEX by_balance ON balances(balance)")
	begin := time.Now()
	stmt := conn.Prep("INSERT INTO balances VALUES (?, ?, ?) ON CONFLICT(id) DO UPDATE SET balance = balance + excluded.balance, version = excluded.version")
	for i, e := range l.all() {
		if i%1000 == 0 {
			run("BEGIN IMMEDIATE")
		}
		var d deposited
		if err := json.Unmarshal(e.Data, &d); err != nil {
			b.Fatal(err)
		}
		stmt.BindText(1, e.Stream.ID)
		stmt.BindInt64(2, d.Amount)
		stmt.BindInt64(3, int64(e.Version))
		if _, err := stmt.Step(); err != nil {
			b.Fatal(err)
		}
		_ = stmt.Reset()
		if i%1000 == 999 {
			run("COMMIT")
		}
	}
	return time.Since(begin)
}

// BenchmarkView compares a view with plain SQL in the same run: ratio is the
// view's rate of events over that of plain upserts.
func BenchmarkView(b *testing.B) {
	l := benchLog(b)
	for _, batch := range []int{256, 1024, 4096, 8192, 16384} {
		b.Run(fmt.Sprintf("batch=%d", batch), func(b *testing.B) {
			var view, plain time.Duration
			for b.Loop() {
				view += viewOnce(b, l, batch)
				plain += plainOnce(b, l)
			}
			n := float64(b.N) * benchEvents
			b.ReportMetric(n/view.Seconds(), "events/s")
			b.ReportMetric(n/plain.Seconds(), "plain/s")
			b.ReportMetric(plain.Seconds()/view.Seconds(), "ratio")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkWait is the way of one event from its publication to a Wait that
// returns.
func BenchmarkWait(b *testing.B) {
	l, cfg := newLog(b, 1), balances()
	cfg.Tables, cfg.Tail, cfg.Load = openTables(b, ""), l.tail, l.Load
	p := start(b, *cfg)
	for b.Loop() {
		l.add(fact{"account", "a", "DEPOSITED", deposited{1}})
		p.caughtUp(b, l)
	}
	p.stop()
}

// BenchmarkRunner leaves out the database.
func BenchmarkRunner(b *testing.B) {
	l := benchLog(b)
	b.ReportAllocs()
	for b.Loop() {
		cfg := balances()
		cfg.Tables, cfg.Tail, cfg.Load = newTables(), l.tail, l.Load
		p := start(b, *cfg)
		p.caughtUp(b, l)
		p.stop()
	}
	b.ReportMetric(float64(b.N)*benchEvents/b.Elapsed().Seconds(), "events/s")
}
