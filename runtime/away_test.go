package runtime_test

import (
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/examples/bank/account"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
)

// That the store is away is no bug: who starts, cancels or asks for a workflow
// meanwhile is told to try again.
func TestStoreIsAwayFromWorkflows(t *testing.T) {
	t.Parallel()
	var away atomic.Bool
	s := checked(t, memory.Config{
		Fault: func(_ store.Partition, batches []store.Batch) memory.Fault {
			for i := range batches {
				if away.Load() && len(batches[i].Records) > 0 {
					return memory.Fault{Kind: memory.Fail}
				}
			}
			return memory.Fault{}
		},
		ReadFault: func(method string) error {
			if away.Load() && method == "Record" {
				return fmt.Errorf("%s: the store is away", method)
			}
			return nil
		},
	})
	rt, err := runtime.New(t.Context(), runtime.Config{Store: s, Tables: tables(t), Parts: []talix.Part{account.Service}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	rt.Start()
	t.Cleanup(rt.Stop)
	ask := func(method, path, body string, want int) {
		t.Helper()
		if w := request(rt.Handler(), method, path, body); w.Code != want {
			t.Errorf("%s %s: %d %s", method, path, w.Code, w.Body)
		}
	}
	const transfer = `{"from":"a","to":"b","amount":1,"holdSeconds":60}`
	ask("POST", "/transfers", transfer, 202)
	away.Store(true)
	ask("POST", "/transfers", transfer, 503)
	ask("GET", "/transfers/x", "", 503)
	ask("POST", "/transfers/x/cancellation", "", 503)
	away.Store(false)
	ask("POST", "/transfers", transfer, 202)
	ask("GET", "/transfers/x", "", 404)
}
