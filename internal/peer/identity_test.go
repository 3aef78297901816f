package peer_test

import (
	"bytes"
	"crypto/x509"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/talix-dev/talix/internal/certtest"
	"github.com/talix-dev/talix/internal/peer"
)

// What is wrong with certificates is told at the start, with the file's name.
func TestIdentityFaults(t *testing.T) {
	t.Parallel()
	ca := certtest.NewCA(t, "cluster")
	good := ca.Node(t, nil)
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	serverOnly := func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }
	expired := func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }
	for name, c := range map[string]struct {
		files certtest.Files
		want  []string
	}{
		"no certificate": {certtest.Files{Cert: "none.pem", Key: good.Key, CA: good.CA}, []string{"none.pem"}},
		"no key":         {certtest.Files{Cert: good.Cert, Key: "none.pem", CA: good.CA}, []string{"none.pem"}},
		"no CA":          {certtest.Files{Cert: good.Cert, Key: good.Key, CA: "none.pem"}, []string{"none.pem"}},
		"text":           {certtest.Files{Cert: good.Cert, Key: good.Key, CA: text}, []string{text, "in PEM"}},
		"other key":      {certtest.Files{Cert: good.Cert, Key: ca.Node(t, nil).Key, CA: good.CA}, []string{good.Cert, "does not match"}},
		"other CA":       {certtest.Files{Cert: good.Cert, Key: good.Key, CA: certtest.NewCA(t, "other").Node(t, nil).CA}, []string{good.Cert, "unknown authority", "have that CA sign it"}},
		"server alone":   {ca.Node(t, serverOnly), []string{"incompatible key usage", "clientAuth"}},
		"expired":        {ca.Node(t, expired), []string{"expired"}},
	} {
		_, err := peer.Identify(peer.Files(c.files), slog.New(slog.DiscardHandler))
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, which does not say %q", name, err, want)
			}
		}
	}
}

// Files that have changed are read again, for new connections: after a change of
// the CA, who has a certificate of the former one is refused.
func TestIdentityIsReadAgain(t *testing.T) {
	t.Parallel()
	former, next := certtest.NewCA(t, "cluster"), certtest.NewCA(t, "cluster")
	here, there := former.Node(t, nil), former.Node(t, nil)
	old := peer.Trust{Identity: identify(t, former.Node(t, nil))}
	one, two := peer.Trust{Identity: identify(t, here)}, peer.Trust{Identity: identify(t, there)}
	n := serve(t, one)
	for _, trust := range []peer.Trust{old, two} {
		if err := ask(t, trust, n); err != nil {
			t.Fatal(err)
		}
	}
	var c changes
	c.rewrite(t, next, here)
	c.rewrite(t, next, there)
	if err := ask(t, two, n); err != nil {
		t.Errorf("with the new certificates: %v", err)
	}
	if err := ask(t, old, n); err == nil {
		t.Error("a former certificate is taken")
	}
}

// While files don't fit together, as in the middle of a change, the former ones
// are used, and it is told.
func TestIdentityOutlivesABrokenChange(t *testing.T) {
	t.Parallel()
	ca := certtest.NewCA(t, "cluster")
	files := ca.Node(t, nil)
	var log journal
	i, err := peer.Identify(peer.Files(files), slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	n := serve(t, peer.Trust{Identity: i})
	asker := peer.Trust{Identity: identify(t, ca.Node(t, nil))}
	key, err := os.ReadFile(files.Key)
	if err != nil {
		t.Fatal(err)
	}
	var c changes
	c.rewrite(t, ca, files)
	renewed, err := os.ReadFile(files.Key)
	if err != nil {
		t.Fatal(err)
	}
	for _, broken := range [][]byte{key, []byte("half of it")} {
		c.put(t, files.Key, broken)
		if err := ask(t, asker, n); err != nil {
			t.Errorf("while it is changed: %v", err)
		}
	}
	if !strings.Contains(log.String(), "read certificates again") {
		t.Errorf("the log says %q", log.String())
	}
	c.put(t, files.Key, renewed)
	if err := ask(t, asker, n); err != nil {
		t.Errorf("once it was changed: %v", err)
	}
}

// changes are of files. Each gives them another time, even where clocks are coarse.
type changes struct{ n int }

func (c *changes) rewrite(t *testing.T, ca *certtest.CA, f certtest.Files) {
	t.Helper()
	ca.Write(t, f, nil)
	c.touch(t, f.Cert, f.Key, f.CA)
}

func (c *changes) put(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	c.touch(t, name)
}

func (c *changes) touch(t *testing.T, names ...string) {
	t.Helper()
	c.n++
	at := time.Now().Add(time.Duration(c.n) * time.Hour)
	for _, name := range names {
		if err := os.Chtimes(name, at, at); err != nil {
			t.Fatal(err)
		}
	}
}

// journal is a log that is read while it is written.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}
