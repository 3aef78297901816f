package peer

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"
)

// Files name what a node is known by, in PEM: its certificate, behind which those
// between it and the CA may stand, the key of it, and the CAs of the cluster.
type Files struct{ Cert, Key, CA string }

// Identity is what a node shows to others, and what it asks of them: a
// certificate that the cluster's CA has signed. Names are not compared, as nodes
// come and go: whoever has such a certificate is a node. Files that have changed
// are read again for the next connection. Its methods may be called from many
// goroutines.
type Identity struct {
	files Files
	log   *slog.Logger
	last  atomic.Pointer[credentials]
}

// Identify reads the files, and tells what is wrong with them.
func Identify(files Files, log *slog.Logger) (*Identity, error) {
	first, err := readCredentials(files)
	if err != nil {
		return nil, err
	}
	i := &Identity{files: files, log: log}
	i.last.Store(first)
	return i, nil
}

// Server is how questions of other nodes are taken.
func (i *Identity) Server() *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS13,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return i.now().server(), nil },
	}
}

// now is what the files hold; what they held before, while they cannot be read
// or don't fit together, as in the middle of a change.
func (i *Identity) now() *credentials {
	last := i.last.Load()
	if last.stamps == stampsOf(i.files) {
		return last
	}
	next, err := readCredentials(i.files)
	if err != nil {
		i.log.Warn("read certificates again; the former ones are used", "error", err)
		return last
	}
	i.last.Store(next)
	return next
}

// credentials are what the files held at a time.
type credentials struct {
	stamps stamps
	own    tls.Certificate
	cas    *x509.CertPool
}

// stamps tell whether files have changed.
type stamps [3]struct {
	changed time.Time
	size    int64
}

// stampsOf has nothing of files that cannot be found; reading them tells why.
func stampsOf(files Files) (s stamps) {
	for i, name := range []string{files.Cert, files.Key, files.CA} {
		if info, err := os.Stat(name); err == nil {
			s[i].changed, s[i].size = info.ModTime(), info.Size()
		}
	}
	return s
}

func readCredentials(files Files) (c *credentials, err error) {
	c = &credentials{stamps: stampsOf(files), cas: x509.NewCertPool()} // before they are read, so that no change is missed
	if c.own, err = tls.LoadX509KeyPair(files.Cert, files.Key); err != nil {
		return nil, fmt.Errorf("read certificate %s with the key %s: %w", files.Cert, files.Key, err)
	}
	cas, err := os.ReadFile(files.CA)
	if err != nil {
		return nil, fmt.Errorf("read CA: %w", err)
	}
	if !c.cas.AppendCertsFromPEM(cas) {
		return nil, fmt.Errorf("read CA %s: it holds no certificate: write it in PEM", files.CA)
	}
	if err := c.fits(); err != nil {
		return nil, fmt.Errorf("certificate %s with the CA %s: %w: have that CA sign it, for both clientAuth and serverAuth", files.Cert, files.CA, err)
	}
	return c, nil
}

// fits tells why other nodes will not take the certificate.
func (c *credentials) fits() error {
	chain := []*x509.Certificate{c.own.Leaf}
	for _, der := range c.own.Certificate[1:] {
		between, err := x509.ParseCertificate(der)
		if err != nil {
			return err
		}
		chain = append(chain, between)
	}
	return errors.Join(c.verify(chain, x509.ExtKeyUsageServerAuth), c.verify(chain, x509.ExtKeyUsageClientAuth))
}

func (c *credentials) verify(chain []*x509.Certificate, usage x509.ExtKeyUsage) error {
	between := x509.NewCertPool()
	for _, cert := range chain[1:] {
		between.AddCert(cert)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{Roots: c.cas, Intermediates: between, KeyUsages: []x509.ExtKeyUsage{usage}})
	return err
}

func (c *credentials) server() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: []string{"h2"}, Certificates: []tls.Certificate{c.own},
		ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: c.cas, SessionTicketsDisabled: true,
	}
}

func (c *credentials) client() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, NextProtos: []string{"h2"},
		// The CA decides in any case, even if its list of issuers says otherwise.
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &c.own, nil },
		InsecureSkipVerify:   true, //nolint:gosec // of the name alone: the chain is verified below
		VerifyConnection: func(s tls.ConnectionState) error {
			return c.verify(s.PeerCertificates, x509.ExtKeyUsageServerAuth)
		},
	}
}
