package standalone_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/talix-dev/talix/examples/bank/account"
	"github.com/talix-dev/talix/internal/certtest"
	"github.com/talix-dev/talix/internal/proctest"
)

// Nodes that know each other by certificates take each other's requests.
func TestClusterByCertificates(t *testing.T) {
	t.Parallel()
	store, _ := database(t)
	ca := certtest.NewCA(t, "cluster")
	node := func() running {
		app, f := program(t, t.TempDir(), store), ca.Node(t, nil)
		app.Advertise, app.ClusterCert, app.ClusterCertKey, app.ClusterCA = "127.0.0.1:0", f.Cert, f.Key, f.CA
		return start(t, app, account.Service)
	}
	a, b := node(), node()
	for i := range 20 { // each of them is elsewhere for one of the nodes
		for k, r := range []running{a, b} {
			at, want := fmt.Sprintf("/accounts/c-%d/deposits", i), fmt.Sprintf(`"balance":%d`, 5*(k+1))
			proctest.Eventually(t, time.Minute, func() error { return deposited(t, r.listen+at, fmt.Sprint(i, k), want) })
		}
	}
	a.end(t)
	b.end(t)
}

// deposited makes a deposit once, however often it is called while a node joins.
func deposited(t *testing.T, url, key, want string) error {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "POST", url, strings.NewReader(`{"amount":5}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", key)
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(string(body), want) {
		return errors.Join(fmt.Errorf("%s answers %d %s", url, resp.StatusCode, body), err)
	}
	return nil
}
