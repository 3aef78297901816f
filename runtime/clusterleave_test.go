package runtime_test

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/talix-dev/talix/examples/bank/account"
	"github.com/talix-dev/talix/internal/proctest"
	"github.com/talix-dev/talix/store/memory"
)

// A node that leaves is asked for what it still has, also by one that has never
// seen it otherwise. The lease is so long that nothing moves by itself while the
// test runs: the node keeps everything until it hears the others again.
func TestClusterAsksWhoLeaves(t *testing.T) {
	t.Parallel()
	const lease = time.Minute
	s, views := checked(t, memory.Config{Partitions: 8}), tables(t)
	a := joinFor(t, lease, s, views, account.Service)
	proctest.Eventually(t, 30*time.Second, a.Ready)
	var runs atomic.Int64
	hears := make(chan struct{})
	a.meet(func(question string, w http.ResponseWriter, r *http.Request, next http.Handler) {
		switch question {
		case "run":
			runs.Add(1)
		case "take":
			<-hears
		}
		next.ServeHTTP(w, r)
	})
	joinFor(t, lease, s, views, account.Service)
	drained := make(chan error, 1)
	go func() { drained <- a.Cluster().Drain(t.Context()) }()
	sees := func(n *node) {
		proctest.Eventually(t, 30*time.Second, func() error {
			for _, one := range n.Cluster().Nodes() {
				if one.Leaving && one.Partitions == 8 {
					return nil
				}
			}
			return fmt.Errorf("nodes are %+v", n.Cluster().Nodes())
		})
	}
	sees(a)
	c := joinFor(t, lease, s, views, account.Service)
	sees(c)
	l := &seen{acked: map[string]map[int64]string{}}
	for i := range 8 {
		l.deposit(t, []*node{c}, fmt.Sprint("account-", i), fmt.Sprint("key-", i))
	}
	if runs.Load() == 0 {
		t.Error("the node that leaves was not asked")
	}
	close(hears)
	if err := <-drained; err != nil {
		t.Error(err)
	}
}
