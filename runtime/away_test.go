package runtime_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/examples/bank/account"
	"github.com/talix-dev/talix/internal/proctest"
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

// Work whose commit had an unknown outcome, and was made by way of its
// partition's owner, is begun at once all the same.
func TestClusterBeginsWorkOfUnknownOutcome(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	seen := map[string]bool{}
	first := func(key string) bool {
		mu.Lock()
		defer mu.Unlock()
		known := seen[key]
		seen[key] = true
		return !known
	}
	s := checked(t, memory.Config{Partitions: 8, Fault: func(_ store.Partition, batches []store.Batch) memory.Fault {
		for i := range batches {
			for _, c := range batches[i].Records {
				if c.Space == "work" && first(c.Key) {
					return memory.Fault{Kind: memory.UnknownWritten}
				}
			}
		}
		return memory.Fault{}
	}})
	all := nodes(t, 2, s, tables(t), account.Service)
	l := &seenTransfers{t: t, all: all}
	l.deposit("a")
	l.deposit("b")
	for i := range 12 {
		l.start(i)
	}
	l.wait()
}

// seenTransfers are transfers that were started on nodes in turn.
type seenTransfers struct {
	t   *testing.T
	all []*node
	ids []string
}

func (l *seenTransfers) deposit(id string) {
	l.t.Helper()
	if w := request(l.all[0].Handler(), "POST", "/accounts/"+id+"/deposits", `{"amount":100}`); w.Code != 200 {
		l.t.Fatalf("deposit: %d %s", w.Code, w.Body)
	}
}

func (l *seenTransfers) start(i int) {
	l.t.Helper()
	w := request(l.all[i%len(l.all)].Handler(), "POST", "/transfers", `{"from":"a","to":"b","amount":1}`)
	var state account.TransferState
	if err := json.Unmarshal(w.Body.Bytes(), &state); err != nil || w.Code != 202 {
		l.t.Fatalf("transfer: %d %s", w.Code, w.Body)
	}
	l.ids = append(l.ids, state.ID)
}

// wait waits for less than the minute after which work is looked for that nobody
// told of.
func (l *seenTransfers) wait() {
	l.t.Helper()
	proctest.Eventually(l.t, 45*time.Second, func() error {
		for _, id := range l.ids {
			if w := request(l.all[0].Handler(), "GET", "/transfers/"+id, ""); !strings.Contains(w.Body.String(), `"done"`) {
				return fmt.Errorf("%d %s", w.Code, w.Body)
			}
		}
		return nil
	})
}
