package runtime_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
)

// insistently does something under one key until it is answered.
func insistently(t *testing.T, n *node, key string, do func(talix.ActionContext) error) (err error) {
	t.Helper()
	for range 5000 {
		err = do(n.ContextWithKey(t.Context(), key))
		if !errors.Is(err, talix.ErrUnavailable) && !errors.Is(err, talix.ErrUnknown) && !errors.Is(err, talix.ErrOverloaded) {
			return err
		}
		<-time.After(2 * time.Millisecond)
	}
	return err
}

// 64 clients register the same e-mail address through three nodes: one wins, and
// again once it was released. Its members and the value lie in partitions of any
// node.
func TestClusterUniqueIsWonOnce(t *testing.T) {
	t.Parallel()
	s, m := checked(t, memory.Config{Partitions: 8}), newMembers()
	all := nodes(t, 3, s, nil, m.service())
	for round := range 3 {
		var winner atomic.Pointer[string]
		var clients sync.WaitGroup
		for i := range 64 {
			clients.Go(func() {
				id := fmt.Sprint(round, "-member-", i)
				err := insistently(t, all[i%3], id, func(ctx talix.ActionContext) error {
					_, err := talix.Run(ctx, m.register, id, [2]string{"A@example.org", "a@EXAMPLE.org"}[i%2])
					return err
				})
				switch {
				case err == nil:
					if !winner.CompareAndSwap(nil, &id) {
						t.Errorf("%s has it, and %s too", id, *winner.Load())
					}
				case !errors.Is(err, talix.ErrTaken):
					t.Error(err)
				}
			})
		}
		clients.Wait()
		if winner.Load() == nil {
			t.Fatal("no one won")
		}
		for _, n := range all {
			if h := m.holder(t, n.Runtime, "a@example.org"); h != *winner.Load() {
				t.Errorf("it is held by %q, and %s won", h, *winner.Load())
			}
		}
		err := insistently(t, all[round], *winner.Load()+" leaves", func(ctx talix.ActionContext) error {
			_, err := talix.Run(ctx, m.leave, *winner.Load(), struct{}{})
			return err
		})
		if n := keptIn(t, s); err != nil || n != 0 {
			t.Errorf("%d records are left behind (%v)", n, err)
		}
	}
}

// A value may be reserved whoever had its partition before, also where this node
// did.
func TestClusterUniqueAfterMoves(t *testing.T) {
	t.Parallel()
	s, m := checked(t, memory.Config{Partitions: 8}), newMembers()
	all := nodes(t, 2, s, nil, m.service())
	register := func(n *node, i int) {
		t.Helper()
		id := fmt.Sprint("member-", i)
		err := insistently(t, n, id, func(ctx talix.ActionContext) error {
			_, err := talix.Run(ctx, m.register, id, fmt.Sprint(i, "@example.org"))
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	for i := range 16 {
		register(all[i%2], i)
	}
	third := join(t, s, nil, m.service())
	if err := all[0].Cluster().Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := range 32 {
		register([]*node{all[0], all[1], third}[i%3], 16+i)
	}
	for i := range 48 {
		if h := m.holder(t, all[1].Runtime, fmt.Sprint(i, "@EXAMPLE.org")); h != fmt.Sprint("member-", i) {
			t.Errorf("%d is held by %q", i, h)
		}
	}
}

// A store that cannot commit to several partitions at once is no cluster's.
func TestClusterNeedsASpanner(t *testing.T) {
	t.Parallel()
	s := memory.New(memory.Config{})
	_, err := runtime.New(t.Context(), runtime.Config{Store: struct {
		store.Store
		store.Keeper
		store.Lister
		store.Leases
	}{s, s, s, s}, Cluster: &runtime.ClusterConfig{Address: "127.0.0.1:1", Key: clusterKey}})
	if err == nil || !strings.Contains(err.Error(), "spans") {
		t.Errorf("it starts: %v", err)
	}
}
