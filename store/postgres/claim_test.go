package postgres_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/talix-dev/talix/store/postgres"
)

// What a claim waits for renews the owner's lease, which had ended: a commit
// during which the owner beats, or the beat itself. The owner finds that it owns
// the partition, and so it does.
func TestClaimThatWaitsSeesTheLeaseRenewed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		slow string
		beat bool // while the claim waits
	}{
		"commit": {"UPDATE partitions SET head = head WHERE partition = 0", true},
		"beat":   {"UPDATE nodes SET until = clock_timestamp() + interval '1 hour' WHERE node = 'a'", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			claimWhile(t, c.slow, c.beat)
		})
	}
}

func claimWhile(t *testing.T, slow string, beat bool) {
	t.Helper()
	c := config(t)
	a, b := open(t, c), open(t, c)
	beatOf(t, a)
	if _, ok, err := a.Claim(t.Context(), 0, "a"); !ok || err != nil {
		t.Fatal(ok, err)
	}
	raw(t, c, "UPDATE nodes SET until = clock_timestamp() - interval '1 minute'")
	conn, err := pgx.Connect(t.Context(), c.DSN)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	if _, err := conn.PgConn().Exec(t.Context(), "SET search_path = "+c.Schema+"; BEGIN; "+slow).ReadAll(); err != nil {
		t.Fatal(err)
	}
	claimed := make(chan error, 1)
	go func() {
		_, ok, err := b.Claim(t.Context(), 0, "b")
		if ok {
			err = errors.New("it was claimed")
		}
		claimed <- err
	}()
	waits(t, c, conn.PgConn().PID())
	if beat {
		beatOf(t, a)
	}
	if owners, err := a.Owners(t.Context()); err != nil || len(owners) != 1 || owners[0].Node != "a" {
		t.Fatal(owners, err)
	}
	if _, err := conn.Exec(t.Context(), "COMMIT"); err != nil {
		t.Fatal(err)
	}
	if err := <-claimed; err != nil {
		t.Error("claim what has an owner again: ", err)
	}
}

func beatOf(t *testing.T, s *postgres.Store) {
	t.Helper()
	if err := s.Beat(t.Context(), "a", "http://a", time.Hour); err != nil {
		t.Fatal(err)
	}
}

// waits waits until someone waits for a lock of the process with that id. What
// others do is told once a transaction, so it asks outside of one.
func waits(t *testing.T, c postgres.Config, process uint32) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), c.DSN)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	for until := time.Now().Add(time.Minute); ; {
		var n int
		err := conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE $1 = ANY(pg_blocking_pids(pid))", int32(process)).Scan(&n)
		if err != nil || time.Now().After(until) {
			t.Fatal("nobody waits: ", err)
		}
		if n > 0 {
			return
		}
	}
}
