package runtime

import (
	"crypto/tls"
	"fmt"
	"log/slog"

	"github.com/talix-dev/talix/internal/peer"
)

// ClusterTLS names the files, in PEM, that a node of a cluster is known by. They
// are read again for new connections when they have changed; while they cannot
// be read or don't fit together, what they held before is used.
type ClusterTLS struct {
	// Cert is the node's certificate, behind which those between it and the CA
	// may stand, and CertKey is its private key. It has to be good for clients and
	// servers. Nodes may share one.
	Cert, CertKey string
	// CA holds one or more CAs. Whoever has a certificate that one of them signed
	// is taken for a node, under whatever name: let it be the cluster's own.
	CA string
}

// trust reads what nodes know each other by.
func (c *ClusterConfig) trust(log *slog.Logger) (t peer.Trust, err error) {
	t.Key = c.Key
	if c.TLS != nil {
		if t.Identity, err = peer.Identify(peer.Files{Cert: c.TLS.Cert, Key: c.TLS.CertKey, CA: c.TLS.CA}, log); err != nil {
			err = fmt.Errorf("Config.Cluster.TLS: %w", err)
		}
	}
	return t, err
}

// PeerTLS is what PeerHandler has to be served with, as the TLSConfig of an
// http.Server; nil unless there is ClusterConfig.TLS.
func (r *Runtime) PeerTLS() *tls.Config {
	if r.trust.Identity == nil {
		return nil
	}
	return r.trust.Identity.Server()
}
