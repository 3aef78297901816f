package postgres_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/postgres"
	"github.com/talix-dev/talix/store/storetest"
)

func factory(t testing.TB, config postgres.Config) storetest.Factory {
	t.Helper()
	config.DSN = server(t)
	return storetest.Factory{
		Open: func(t *testing.T, dir string) (store.Store, error) {
			c := config
			c.Schema = schema(t, dir)
			return postgres.Open(t.Context(), c)
		},
		Features: storetest.Features{Durable: true, Shared: true, Partitions: config.Partitions},
	}
}

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, factory(t, postgres.Config{Partitions: 4, NoSync: true}))
}

// TestStoreWithTinyMemory looks everything up in the database again.
func TestStoreWithTinyMemory(t *testing.T) {
	t.Parallel()
	storetest.Run(t, factory(t, postgres.Config{Partitions: 1, Streams: 1, Writers: 1, Readers: 1, NoSync: true}))
}

func TestKill(t *testing.T) {
	t.Parallel()
	f := factory(t, postgres.Config{Partitions: 4})
	open := f.Open
	f.Open = func(t *testing.T, dir string) (store.Store, error) {
		waitForOthers(t, dir)
		return open(t, dir)
	}
	storetest.Kill(t, f)
}

// waitForOthers waits until the server has ended the sessions of processes that
// were killed: what they had sent may land until then.
func waitForOthers(t *testing.T, dir string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), server(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	eventually(t, "the killed process's sessions have ended", func() bool {
		var n int
		err := conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query LIKE '%' || $1 || '%'", schemaName(dir)).Scan(&n)
		return err == nil && n == 0
	})
}

// TestGroup: calls for many partitions, which share statements, don't get into
// one another's way, whatever becomes of each.
func TestGroup(t *testing.T) {
	t.Parallel()
	c := config(t)
	c.Partitions, c.Writers = 32, 1
	s := open(t, c)
	inParallel(c.Partitions, func(i int) {
		p := store.Partition(i)
		name, other := stream(p, c.Partitions, "s"), stream(p, c.Partitions, "t")
		for v := range store.Version(20) {
			good, late := event(name, v+1), event(other, 5)
			late.Key[0] = 7
			commitAs(t, s, p, []store.Status{store.Durable, store.Conflict}[:1+(i+int(v))%2], good, late)
			again := event(name, v+2) // fits, but for its key
			again.Key = good.Key
			if (i+int(v))%3 == 0 {
				commitAs(t, s, p, []store.Status{store.Duplicate}, again)
			}
		}
		if n, err := count(t.Context(), s, name); n != 20 || err != nil {
			t.Errorf("stream %v has %d events (%v), want 20", name, n, err)
		}
	})
	storetest.Check(t, s)
	if err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func commitAs(t *testing.T, s store.Store, p store.Partition, want []store.Status, batches ...store.Batch) {
	t.Helper()
	for i, o := range s.Commit(t.Context(), p, batches[:len(want)]) {
		if o.Status != want[i] {
			t.Errorf("partition %d, batch %d ended as %v (%v), want %v", p, i, o.Status, o.Err, want[i])
		}
	}
}

// TestGuard: what one store remembers of a stream does not stand against what
// another one has written, whatever else it writes meanwhile.
func TestGuard(t *testing.T) {
	t.Parallel()
	for name, meanwhile := range map[string]string{"at once": "", "after another commit": "u"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := pair(t)
			s := stream(1, 4, "s")
			durable(t, a, 1, event(s, 1))
			durable(t, a, 1, event(s, 2))
			durable(t, b, 1, event(s, 3))
			if meanwhile != "" {
				durable(t, a, 1, event(stream(1, 4, meanwhile), 1))
			}
			guarded := event(stream(1, 4, "t"), 1)
			guarded.Appends = append(guarded.Appends, store.Append{Stream: s, Expect: 2})
			commitAs(t, a, 1, []store.Status{store.Conflict}, guarded)
			guarded.Appends[1].Expect = 3
			durable(t, a, 1, guarded)
		})
	}
}

// TestRecordsOfOneCall: what is put, deleted with others and put again by one
// call ends as if each batch had come alone.
func TestRecordsOfOneCall(t *testing.T) {
	t.Parallel()
	s := open(t, config(t))
	change := func(op store.Op, key string, rev, from byte) store.Batch {
		return store.Batch{Records: []store.Change{{
			Record: store.Record{Space: "x", Key: key, Rev: store.ID{rev}}, Op: op, From: store.ID{from},
		}}}
	}
	durable(t, s, 1, change(store.Put, "a/old", 1, 0), change(store.Put, "b", 1, 0))
	const ok, no = store.Durable, store.Conflict
	commitAs(t, s, 1, []store.Status{ok, no, ok, no, ok, ok, ok, ok},
		change(store.Put, "a/new", 2, 0), change(store.Put, "a/new", 3, 9), change(store.DeleteUnder, "a/", 0, 0), change(store.Put, "a/old", 4, 1),
		change(store.Put, "a/last", 5, 0), change(store.Delete, "b", 0, 1), change(store.Put, "b", 6, 0), change(store.Put, "b", 7, 6))
	found, err := s.Records(t.Context(), 1, "x", "", "", 10)
	if err != nil || len(found) != 2 || found[0].Key != "a/last" || found[1].Key != "b" || found[1].Rev != (store.ID{7}) {
		t.Errorf("left are %v (%v)", found, err)
	}
	commitAs(t, s, 1, []store.Status{ok, ok}, change(store.Put, "c/1", 1, 0), change(store.DeleteUnder, "c/", 0, 0))
	if _, there, err := s.Record(t.Context(), 1, "x", "c/1"); there || err != nil {
		t.Errorf("a record that was put and deleted is there (%v)", err)
	}
}
