//go:build unix

package blackbox_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/talix-dev/talix/internal/proctest"
)

// cluster are several processes on one database.
type cluster struct {
	mu    sync.Mutex
	nodes []*proctest.Process // those that clients know of
}

func (c *cluster) use(nodes ...*proctest.Process) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.nodes = slices.Clone(nodes)
}

// any is the URL of a node.
func (c *cluster) any() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.nodes[rand.N(len(c.nodes))].URL()
}

// Transfers in groups through any node of a cluster, whoever owns the accounts,
// while one node after another is killed, hangs for longer than its lease, and
// comes back: the sum stays, each transfer that was acknowledged is whole and
// there once, and those who have too little are named.
func TestClusterGroups(t *testing.T) {
	t.Parallel()
	args := append(onPostgres(t), "--advertise", "127.0.0.1:0", "--cluster-key", "a secret of the cluster")
	program := proctest.Build(t, "./examples/bank")
	var all []*proctest.Process
	for range 3 {
		all = append(all, program.Start(t, proctest.Config{Args: args}))
	}
	nodes, c := &cluster{}, newClient(t)
	c.http.Timeout = 10 * time.Second
	nodes.use(all...)
	const accounts, each = 12, 500
	for n := range accounts {
		fund(t, c, nodes, fmt.Sprintf("acc-%d", n), each)
	}
	var moved, refused atomic.Int64
	var done atomic.Bool
	var clients sync.WaitGroup
	for n := range 8 {
		clients.Go(func() {
			for i := 0; !done.Load(); i++ {
				from := rand.IntN(accounts)
				body := fmt.Sprintf(`{"from":"acc-%d","to":"acc-%d","amount":%d}`, from, (from+1+rand.IntN(accounts-1))%accounts, 1+rand.IntN(each))
				a := ask(t, c, nodes, "/exchanges", fmt.Sprintf("client-%d-exchange-%d", n, i), body)
				switch {
				case a.status == http.StatusOK:
					moved.Add(1)
				case a.status == http.StatusConflict && bytes.Contains(a.body, fmt.Appendf(nil, `account \"acc-%d\"`, from)):
					refused.Add(1)
				default:
					t.Errorf("%s got %d %s", body, a.status, a.body)
				}
			}
		})
	}
	goOn := func(what string) {
		until := moved.Load() + int64(size(25, 400))
		proctest.Eventually(t, 2*time.Minute, func() error {
			if n := moved.Load(); n < until {
				return fmt.Errorf("%s: %d were moved, want %d", what, n, until)
			}
			return nil
		})
	}
	goOn("nothing happens")
	for i, victim := range all {
		nodes.use(all[(i+1)%3], all[(i+2)%3])
		if i == 1 {
			victim.Suspend()
			goOn("a node hangs")
			victim.Resume()
		} else {
			victim.Kill()
			goOn("a node was killed")
			victim.Restart()
		}
		nodes.use(all...)
		goOn("it is back")
	}
	done.Store(true)
	clients.Wait()
	checkGroups(t, c, all, accounts, each, moved.Load())
	t.Logf("%d moved, %d refused", moved.Load(), refused.Load())
}

// checkGroups: all nodes tell of whole transfers.
func checkGroups(t *testing.T, c client, all []*proctest.Process, accounts int, each, moved int64) {
	t.Helper()
	for _, node := range all {
		var versions, sum int64
		for n := range accounts {
			var b balance
			proctest.Eventually(t, time.Minute, func() error { return c.get(fmt.Sprintf("%s/accounts/acc-%d", node.URL(), n), &b) })
			versions, sum = versions+b.Version, sum+b.Balance
		}
		if want := int64(accounts) + 2*moved; sum != int64(accounts)*each || versions != want {
			t.Errorf("the accounts hold %d after %d events, want %d after %d", sum, versions, int64(accounts)*each, want)
		}
		proctest.Eventually(t, time.Minute, func() error { return balanced(c, node.URL(), int64(accounts)*each) })
	}
}

// fund pays into an account, once.
func fund(t *testing.T, c client, nodes *cluster, account string, amount int) {
	t.Helper()
	a := ask(t, c, nodes, "/accounts/"+account+"/deposits", "fund "+account, fmt.Sprintf(`{"amount":%d}`, amount))
	if a.status != http.StatusOK {
		t.Fatalf("%s got %d %s", account, a.status, a.body)
	}
}

// ask asks any node under the same key until it is answered.
func ask(t *testing.T, c client, nodes *cluster, path, key, body string) (a answer) {
	t.Helper()
	for range 20_000 {
		var err error
		a, err = c.call("POST", nodes.any()+path, key, body)
		if err == nil && a.status != http.StatusServiceUnavailable && a.status != http.StatusGatewayTimeout {
			return a
		}
		<-time.After(5 * time.Millisecond)
	}
	t.Errorf("%s is not answered", key)
	return a
}
