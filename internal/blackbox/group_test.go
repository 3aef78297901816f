package blackbox_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/talix-dev/talix/internal/proctest"
)

// A thousand transfers between ten accounts, each of them one append, while the
// process is killed again and again and others look: at no time is money on its
// way, the sum is the same whenever someone looks, those who have too little are
// named, and what was answered is there.
func TestGroupsSurviveKill(t *testing.T) {
	t.Parallel()
	proctest.Require(t)
	const accounts, each = 10, 50
	transfers, kills := 1000, size(4, 40)
	p := proctest.Build(t, "./examples/bank").Start(t, proctest.Config{})
	c := newClient(t)
	var url sync.Map
	url.Store("", p.URL())
	for n := range accounts {
		if a, err := c.call("POST", fmt.Sprintf("%s/accounts/acc-%d/deposits", p.URL(), n), "", fmt.Sprintf(`{"amount":%d}`, each)); err != nil || a.status != http.StatusOK {
			t.Fatal(err, a.status)
		}
	}
	var moved, refused atomic.Int64
	var all sync.WaitGroup
	for n := range 16 {
		all.Go(func() {
			for i := n; i < transfers; i += 16 {
				from := rand.IntN(accounts)
				body := fmt.Sprintf(`{"from":"acc-%d","to":"acc-%d","amount":%d}`, from, (from+1+rand.IntN(accounts-1))%accounts, 1+rand.IntN(each))
				a := exchange(t, c, &url, fmt.Sprint("exchange-", i), body)
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
	for range kills {
		<-time.After(time.Duration(50+rand.IntN(300)) * time.Millisecond)
		p.Kill()
		p.Restart()
		url.Store("", p.URL())
		proctest.Eventually(t, 20*time.Second, func() error { return balanced(c, p.URL(), accounts*each) })
	}
	all.Wait()
	var versions, sum int64
	for n := range accounts {
		var b balance
		c.mustGet(t, fmt.Sprintf("%s/accounts/acc-%d", p.URL(), n), &b)
		versions, sum = versions+b.Version, sum+b.Balance
	}
	if sum != accounts*each || versions != accounts+2*moved.Load() {
		t.Errorf("the accounts hold %d after %d events, want %d after %d", sum, versions, accounts*each, accounts+2*moved.Load())
	}
	if moved.Load()+refused.Load() != int64(transfers) || refused.Load() == 0 {
		t.Errorf("%d were moved and %d refused, of %d", moved.Load(), refused.Load(), transfers)
	}
	proctest.Eventually(t, 20*time.Second, func() error {
		var sums totals
		if err := c.get(p.URL()+"/totals", &sums); err != nil {
			return err
		}
		if sums.Balance != accounts*each || sums.InTransit != 0 {
			return fmt.Errorf("the view has %+v", sums)
		}
		return nil
	})
	t.Logf("%d moved, %d refused", moved.Load(), refused.Load())
}

// exchange asks under the same key until it is answered.
func exchange(t *testing.T, c client, url *sync.Map, key, body string) (a answer) {
	for range 5000 {
		at, _ := url.Load("")
		var err error
		a, err = c.call("POST", at.(string)+"/exchanges", key, body)
		if err == nil && a.status != http.StatusServiceUnavailable && a.status != http.StatusGatewayTimeout {
			return a
		}
		<-time.After(5 * time.Millisecond)
	}
	t.Errorf("%s is not answered", key)
	return a
}
