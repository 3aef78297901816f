package blackbox_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/talix-dev/talix/internal/proctest"
)

// Transfers between accounts, some of which cannot be received and some of
// which are cancelled, while the process is killed again and again: each ends
// done or undone, and all money, that on its way counted, is the same whenever
// someone looks.
func TestTransfersSurviveKill(t *testing.T) {
	t.Parallel()
	proctest.Require(t)
	transfers, kills := size(150, 3000), size(5, 50)
	const accounts, each = 6, 1_000_000
	p := proctest.Build(t, "./examples/bank").Start(t, proctest.Config{})
	c := newClient(t)
	var url sync.Map
	url.Store("", p.URL())
	for n := range accounts {
		if _, err := c.call("POST", fmt.Sprintf("%s/accounts/acc-%d/deposits", p.URL(), n), "", fmt.Sprintf(`{"amount":%d}`, each)); err != nil {
			t.Fatal(err)
		}
	}
	proctest.Eventually(t, 20*time.Second, func() error { return balanced(c, p.URL(), accounts*each) })

	var done atomic.Bool
	var looks atomic.Int64
	var others sync.WaitGroup
	others.Go(func() {
		for !done.Load() {
			at, _ := url.Load("")
			var sums totals
			if c.get(at.(string)+"/totals", &sums) != nil {
				<-time.After(5 * time.Millisecond)
				continue
			}
			if looks.Add(1); sums.Balance+sums.InTransit != accounts*each {
				t.Errorf("there is %+v, which is not %d", sums, accounts*each)
			}
		}
	})
	ids := make([]string, transfers)
	started := make(chan struct{})
	go func() {
		defer close(started)
		startTransfers(t, c, &url, ids, accounts)
	}()
	for range kills {
		<-time.After(time.Duration(50+rand.IntN(400)) * time.Millisecond)
		p.Kill()
		p.Restart()
		url.Store("", p.URL())
	}
	<-started
	proctest.Eventually(t, 3*time.Minute, func() error { return ended(t, c, p.URL(), ids) })
	done.Store(true)
	others.Wait()
	var sums totals
	c.mustGet(t, p.URL()+"/totals", &sums)
	if sums.Balance != accounts*each || sums.InTransit != 0 {
		t.Errorf("in the end there is %+v", sums)
	}
	t.Logf("%d transfers, looked at %d times", transfers, looks.Load())
}

type totals struct{ Accounts, Balance, InTransit int64 }

func balanced(c client, url string, want int64) error {
	var sums totals
	if err := c.get(url+"/totals", &sums); err != nil {
		return err
	}
	if sums.Balance != want {
		return fmt.Errorf("there is %+v, want %d", sums, want)
	}
	return nil
}

// startTransfers starts transfers, each under a key, and cancels some.
func startTransfers(t *testing.T, c client, url *sync.Map, ids []string, accounts int) {
	insist := func(path, key, body string) (a answer) {
		for range 20_000 {
			at, _ := url.Load("")
			var err error
			a, err = c.call("POST", at.(string)+path, key, body)
			if err == nil && a.status < 300 {
				return a
			}
			<-time.After(5 * time.Millisecond)
		}
		t.Errorf("%s is not taken: %d %s", path, a.status, a.body)
		return a
	}
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			for i := n; i < len(ids); i += 8 {
				from, to, hold := i%accounts, fmt.Sprint("acc-", (i+1)%accounts), 0
				switch i % 5 {
				case 0:
					to = "nobody"
				case 1:
					hold = 1
				}
				body := fmt.Sprintf(`{"from":"acc-%d","to":"%s","amount":%d,"holdSeconds":%d}`, from, to, 1+i%97, hold)
				a := insist("/transfers", fmt.Sprint("transfer-", i), body)
				var state struct{ TransferID string }
				if err := json.Unmarshal(a.body, &state); err != nil || a.status != http.StatusAccepted {
					t.Errorf("transfer: %d %s", a.status, a.body)
					return
				}
				if ids[i] = state.TransferID; i%10 == 1 {
					insist("/transfers/"+ids[i]+"/cancellation", "", "")
				}
			}
		})
	}
	all.Wait()
}

// ended is nil if all transfers have ended as they should.
func ended(t *testing.T, c client, url string, ids []string) error {
	for i, id := range ids {
		var state struct{ Status string }
		if err := c.get(url+"/transfers/"+id, &state); err != nil {
			return err
		}
		switch state.Status {
		case "done":
			if i%5 == 0 {
				t.Errorf("transfer %d to nobody is done", i)
			}
		case "failed":
			if i%5 != 0 {
				t.Errorf("transfer %d failed", i)
			}
		case "cancelled":
			if i%10 != 1 {
				t.Errorf("transfer %d was cancelled by no one", i)
			}
		default:
			return fmt.Errorf("transfer %d is %s", i, state.Status)
		}
	}
	return nil
}
