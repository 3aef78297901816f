// Package certtest makes certificates for tests: CAs, and what they sign, as files.
package certtest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// CA signs certificates.
type CA struct {
	cert *x509.Certificate
	key  crypto.Signer
	der  []byte
}

// NewCA makes a CA.
func NewCA(t testing.TB, name string) *CA {
	t.Helper()
	ca := &CA{}
	ca.der, ca.key = sign(t, template(t, name, func(c *x509.Certificate) {
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign
	}), nil)
	var err error
	if ca.cert, err = x509.ParseCertificate(ca.der); err != nil {
		t.Fatal(err)
	}
	return ca
}

// Node is the certificate of a node, good for clients and servers, after a
// change if that is not nil.
func (ca *CA) Node(t testing.TB, change func(*x509.Certificate)) Files {
	t.Helper()
	f := FilesIn(t.TempDir())
	ca.Write(t, f, change)
	return f
}

// Files are the files of a node.
type Files struct{ Cert, Key, CA string }

// FilesIn names the files of a node in a folder.
func FilesIn(dir string) Files {
	return Files{filepath.Join(dir, "node.pem"), filepath.Join(dir, "node-key.pem"), filepath.Join(dir, "ca.pem")}
}

// Write writes the files of Node.
func (ca *CA) Write(t testing.TB, f Files, change func(*x509.Certificate)) {
	t.Helper()
	der, key := sign(t, template(t, "node", func(c *x509.Certificate) {
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}
		if change != nil {
			change(c)
		}
	}), ca)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, f.CA, "CERTIFICATE", ca.der)
	write(t, f.Key, "PRIVATE KEY", secret)
	write(t, f.Cert, "CERTIFICATE", der)
}

func template(t testing.TB, name string, change func(*x509.Certificate)) *x509.Certificate {
	t.Helper()
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	change(c)
	return c
}

// sign makes a certificate; without a CA, one that signs itself.
func sign(t testing.TB, c *x509.Certificate, ca *CA) ([]byte, crypto.Signer) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	parent, by := c, crypto.Signer(key)
	if ca != nil {
		parent, by = ca.cert, ca.key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), by)
	if err != nil {
		t.Fatal(err)
	}
	return der, key
}

func write(t testing.TB, name, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}
