package peer_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/talix-dev/talix/internal/certtest"
	"github.com/talix-dev/talix/internal/peer"
)

// node is one that answers, and counts what it was asked.
type node struct {
	address string
	asked   atomic.Int64
}

func serve(t *testing.T, trust peer.Trust) *node {
	t.Helper()
	return serveWith(t, trust, trust.Identity)
}

// serveBare serves without encryption, whatever the trust says.
func serveBare(t *testing.T, trust peer.Trust) *node {
	t.Helper()
	return serveWith(t, trust, nil)
}

func serveWith(t *testing.T, trust peer.Trust, identity *peer.Identity) *node {
	t.Helper()
	n := &node{}
	h := peer.Serve(trust, slog.New(slog.DiscardHandler), map[string]peer.Handler{
		"echo": func(_ context.Context, decode func(any) error) (any, error) {
			n.asked.Add(1)
			var text string
			return &text, decode(&text)
		},
		"elsewhere": func(context.Context, func(any) error) (any, error) { return nil, &peer.Elsewhere{Node: "b"} },
	})
	s := &http.Server{Handler: onlyHTTP2(t, h), Protocols: new(http.Protocols), ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)}
	s.Protocols.SetUnencryptedHTTP2(identity == nil)
	s.Protocols.SetHTTP2(identity != nil)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n.address = listener.Addr().String()
	ended := make(chan error, 1)
	go func() {
		if identity == nil {
			ended <- s.Serve(listener)
			return
		}
		s.TLSConfig = identity.Server()
		ended <- s.ServeTLS(listener, "", "")
	}()
	t.Cleanup(func() {
		_ = s.Close()
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return n
}

func onlyHTTP2(t *testing.T, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 2 {
			t.Errorf("a question came by %s", r.Proto)
		}
		h.ServeHTTP(w, r)
	})
}

// ask asks by a client of its own, and so by a connection of its own.
func ask(t *testing.T, trust peer.Trust, n *node) error {
	t.Helper()
	c := peer.NewClient(trust)
	defer c.Close()
	return askBy(t, c, n)
}

func askBy(t *testing.T, c *peer.Client, n *node) error {
	t.Helper()
	var answer string
	err := c.Ask(t.Context(), n.address, "echo", "hello", &answer)
	if err == nil && answer != "hello" {
		t.Errorf("the answer is %q", answer)
	}
	return err
}

func identify(t *testing.T, f certtest.Files) *peer.Identity {
	t.Helper()
	i, err := peer.Identify(peer.Files(f), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return i
}
