package peer_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/talix-dev/talix/internal/certtest"
	"github.com/talix-dev/talix/internal/peer"
)

// Nodes that trust each other by key, by certificate or by both are answered, and
// no one else: the others have done nothing, and who asks learns that for certain
// unless the line broke before the refusal was read.
func TestNodesKnowEachOther(t *testing.T) {
	t.Parallel()
	ours, theirs := certtest.NewCA(t, "cluster"), certtest.NewCA(t, "cluster")
	one, two, foreign := identify(t, ours.Node(t, nil)), identify(t, ours.Node(t, nil)), identify(t, theirs.Node(t, nil))
	open := theirs.Node(t, nil) // takes ours as well, so that nobody but we can refuse it
	open.CA = together(t, open.CA, ours.Node(t, nil).CA)
	trusting := identify(t, open)
	for name, c := range map[string]struct {
		server, client peer.Trust
		answered       bool
	}{
		"key":                    {peer.Trust{Key: "k"}, peer.Trust{Key: "k"}, true},
		"other key":              {peer.Trust{Key: "k"}, peer.Trust{Key: "j"}, false},
		"no key":                 {peer.Trust{Key: "k"}, peer.Trust{}, false},
		"nothing":                {peer.Trust{}, peer.Trust{}, false},
		"certificate":            {peer.Trust{Identity: one}, peer.Trust{Identity: two}, true},
		"both":                   {peer.Trust{Key: "k", Identity: one}, peer.Trust{Key: "k", Identity: two}, true},
		"certificate, other key": {peer.Trust{Key: "k", Identity: one}, peer.Trust{Key: "j", Identity: two}, false},
		"certificate, no key":    {peer.Trust{Key: "k", Identity: one}, peer.Trust{Identity: two}, false},
		"foreign client":         {peer.Trust{Identity: one}, peer.Trust{Identity: foreign}, false},
		"foreign server":         {peer.Trust{Identity: foreign}, peer.Trust{Identity: one}, false},
		"stranger as client":     {peer.Trust{Identity: one}, peer.Trust{Identity: trusting}, false},
		"stranger as server":     {peer.Trust{Identity: trusting}, peer.Trust{Identity: one}, false},
		"server without":         {peer.Trust{Key: "k"}, peer.Trust{Key: "k", Identity: one}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := serve(t, c.server)
			err := ask(t, c.client, n)
			if c.answered != (err == nil) || err != nil && name != "stranger as client" && !errors.Is(err, peer.ErrUnreached) {
				t.Errorf("%v", err)
			}
			if asked := n.asked.Load() == 1; asked != c.answered {
				t.Errorf("it was asked: %v; %v", asked, err)
			}
		})
	}
}

// together is a file with what several hold.
func together(t *testing.T, names ...string) string {
	t.Helper()
	var all []byte
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, data...)
	}
	at := filepath.Join(t.TempDir(), "all.pem")
	if err := os.WriteFile(at, all, 0o600); err != nil {
		t.Fatal(err)
	}
	return at
}

// A node that wants certificates takes no question without, whoever asks.
func TestQuestionsWithoutCertificate(t *testing.T) {
	t.Parallel()
	one := identify(t, certtest.NewCA(t, "cluster").Node(t, nil))
	n := serve(t, peer.Trust{Key: "k", Identity: one})
	if err := ask(t, peer.Trust{Key: "k"}, n); err == nil || n.asked.Load() > 0 {
		t.Errorf("without encryption: %v", err)
	}
	bare := serveBare(t, peer.Trust{Key: "k", Identity: one})
	if err := ask(t, peer.Trust{Key: "k"}, bare); !errors.Is(err, peer.ErrUnreached) || bare.asked.Load() > 0 {
		t.Errorf("where its host forgot to encrypt: %v", err)
	}
}

func TestElsewhereIsTold(t *testing.T) {
	t.Parallel()
	n := serve(t, peer.Trust{Key: "k"})
	c := peer.NewClient(peer.Trust{Key: "k"})
	defer c.Close()
	var answer string
	err := c.Ask(t.Context(), n.address, "elsewhere", "hello", &answer)
	if e, ok := errors.AsType[*peer.Elsewhere](err); !ok || e.Node != "b" || !errors.Is(err, peer.ErrElsewhere) {
		t.Errorf("%v", err)
	}
}
