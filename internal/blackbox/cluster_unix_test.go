//go:build unix

package blackbox_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/talix-dev/talix/internal/proctest"
)

// cluster are several processes of the bank on one database.
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

// pauses are the longest times between two answers of each account.
type pauses struct {
	mu      sync.Mutex
	last    map[string]time.Time
	longest time.Duration
}

func (p *pauses) answered(account string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if last, ok := p.last[account]; ok {
		p.longest = max(p.longest, now.Sub(last))
	}
	p.last[account] = now
}

// take is the longest pause since it was last asked.
func (p *pauses) take() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	d := p.longest
	p.longest, p.last = 0, map[string]time.Time{}
	return d
}

// A cluster loses no acknowledged deposit and does none twice, whatever becomes
// of its nodes: one is killed, one hangs for longer than its lease, all are
// restarted one after another. How long accounts were without answers is in the
// log of the test.
func TestCluster(t *testing.T) {
	t.Parallel()
	args := append(onPostgres(t), "--advertise", "127.0.0.1:0", "--cluster-key", "a secret of the cluster")
	program := proctest.Build(t, "./examples/bank")
	start := func() *proctest.Process { return program.Start(t, proctest.Config{Args: args}) }
	a, b := start(), start()
	nodes, c := &cluster{}, newClient(t)
	c.http.Timeout = 10 * time.Second
	nodes.use(a, b)
	l, p := &ledger{acked: map[string]map[int64]string{}}, &pauses{last: map[string]time.Time{}}
	var done atomic.Bool
	var clients sync.WaitGroup
	const accounts = 24
	for n := range 12 {
		clients.Go(func() {
			for i := 0; !done.Load(); i++ {
				key := fmt.Sprintf("client-%d-deposit-%d", n, i)
				insist(t, c, nodes, l, key, accounts)
				p.answered(accountOf(key, accounts))
			}
		})
	}
	load := func(what string) {
		<-time.After(time.Duration(size(2, 10)) * time.Second)
		t.Logf("%s: the longest time without an answer was %v", what, p.take())
	}
	load("nothing happens")
	third := start()
	nodes.use(a, b, third)
	load("a third node joins")
	nodes.use(b, third)
	a.Kill()
	load("a node is killed")
	a.Restart()
	nodes.use(a, third)
	b.Suspend()
	<-time.After(3 * time.Second)
	load("a node hangs for five seconds")
	b.Resume()
	nodes.use(a, b, third)
	load("it goes on")
	for _, node := range []*proctest.Process{a, b, third} {
		nodes.use(slices.DeleteFunc([]*proctest.Process{a, b, third}, func(o *proctest.Process) bool { return o == node })...)
		stop(node)
		node.Restart()
	}
	nodes.use(a, b, third)
	load("all nodes are restarted, one by one")
	done.Store(true)
	clients.Wait()
	for _, node := range []*proctest.Process{a, b, third} {
		checkBank(t, c, node.URL(), l)
	}
	checkDense(t, l)
}

// insist deposits until some node has answered.
func insist(t *testing.T, c client, nodes *cluster, l *ledger, key string, accounts int) {
	for range 10_000 {
		if deposit(t, c, nodes.any(), accounts, l, key) {
			return
		}
		<-time.After(5 * time.Millisecond)
	}
	t.Errorf("no node takes %s", key)
}

// checkDense: each version of an account was answered to one deposit.
func checkDense(t *testing.T, l *ledger) {
	t.Helper()
	n := 0
	for account, versions := range l.acked {
		for v := range int64(len(versions)) {
			if versions[v+1] == "" {
				t.Errorf("version %d of %s was answered to no one", v+1, account)
			}
		}
		n += len(versions)
	}
	t.Logf("%d deposits", n)
}
