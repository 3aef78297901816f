//go:build unix

package postgres_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/postgres"
	"github.com/talix-dev/talix/store/storetest"
)

// cluster is a server of the test's own, which it may stop.
type cluster struct {
	tb      testing.TB
	bin     string
	dir     string
	port    int
	owner   *syscall.Credential
	options string // of the server
}

// newCluster starts a server. Its programs don't run as root.
func newCluster(tb testing.TB) *cluster {
	tb.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // the pattern is well-formed
	if path, err := exec.LookPath("initdb"); err == nil {
		found = append(found, path)
	}
	if len(found) == 0 {
		tb.Skip("needs initdb and pg_ctl: apt-get install postgresql")
	}
	c := &cluster{tb: tb, bin: filepath.Dir(found[len(found)-1]), port: freePort(tb)}
	var err error
	if c.dir, err = os.MkdirTemp("", "talix-postgres-"); err != nil { //nolint:usetesting // the parents of TempDir may be closed to the server's user
		tb.Fatal(err)
	}
	tb.Cleanup(func() { os.RemoveAll(c.dir) })
	if os.Geteuid() == 0 {
		c.owner = postgresUser(tb)
		if err := os.Chown(c.dir, int(c.owner.Uid), int(c.owner.Gid)); err != nil {
			tb.Fatal(err)
		}
	}
	c.run("initdb", "-D", c.data(), "-U", "talix", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions")
	tb.Cleanup(func() {
		c.command(context.Background(), "pg_ctl", "-D", c.data(), "-m", "immediate", "-w", "stop").Run()
	})
	c.start()
	return c
}

func postgresUser(tb testing.TB) *syscall.Credential {
	tb.Helper()
	u, err := user.Lookup("postgres")
	if err != nil {
		tb.Skip("needs a user that PostgreSQL may run as: apt-get install postgresql makes one")
	}
	uid, _ := strconv.ParseUint(u.Uid, 10, 32)
	gid, _ := strconv.ParseUint(u.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

func freePort(tb testing.TB) int {
	tb.Helper()
	l, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func (c *cluster) data() string { return filepath.Join(c.dir, "data") }

func (c *cluster) dsn() string {
	return fmt.Sprintf("postgres://talix@127.0.0.1:%d/postgres?sslmode=disable", c.port)
}

func (c *cluster) command(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(c.bin, program), args...)
	cmd.Dir = c.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c.owner}
	return cmd
}

func (c *cluster) run(program string, args ...string) {
	c.tb.Helper()
	out, err := os.CreateTemp(c.tb.TempDir(), "out") // a pipe would be held open by the server
	if err != nil {
		c.tb.Fatal(err)
	}
	defer out.Close()
	cmd := c.command(c.tb.Context(), program, args...)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Run(); err != nil {
		text, _ := os.ReadFile(out.Name())
		c.tb.Fatalf("%s: %v\n%s", program, err, text)
	}
}

func (c *cluster) start() {
	c.tb.Helper()
	options := fmt.Sprintf("-p %d -c listen_addresses=127.0.0.1 -c unix_socket_directories='%s' %s", c.port, c.dir, c.options)
	c.run("pg_ctl", "-D", c.data(), "-l", filepath.Join(c.dir, "log"), "-t", "120", "-w", "-o", options, "start")
}

// crash stops the server as a loss of power does, but for the disk's cache.
func (c *cluster) crash() {
	c.tb.Helper()
	c.run("pg_ctl", "-D", c.data(), "-m", "immediate", "-t", "120", "-w", "stop")
}

// TestServerCrashes under load: what was acknowledged is there, and writers go
// on by themselves.
func TestServerCrashes(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	config := postgres.Config{DSN: c.dsn(), Partitions: 4}
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
	config := postgres.Config{DSN: c.dsn(), Schema: "talix", Partitions: 1}
	open(t, config)
	raw(t, config, "ALTER ROLE talix SET synchronous_commit = off")
	c.run("pg_ctl", "-D", c.data(), "-w", "stop")
	c.options = "-c wal_writer_delay=10s" // else the server would sync soon by itself
	c.start()
	s := open(t, config)
	one := stream(0, 1, "s")
	durable(t, s, 0, event(one, 1))
	c.crash()
	c.start()
	eventually(t, "the server is back", func() bool { _, err := s.Head(t.Context(), 0); return err == nil })
	if n, err := count(t.Context(), s, one); n != 1 || err != nil {
		t.Errorf("after a crash the stream has %d events (%v), want 1", n, err)
	}
	c.crash()
	c.options = "-c fsync=off"
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
