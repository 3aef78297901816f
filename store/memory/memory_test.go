package memory_test

import (
	"sync"
	"testing"

	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
	"github.com/talix-dev/talix/store/storetest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		config memory.Config
		want   int
	}{
		"zero config":    {memory.Config{}, 4},
		"one partition":  {memory.Config{Partitions: 1}, 1},
		"256 partitions": {memory.Config{Partitions: 256}, 256},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Run(t, storetest.Factory{
				Open:     func(*testing.T, string) (store.Store, error) { return memory.New(test.config), nil },
				Features: storetest.Features{Partitions: test.want},
			})
		})
	}
}

// Several runtimes can work on the same data.
func TestShare(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	first := map[string]*memory.Store{}
	storetest.Run(t, storetest.Factory{
		Open: func(_ *testing.T, dir string) (store.Store, error) {
			mu.Lock()
			defer mu.Unlock()
			if first[dir] == nil {
				first[dir] = memory.New(memory.Config{})
			}
			return first[dir].Share(), nil
		},
		Features: storetest.Features{Durable: true, Shared: true},
	})
}
