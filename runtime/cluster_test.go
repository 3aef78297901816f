package runtime_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/examples/bank/account"
	"github.com/talix-dev/talix/internal/proctest"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store/memory"
	"github.com/talix-dev/talix/table"
)

const clusterKey = "a secret of the cluster"

// node is a runtime that shares a store with others.
type node struct {
	*runtime.Runtime
	cut   func() // from the store
	peers *http.Server
	once  sync.Once
	meets atomic.Pointer[meets] // what others ask; nil: it is answered
}

// meets gets what others ask of a node, and answers by next or not at all.
type meets func(question string, w http.ResponseWriter, r *http.Request, next http.Handler)

// meet has the others' questions pass through a function.
func (n *node) meet(f meets) { n.meets.Store(&f) }

// ServeHTTP answers other nodes.
func (n *node) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if f := n.meets.Load(); f != nil {
		(*f)(path.Base(r.URL.Path), w, r, n.PeerHandler())
		return
	}
	n.PeerHandler().ServeHTTP(w, r)
}

// nodes are several runtimes on one store and its view tables.
func nodes(t *testing.T, n int, s *memory.Store, tables table.Store, parts ...talix.Part) []*node {
	t.Helper()
	all := make([]*node, n)
	for i := range all {
		all[i] = join(t, s, tables, parts...)
	}
	for _, one := range all {
		proctest.Eventually(t, 20*time.Second, one.Ready)
	}
	return all
}

func join(t *testing.T, s *memory.Store, tables table.Store, parts ...talix.Part) *node {
	t.Helper()
	return joinFor(t, 600*time.Millisecond, s, tables, parts...)
}

// joinFor is join with a lease of some length.
func joinFor(t *testing.T, lease time.Duration, s *memory.Store, tables table.Store, parts ...talix.Part) *node {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	own := s.Share()
	one := &node{cut: func() { own.Close() }}
	one.Runtime, err = runtime.New(t.Context(), runtime.Config{
		Store: own, Tables: tables, Parts: parts, Log: slog.New(slog.DiscardHandler),
		Cluster: &runtime.ClusterConfig{Address: listener.Addr().String(), Key: clusterKey, Lease: lease},
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

// leave stops a node as an operator does.
func (n *node) leave() {
	n.once.Do(func() {
		n.Stop()
		n.peers.Close()
	})
}

// die ends a node so that the others only notice that it is silent.
func (n *node) die() {
	n.cut()
	n.peers.Close()
}

// seen is what clients know of deposits of one cent each.
type seen struct {
	mu    sync.Mutex
	acked map[string]map[int64]string // by account and version: the key
}

// deposit puts a cent into an account through any node until one takes it.
func (l *seen) deposit(t *testing.T, all []*node, id, key string) (position string) {
	for range 5000 {
		w := request(all[rand.N(len(all))].Handler(), "POST", "/accounts/"+id+"/deposits", `{"amount":1}`, "Idempotency-Key", key)
		var b account.Balance
		switch w.Code {
		case http.StatusOK:
			if err := json.Unmarshal(w.Body.Bytes(), &b); err != nil || b.Balance != b.Version {
				t.Errorf("%s: %s (%v)", key, w.Body, err)
			}
			l.mu.Lock()
			defer l.mu.Unlock()
			if l.acked[id] == nil {
				l.acked[id] = map[int64]string{}
			}
			if other, ok := l.acked[id][b.Version]; ok && other != key {
				t.Errorf("version %d of %s was answered to %s and %s", b.Version, id, other, key)
			}
			l.acked[id][b.Version] = key
			return w.Header().Get("Talix-Position")
		case http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			<-time.After(2 * time.Millisecond)
		default:
			t.Errorf("%s: %d %s", key, w.Code, w.Body)
			return ""
		}
	}
	t.Errorf("%s was taken by no node", key)
	return ""
}

// check holds what the nodes answer against what clients know.
func (l *seen) check(t *testing.T, all []*node) {
	t.Helper()
	var sum int64
	for id, versions := range l.acked {
		for _, n := range all {
			var b account.Balance
			w := request(n.Handler(), "GET", "/accounts/"+id, "")
			if err := json.Unmarshal(w.Body.Bytes(), &b); err != nil || b.Balance != int64(len(versions)) || b.Version != b.Balance {
				t.Errorf("%s: %d %s, and %d deposits were acknowledged", id, w.Code, w.Body, len(versions))
			}
		}
		sum += int64(len(versions))
	}
	for _, n := range all {
		proctest.Eventually(t, 20*time.Second, func() error {
			w := request(n.Handler(), "GET", "/totals", "")
			if want := fmt.Sprintf(`"balance":%d,`, sum); !strings.Contains(w.Body.String(), want) {
				return fmt.Errorf("totals are %d %s, want %s", w.Code, w.Body, want)
			}
			return nil
		})
	}
}

// C1 to C5 in one process: clients talk to any node, while nodes join, leave and
// fall silent. Each acknowledged deposit is there once, and views know it.
func TestClusterOfThree(t *testing.T) {
	t.Parallel()
	s, views := checked(t, memory.Config{Partitions: 8}), tables(t)
	all := nodes(t, 3, s, views, account.Service)
	l := &seen{acked: map[string]map[int64]string{}}
	var current atomic.Pointer[[]*node]
	current.Store(&all)
	var done atomic.Bool
	var clients sync.WaitGroup
	for c := range 8 {
		clients.Go(func() {
			for i := 0; !done.Load(); i++ {
				l.deposit(t, *current.Load(), fmt.Sprint("account-", (c+i)%12), fmt.Sprint("client-", c, "-", i))
			}
		})
	}
	use := func(all ...*node) { current.Store(&all) }
	a, b, c := all[0], all[1], all[2]
	<-time.After(300 * time.Millisecond)
	d := join(t, s, views, account.Service)
	use(a, b, c, d)
	<-time.After(time.Second)
	use(b, c, d)
	a.leave()
	<-time.After(300 * time.Millisecond)
	b.die()
	<-time.After(time.Second)
	use(c, d)
	<-time.After(300 * time.Millisecond)
	done.Store(true)
	clients.Wait()
	l.check(t, []*node{c, d})
}

// Who asks any node with the position of what it wrote by way of another one
// sees it.
func TestClusterReadsOwnWrites(t *testing.T) {
	t.Parallel()
	all := nodes(t, 2, checked(t, memory.Config{Partitions: 8}), tables(t), account.Service)
	l := &seen{acked: map[string]map[int64]string{}}
	for i := range 40 {
		position := l.deposit(t, all, "one", fmt.Sprint("key-", i))
		for _, n := range all {
			w := request(n.Handler(), "GET", "/totals?after="+position, "")
			if want := fmt.Sprintf(`"balance":%d,`, i+1); !strings.Contains(w.Body.String(), want) {
				t.Errorf("after %s totals are %d %s, want %s", position, w.Code, w.Body, want)
			}
		}
	}
}

// Workflows, wherever they are started, run once, with commands on entities of
// any node, and are seen from every node.
func TestClusterRunsWorkflows(t *testing.T) {
	t.Parallel()
	all := nodes(t, 3, checked(t, memory.Config{Partitions: 8}), tables(t), account.Service)
	l := &seen{acked: map[string]map[int64]string{}}
	const accounts = 6
	for i := range accounts {
		for j := range 20 {
			l.deposit(t, all, fmt.Sprint("acc-", i), fmt.Sprint("key-", i, "-", j))
		}
	}
	var ids []string
	for i := range 30 {
		body := fmt.Sprintf(`{"from":"acc-%d","to":"acc-%d","amount":1}`, i%accounts, (i+1)%accounts)
		w := request(all[i%3].Handler(), "POST", "/transfers", body)
		var state account.TransferState
		if err := json.Unmarshal(w.Body.Bytes(), &state); err != nil || w.Code != http.StatusAccepted {
			t.Fatalf("transfer: %d %s", w.Code, w.Body)
		}
		ids = append(ids, state.ID)
	}
	for i, id := range ids {
		proctest.Eventually(t, 20*time.Second, func() error {
			w := request(all[(i+1)%3].Handler(), "GET", "/transfers/"+id, "")
			if !strings.Contains(w.Body.String(), `"done"`) {
				return fmt.Errorf("%d %s", w.Code, w.Body)
			}
			return nil
		})
	}
	proctest.Eventually(t, 20*time.Second, func() error {
		w := request(all[0].Handler(), "GET", "/totals", "")
		if want := `{"accounts":6,"balance":120,"inTransit":0}`; strings.TrimSpace(w.Body.String()) != want {
			return fmt.Errorf("totals are %s, want %s", w.Body, want)
		}
		return nil
	})
}

// What operators see of nodes and partitions, and that they can empty a node.
func TestClusterIsShown(t *testing.T) {
	t.Parallel()
	all := nodes(t, 2, checked(t, memory.Config{Partitions: 8}), tables(t), account.Service)
	if err := all[0].Cluster().Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	proctest.Eventually(t, 20*time.Second, func() error {
		members, owned := all[1].Cluster().Nodes(), map[string]int{}
		for _, p := range all[1].Cluster().Partitions() {
			owned[p.Node]++
		}
		for _, n := range members {
			if n.Self && (n.Partitions != 8 || owned[n.Name] != 8) || !n.Self && !n.Leaving {
				return fmt.Errorf("nodes are %+v", members)
			}
		}
		if len(members) != 2 {
			return fmt.Errorf("nodes are %+v", members)
		}
		return nil
	})
	if err := all[0].Ready(); err == nil {
		t.Error("a node that leaves is ready")
	}
	l := &seen{acked: map[string]map[int64]string{}}
	l.deposit(t, all[:1], "one", "by way of the other")
	l.check(t, all)
}

// What a node needs is told when it is made.
func TestClusterConfig(t *testing.T) {
	t.Parallel()
	_, err := runtime.New(t.Context(), runtime.Config{Store: memory.New(memory.Config{}), Cluster: &runtime.ClusterConfig{Key: "short"}})
	for _, word := range []string{"Address", "16 characters"} {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("New says %v, want a word about %s", err, word)
		}
	}
	all := nodes(t, 2, checked(t, memory.Config{}), tables(t), account.Service)
	for _, path := range []string{"/talix/peer/run", "/talix/peer/commit", "/talix/peer/work", "/talix/peer/hold", "/talix/peer/told", "/talix/peer/take", "/talix/peer/look"} {
		if w := request(all[0].PeerHandler(), "POST", path, "{}", "Authorization", "Bearer guess"); w.Code != http.StatusUnauthorized {
			t.Errorf("%s answers a stranger: %d %s", path, w.Code, w.Body)
		}
	}
}
