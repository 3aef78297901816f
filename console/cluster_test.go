package console_test

import (
	"encoding/json"
	"fmt"
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
	// A node that stalls may be missed for a while, so all is asked again and again.
	a.shows("/cluster", "2 nodes serve 8 partitions", "this one", "serving", "Drain this node")
	a.eventually(func() bool {
		key := formKey.FindStringSubmatch(a.page("/cluster"))
		if key == nil {
			return false
		}
		_, body := a.send("POST", "/do/drain", values("form", key[1], "back", "/cluster"), "Content-Type", formType, "Origin", a.url)
		return strings.Contains(body, "This node has handed everything over")
	})
	b.eventually(func() bool { return owns(b.members()) == 8 })
	a.eventually(func() bool { return owns(a.members()) == 0 })
	a.shows("/cluster", "leaving", "There is nothing to drain")
	if !strings.Contains(a.log.String(), `"what":"drain node","subject":"127.0.0.1:`) {
		t.Errorf("the audit: %s", a.log)
	}
	resp, body := b.send("POST", "/api/v1/cluster/drain", "{}", "Content-Type", "application/json")
	if resp.StatusCode != http.StatusConflict || !strings.Contains(body, "no other node") {
		t.Errorf("the last node was drained: %d %s", resp.StatusCode, body)
	}
}

// shows waits until a page has all of the texts.
func (s *site) shows(path string, wants ...string) {
	s.t.Helper()
	eventually(s.t, func() error {
		body := s.page(path)
		for _, want := range wants {
			if !strings.Contains(body, want) {
				return fmt.Errorf("%s lacks %q:\n%s", path, want, body)
			}
		}
		return nil
	})
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
