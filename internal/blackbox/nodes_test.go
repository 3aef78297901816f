package blackbox_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"

	"github.com/talix-dev/talix/internal/proctest"
)

// The seed's scenario on three nodes that share a folder of files, with each
// request to another node.
func TestExpensesOnThreeNodes(t *testing.T) {
	t.Parallel()
	args := append(onPostgres(t), "--allow-private-addresses", "--advertise", "127.0.0.1:0", "--cluster-key", "a secret of the cluster")
	program, data := proctest.Build(t, "./examples/expenses"), t.TempDir()
	var nodes []*url.URL
	for range 3 {
		at, err := url.Parse(program.Start(t, proctest.Config{Args: args, Data: data}).URL())
		if err != nil {
			t.Fatal(err)
		}
		nodes = append(nodes, at)
	}
	app, site, c := inTurn(t, nodes), files(t), newClient(t)
	ids := map[string]string{}
	for _, name := range []string{"receipt.txt", "receipt.html", "letter.txt", "broken.pdf"} {
		ids[name] = upload(t, c, app, site+"/"+name)
	}
	for name, want := range map[string]string{"receipt.txt": "ANALYZED", "receipt.html": "ANALYZED", "letter.txt": "ANALYZED", "broken.pdf": "FAILED"} {
		for range nodes {
			if d := settled(t, c, app, ids[name]); d.Status != want || d.Name != name || d.URL != site+"/"+name || d.CreatedAt.IsZero() || d.Analysis == nil {
				t.Errorf("%s: %+v %+v", name, d, d.Analysis)
			}
		}
	}
	checkExpenses(t, c, app, ids, site)
}

// inTurn is a server that sends each request to another node.
func inTurn(t *testing.T, nodes []*url.URL) string {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	var turn atomic.Int64
	server := httptest.NewServer(&httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(nodes[int(turn.Add(1))%len(nodes)])
	}})
	t.Cleanup(server.Close)
	return server.URL
}
