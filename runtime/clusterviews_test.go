package runtime_test

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/examples/bank/account"
	"github.com/talix-dev/talix/internal/proctest"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
	"github.com/talix-dev/talix/store/postgres"
	"github.com/talix-dev/talix/table"
)

type sumRow struct {
	ID  string
	Sum int64
}

// sums is a program whose view sums cents up, times a factor.
func sums(factor int64) []talix.Part {
	rows := talix.NewTable("sums", talix.When(func(r *sumRow, e talix.Recorded[account.Deposited]) { r.Sum += factor * e.Data.Amount }))
	return []talix.Part{account.Service, talix.Service{Name: "sums", Components: talix.Components{rows.CodeVersion(int(factor))}}}
}

// ground is what nodes stand on: open gives each what it reaches it by.
type ground func(t *testing.T) (store.Store, table.Store, func())

// grounds are by name; those that are not there skip the test.
func grounds() map[string]func(t *testing.T) ground {
	return map[string]func(t *testing.T) ground{
		"memory": func(t *testing.T) ground {
			t.Helper()
			s, views := checked(t, memory.Config{Partitions: 8}), tables(t)
			return func(*testing.T) (store.Store, table.Store, func()) {
				own := s.Share()
				return own, views, func() { own.Close() }
			}
		},
		"postgres": func(t *testing.T) ground {
			t.Helper()
			_, _, schemas := database(t)
			return func(t *testing.T) (store.Store, table.Store, func()) {
				t.Helper()
				dsn := dsnOf(t)
				events, err := postgres.Open(t.Context(), postgres.Config{DSN: dsn, Schema: schemas[0], NoSync: true})
				if err != nil {
					t.Fatal(err)
				}
				views, err := postgres.OpenTables(t.Context(), postgres.TablesConfig{DSN: dsn, Schema: schemas[1]})
				if err != nil {
					t.Fatal(err)
				}
				var once sync.Once
				end := func() { once.Do(func() { events.Close(); views.Close() }) }
				t.Cleanup(end)
				return events, views, end
			}
		},
	}
}

// joinOn begins a node.
func joinOn(t *testing.T, g ground, parts ...talix.Part) *node {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s, views, end := g(t)
	one := &node{cut: end}
	one.Runtime, err = runtime.New(t.Context(), runtime.Config{
		Store: s, Tables: views, Parts: parts, Log: slog.New(slog.DiscardHandler),
		Cluster: &runtime.ClusterConfig{Address: listener.Addr().String(), Key: clusterKey, Lease: time.Second},
	})
	if err != nil {
		t.Fatal(err)
	}
	var h2c http.Protocols
	h2c.SetUnencryptedHTTP2(true)
	one.peers = &http.Server{Handler: one, Protocols: &h2c, ReadHeaderTimeout: time.Minute}
	go one.peers.Serve(listener)
	one.Start()
	t.Cleanup(one.leave)
	return one
}

// sum is what a node's view sums up to.
func (n *node) sum(t *testing.T) int64 {
	t.Helper()
	rows, err := n.Views().SQL(t.Context(), "SELECT CAST(coalesce(sum(sum), 0) AS bigint) FROM sums", 1)
	if err != nil {
		t.Fatal(err)
	}
	return rows.Rows[0][0].Int()
}

// wantSum waits until the view sums up to a number of cents times a factor.
func (n *node) wantSum(t *testing.T, want int64) {
	t.Helper()
	proctest.Eventually(t, time.Minute, func() error {
		if got := n.sum(t); got != want {
			return fmt.Errorf("the sum is %d, want %d", got, want)
		}
		return nil
	})
}

// wantSame has the view hold what the log makes of it.
func (n *node) wantSame(t *testing.T) {
	t.Helper()
	for d, err := range n.Views().Verify(t.Context(), "sums") {
		t.Errorf("verify: %+v %v", d, err)
	}
}

// writers deposit cents by way of the nodes of the moment.
type writers struct {
	l     *seen
	nodes atomic.Pointer[[]*node]
	done  atomic.Bool
	all   sync.WaitGroup
}

func write(t *testing.T, nodes ...*node) *writers {
	t.Helper()
	w := &writers{l: &seen{acked: map[string]map[int64]string{}}}
	w.use(nodes...)
	for range 3 {
		w.all.Go(func() {
			for !w.done.Load() {
				w.l.deposit(t, *w.nodes.Load(), fmt.Sprint("account-", rand.N(30)), fmt.Sprint("key-", rand.Uint64()))
			}
		})
	}
	t.Cleanup(func() { w.stop() })
	return w
}

func (w *writers) use(nodes ...*node) { w.nodes.Store(&nodes) }

// stop ends them, and counts the cents.
func (w *writers) stop() (cents int64) {
	w.done.Store(true)
	w.all.Wait()
	for _, versions := range w.l.acked {
		cents += int64(len(versions))
	}
	return cents
}

// rebuilt waits until a node sees nothing being made.
func (n *node) rebuilt(t *testing.T) {
	t.Helper()
	statusOf(t, n.Runtime, "sums", func(s runtime.ViewStatus) bool { return s.Rebuild == nil })
}

// V3 on several nodes: a view is made anew on demand by all of them, while one
// falls silent, and then verified, while people write.
func TestClusterMakesAViewAnew(t *testing.T) {
	t.Parallel()
	for name, open := range grounds() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := open(t)
			a, b, c := joinOn(t, g, sums(1)...), joinOn(t, g, sums(1)...), joinOn(t, g, sums(1)...)
			for _, n := range []*node{a, b, c} {
				proctest.Eventually(t, time.Minute, n.Ready)
			}
			w := write(t, a, b)
			a.rebuilt(t)
			if err := a.Views().Rebuild(t.Context(), "sums"); err != nil {
				t.Fatal(err)
			}
			c.die()
			a.rebuilt(t)
			b.rebuilt(t)
			b.wantSame(t)
			cents := w.stop()
			a.wantSum(t, cents)
			a.wantSame(t)
		})
	}
}

// A rollout: old and new programs at the same time.
func TestClusterRollsOutAView(t *testing.T) {
	t.Parallel()
	for name, open := range grounds() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := open(t)
			a, b := joinOn(t, g, sums(1)...), joinOn(t, g, sums(1)...)
			for _, n := range []*node{a, b} {
				proctest.Eventually(t, time.Minute, n.Ready)
			}
			w := write(t, a, b)
			a.rebuilt(t)
			c := joinOn(t, g, sums(10)...)
			w.use(a, c)
			statusOf(t, c.Runtime, "sums", func(s runtime.ViewStatus) bool { return s.Rebuild != nil && len(s.Rebuild.Waits) == 2 })
			b.leave()
			cents := w.stop()
			a.wantSum(t, cents)
			again := write(t, a, c)
			d := joinOn(t, g, sums(10)...)
			again.use(c, d)
			a.leave()
			c.rebuilt(t)
			d.rebuilt(t)
			cents += again.stop()
			d.wantSum(t, 10*cents)
			c.wantSame(t)
		})
	}
}
