package console_test

import (
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/talix-dev/talix/console"
	"github.com/talix-dev/talix/console/api"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store/memory"
)

func TestClusterOfOne(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.deposit("alice", 1)
	s.has("/cluster", "has the store for itself", "this program", "notify", "accounts")
	if body := s.page("/cluster"); strings.Contains(body, "/do/drain") {
		t.Error("a program that is no node can be drained")
	}
	resp, body := s.send("POST", "/api/v1/cluster/drain", "{}", "Content-Type", "application/json")
	if resp.StatusCode != http.StatusConflict || !strings.Contains(body, "no other node") {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
}

// member is a console of one of several nodes.
func member(t *testing.T, shared *memory.Store) *site {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, log: &lines{}}
	s.rt, err = runtime.New(t.Context(), runtime.Config{
		Store: shared.Share(), Log: slog.New(slog.DiscardHandler),
		Cluster: &runtime.ClusterConfig{Address: listener.Addr().String(), Key: "a secret of the cluster", Lease: 2 * time.Second},
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
	t.Cleanup(func() {
		s.rt.Stop()
		_ = peers.Close()
		<-served
	})
	s.rt.Start()
	c := console.New(console.Config{Runtime: s.rt, Log: slog.New(slog.NewJSONHandler(s.log, nil))})
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	t.Cleanup(c.Close)
	s.url, s.client = server.URL, newBrowser(t)
	return s
}

func (s *site) members() (c api.Cluster) {
	s.t.Helper()
	_, body := s.send("GET", "/api/v1/cluster", "")
	if err := json.Unmarshal([]byte(body), &c); err != nil {
		s.t.Fatal(err, body)
	}
	return c
}

// A node is drained from its console: the other one owns everything then.
func TestDrain(t *testing.T) {
	t.Parallel()
	shared := memory.New(memory.Config{Partitions: 8})
	t.Cleanup(func() { _ = shared.Close() })
	a, b := member(t, shared), member(t, shared)
	a.eventually(func() bool { return owns(a.members()) > 0 && owns(b.members()) > 0 && len(a.members().Nodes) == 2 })
	a.has("/cluster", "2 nodes serve 8 partitions", "this one", "serving", "Drain this node")
	if _, body := a.post("/cluster", "/do/drain", "back", "/cluster"); !strings.Contains(body, "This node has handed everything over") {
		t.Error(body)
	}
	b.eventually(func() bool { return owns(b.members()) == 8 })
	a.eventually(func() bool { return owns(a.members()) == 0 })
	a.has("/cluster", "leaving", "There is nothing to drain")
	if !strings.Contains(a.log.String(), `"what":"drain node","subject":"127.0.0.1:`) {
		t.Errorf("the audit: %s", a.log)
	}
	resp, body := b.send("POST", "/api/v1/cluster/drain", "{}", "Content-Type", "application/json")
	if resp.StatusCode != http.StatusConflict || !strings.Contains(body, "no other node") {
		t.Errorf("the last node was drained: %d %s", resp.StatusCode, body)
	}
}

// owns is how many partitions the node that answers has.
func owns(c api.Cluster) int {
	for _, n := range c.Nodes {
		if n.Self {
			return n.Partitions
		}
	}
	return 0
}
