//go:build unix

package postgres_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/talix-dev/talix/internal/database"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/postgres"
	"github.com/talix-dev/talix/store/storetest"
)

// cluster is a server of the test's own, which it may stop.
type cluster struct {
	*database.Server
	tb testing.TB
}

// newCluster starts a server.
func newCluster(tb testing.TB) *cluster {
	tb.Helper()
	s, err := database.New(tb.Context())
	if errors.Is(err, database.ErrMissing) {
		tb.Skip(err)
	}
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	c := &cluster{s, tb}
	c.start()
	return c
}

func (c *cluster) start() { c.must(c.Start(c.tb.Context())) }

func (c *cluster) stop() { c.must(c.Stop(c.tb.Context())) }

// crash stops the server as a loss of power does, but for the disk's cache.
func (c *cluster) crash() { c.must(c.Crash(c.tb.Context())) }

func (c *cluster) must(err error) {
	c.tb.Helper()
	if err != nil {
		c.tb.Fatal(err)
	}
}

// TestServerCrashes under load: what was acknowledged is there, and writers go
// on by themselves.
func TestServerCrashes(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	config := postgres.Config{DSN: c.DSN(), Partitions: 4}
	s := open(t, config)
	var unknown, done atomic.Int64
	writers := make([]*writer, 4)
	for i := range writers {
		writers[i] = &writer{tb: t, store: s, partition: store.Partition(i), of: 4, unknown: &unknown}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	crashed := make(chan struct{})
	go func() {
		defer close(crashed)
		for range 3 {
			before := done.Load()
			eventually(t, "all writers went on", func() bool { return done.Load() > before+8 })
			c.crash()
			c.start()
		}
	}()
	inParallel(4, func(i int) {
		for running := true; running && ctx.Err() == nil; {
			select {
			case <-crashed:
				running = false
			default:
			}
			writers[i].commit(ctx, 10)
			done.Add(1)
		}
	})
	<-crashed
	t.Logf("%d outcomes were unknown", unknown.Load())
	for _, w := range writers {
		w.verify(s)
	}
	storetest.Check(t, s)
}

// TestUnsyncedServer is refused, unless the config takes it; where only the
// session would not sync, the store sees to it that what is acknowledged
// survives.
func TestUnsyncedServer(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	config := postgres.Config{DSN: c.DSN(), Schema: "talix", Partitions: 1}
	open(t, config)
	raw(t, config, "ALTER ROLE talix SET synchronous_commit = off")
	c.stop()
	c.Options = "-c wal_writer_delay=10s" // else the server would sync soon by itself
	c.start()
	s := open(t, config)
	one := stream(0, 1, "s")
	durable(t, s, 0, event(one, 1))
	durable(t, s, 0, fresh(one, 2)) // which another statement writes
	c.crash()
	c.start()
	eventually(t, "the server is back", func() bool { _, err := s.Head(t.Context(), 0); return err == nil })
	if n, err := count(t.Context(), s, one); n != 2 || err != nil {
		t.Errorf("after a crash the stream has %d events (%v), want 2", n, err)
	}
	c.crash()
	c.Options = "-c fsync=off"
	c.start()
	if s, err := postgres.Open(t.Context(), config); err == nil {
		s.Close()
		t.Error("a server without fsync was taken")
	} else if !strings.Contains(err.Error(), "fsync") {
		t.Errorf("Open says %q", err)
	}
	config.NoSync = true
	open(t, config)
}
