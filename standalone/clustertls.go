package standalone

import (
	"errors"

	"github.com/talix-dev/talix/runtime"
)

// certified tells whether nodes know each other by certificates.
func (a *App) certified() bool {
	return a.ClusterCert != "" || a.ClusterCertKey != "" || a.ClusterCA != ""
}

// checkTrust tells what is missing for nodes to know each other.
func (a *App) checkTrust() error {
	switch {
	case a.certified() && (a.ClusterCert == "" || a.ClusterCertKey == "" || a.ClusterCA == ""):
		return errors.New("--cluster-cert, --cluster-cert-key and --cluster-ca go together: name a file for each of them")
	case !a.certified() && a.ClusterKey == "":
		return errors.New("--cluster-key is empty: make one with openssl rand -hex 32, and give it to all nodes in TALIX_CLUSTER_KEY; or name certificates with --cluster-cert")
	}
	return nil
}

func (a *App) clusterTLS() *runtime.ClusterTLS {
	if !a.certified() {
		return nil
	}
	return &runtime.ClusterTLS{Cert: a.ClusterCert, CertKey: a.ClusterCertKey, CA: a.ClusterCA}
}
