package cli_test

import (
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/console"
	"github.com/talix-dev/talix/examples/bank/account"
	"github.com/talix-dev/talix/internal/cli"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store/memory"
	"github.com/talix-dev/talix/store/sqlite"
	"github.com/talix-dev/talix/table"
)

// node is one of several programs on a store.
func node(t *testing.T, shared *memory.Store, tables table.Store) *site {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &site{T: t}
	s.rt, err = runtime.New(t.Context(), runtime.Config{
		Store: shared.Share(), Tables: tables, Log: slog.New(slog.DiscardHandler), Parts: []talix.Part{account.Service},
		Cluster: &runtime.ClusterConfig{Address: listener.Addr().String(), Key: "a secret of the cluster"},
	})
	if err != nil {
		t.Fatal(err)
	}
	var h2c http.Protocols
	h2c.SetUnencryptedHTTP2(true)
	peers := &http.Server{Handler: s.rt.PeerHandler(), Protocols: &h2c, ReadHeaderTimeout: time.Minute}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = peers.Serve(listener)
	}()
	s.rt.Start()
	t.Cleanup(func() {
		s.rt.Stop()
		_ = peers.Close()
		<-served
	})
	pages := console.New(console.Config{Runtime: s.rt, Log: slog.New(slog.DiscardHandler)})
	s.server = httptest.NewServer(pages)
	t.Cleanup(s.server.Close)
	t.Cleanup(pages.Close)
	s.env = map[string]string{"TALIX_ADMIN": s.server.URL}
	return s
}

// Nodes, partitions and lags are told, and a node is drained.
func TestClusterOfTwo(t *testing.T) {
	t.Parallel()
	tables, err := sqlite.OpenTables(t.Context(), sqlite.TablesConfig{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tables.Close() })
	shared := memory.New(memory.Config{Partitions: 4})
	a, b := node(t, shared, tables), node(t, shared, tables)
	for _, s := range []*site{a, b} {
		s.until(func() bool { return s.rt.Ready() == nil && len(s.rt.Cluster().Nodes()) == 2 })
	}
	a.depositOnce("alice", "first", 5)
	for _, want := range []string{"NODE", "LEASE", "asked", "PARTITION", "OWNER", "view", "accounts"} {
		a.eventually("cluster", want)
	}
	drained := a.name()
	a.fails(cli.Misused, "cluster drain", "would serve nothing itself")
	a.eventually("cluster drain --yes", "owns nothing any more")
	b.until(func() bool {
		for _, p := range b.rt.Cluster().Partitions() {
			if p.Node == "" || p.Node == drained {
				return false
			}
		}
		return true
	})
	b.depositOnce("alice", "second", 5)
	b.says("state account alice", `"Balance": 10`)
}

// depositOnce deposits, however often a node that is slow has to be asked.
func (s *site) depositOnce(id, key string, amount int64) {
	s.Helper()
	s.until(func() bool {
		_, err := talix.Run(s.rt.ContextWithKey(s.Context(), key), account.Deposit, id, account.Movement{Amount: amount})
		return err == nil
	})
}

// name is what a node is called.
func (s *site) name() string {
	for _, n := range s.rt.Cluster().Nodes() {
		if n.Self {
			return n.Name
		}
	}
	return ""
}
