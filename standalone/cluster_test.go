package standalone_test

import (
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/talix-dev/talix/examples/bank/account"
)

// Two programs are nodes of a cluster, and a third one that is no node is told
// to join it.
func TestCluster(t *testing.T) {
	t.Parallel()
	store, _ := database(t)
	node := func() running {
		app := program(t, t.TempDir(), store)
		app.Advertise, app.ClusterKey = "127.0.0.1:0", "a secret of the cluster"
		return start(t, app, account.Service)
	}
	a, b := node(), node()
	for i, r := range []running{a, b, a, b} {
		for ready := false; !ready; {
			code, _ := fetch(t, "GET", r.admin+"/readyz", "")
			ready = code == http.StatusOK
		}
		if code, body := fetch(t, "POST", r.listen+"/accounts/a/deposits", `{"amount":5}`); code != http.StatusOK {
			t.Errorf("deposit %d: %d %s", i, code, body)
		}
	}
	app := program(t, t.TempDir(), store)
	app.Out, app.Log = io.Discard, slog.New(slog.DiscardHandler)
	if err := app.Run(t.Context(), account.Service); err == nil || !strings.Contains(err.Error(), "--advertise") {
		t.Errorf("a program that is no node is told: %v", err)
	}
	a.end(t)
	if code, body := fetch(t, "GET", b.listen+"/accounts/a", ""); code != http.StatusOK || !strings.Contains(body, `"balance":20`) {
		t.Errorf("the other node has %d %s", code, body)
	}
	b.end(t)
}
