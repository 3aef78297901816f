package runtime_test

import (
	"strings"
	"testing"

	"github.com/talix-dev/talix/internal/certtest"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store/memory"
)

// With certificates a key is not needed, but a short one is refused still; what
// is wrong with files is told when the node is made.
func TestClusterTLSConfig(t *testing.T) {
	t.Parallel()
	f := certtest.NewCA(t, "cluster").Node(t, nil)
	good := &runtime.ClusterTLS{Cert: f.Cert, CertKey: f.Key, CA: f.CA}
	for name, c := range map[string]struct {
		cluster runtime.ClusterConfig
		want    string
	}{
		"certificate": {runtime.ClusterConfig{TLS: good}, ""},
		"both":        {runtime.ClusterConfig{TLS: good, Key: clusterKey}, ""},
		"short key":   {runtime.ClusterConfig{TLS: good, Key: "short"}, "16 characters"},
		"nothing":     {runtime.ClusterConfig{}, "or set TLS"},
		"no file":     {runtime.ClusterConfig{TLS: &runtime.ClusterTLS{Cert: "none.pem", CertKey: f.Key, CA: f.CA}}, "Config.Cluster.TLS: read certificate none.pem"},
	} {
		c.cluster.Address = "127.0.0.1:1"
		rt, err := runtime.New(t.Context(), runtime.Config{Store: checked(t, memory.Config{}), Cluster: &c.cluster})
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want a word of %q", name, err, c.want)
		}
		if err == nil {
			if rt.PeerTLS() == nil {
				t.Errorf("%s: other nodes are served without encryption", name)
			}
			rt.Stop()
		}
	}
	if rt := nodes(t, 1, checked(t, memory.Config{}), nil)[0]; rt.PeerTLS() != nil {
		t.Error("a node without certificates encrypts")
	}
}
