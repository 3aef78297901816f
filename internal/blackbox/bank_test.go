package blackbox_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/talix-dev/talix/internal/proctest"
)

type balance struct{ Balance, Version int64 }

// ledger is what clients know of deposits of one cent each.
type ledger struct {
	mu    sync.Mutex
	acked map[string]map[int64]string // account → version → key
}

func (l *ledger) add(t *testing.T, account, key string, b balance) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.acked[account] == nil {
		l.acked[account] = map[int64]string{}
	}
	if other, ok := l.acked[account][b.Version]; ok && other != key {
		t.Errorf("version %d of %s was answered to %s and to %s", b.Version, account, other, key)
	}
	if b.Balance != b.Version {
		t.Errorf("version %d of %s has balance %d", b.Version, account, b.Balance)
	}
	l.acked[account][b.Version] = key
}

// Every acknowledged deposit is there after kill -9 and after a graceful stop
// under load, each one once, and those
// whose answer was lost are settled by asking again with the same key.
func TestBankSurvivesKill(t *testing.T) {
	t.Parallel()
	proctest.Require(t)
	survivesKill(t, proctest.Build(t, "./examples/bank").Start(t, proctest.Config{}), 6)
}

func survivesKill(t *testing.T, p *proctest.Process, rounds int) {
	t.Helper()
	c := newClient(t)
	const clients, accounts = 16, 8
	l := &ledger{acked: map[string]map[int64]string{}}
	pending := make([]string, clients) // the key of each client's deposit without an answer
	counts := make([]int, clients)
	for round := range rounds {
		url := p.URL()
		var all sync.WaitGroup
		for n := range clients {
			all.Go(func() { depositUntilCut(t, c, url, n, accounts, l, &pending[n], &counts[n]) })
		}
		until := time.After(time.Duration(100+rand.IntN(600)) * time.Millisecond)
		<-until
		if round%3 == 2 {
			stop(p) // gracefully, and under load all the same
		} else {
			p.Kill()
		}
		all.Wait()
		p.Restart()
		t.Logf("round %d: %d deposits so far", round, sum(counts))
	}
	for n, key := range pending {
		if key != "" && !deposit(t, c, p.URL(), accounts, l, key) {
			t.Errorf("client %d cannot settle %s", n, key)
		}
	}
	checkBank(t, c, p.URL(), l)
	stop(p)
	p.Restart()
	checkBank(t, c, p.URL(), l)
}

// depositUntilCut deposits until an answer fails to come. A deposit without an
// answer is asked for again before the next one.
func depositUntilCut(t *testing.T, c client, url string, n, accounts int, l *ledger, pending *string, count *int) {
	for {
		if *pending == "" {
			*count++
			*pending = fmt.Sprintf("client-%d-deposit-%d", n, *count)
		}
		if !deposit(t, c, url, accounts, l, *pending) {
			return
		}
		*pending = ""
	}
}

// deposit puts one cent into the account that belongs to the key; false without
// an answer.
func deposit(t *testing.T, c client, url string, accounts int, l *ledger, key string) bool {
	account := accountOf(key, accounts)
	a, err := c.call("POST", url+"/accounts/"+account+"/deposits", key, `{"amount":1}`)
	if err != nil || a.status == http.StatusServiceUnavailable || a.status == http.StatusGatewayTimeout {
		return false
	}
	var b balance
	if a.status != http.StatusOK || json.Unmarshal(a.body, &b) != nil {
		t.Errorf("deposit: %d %s", a.status, a.body)
		return false
	}
	l.add(t, account, key, b)
	return true
}

func accountOf(key string, accounts int) string {
	h := 0
	for _, b := range []byte(key) {
		h = h*31 + int(b)
	}
	return fmt.Sprintf("acc-%d", (h%accounts+accounts)%accounts)
}

func sum(counts []int) (n int) {
	for _, c := range counts {
		n += c
	}
	return n
}

// checkBank holds what the process answers against what clients know.
func checkBank(t *testing.T, c client, url string, l *ledger) {
	t.Helper()
	var total int64
	for account, versions := range l.acked {
		var b balance
		c.mustGet(t, url+"/accounts/"+account, &b)
		if b.Balance != int64(len(versions)) || b.Version != b.Balance {
			t.Errorf("%s: balance %d at version %d, and %d deposits were acknowledged", account, b.Balance, b.Version, len(versions))
		}
		total += b.Balance
	}
	proctest.Eventually(t, 20*time.Second, func() error {
		var totals struct{ Accounts, Balance int64 }
		if err := c.get(url+"/totals", &totals); err != nil {
			return err
		}
		if totals.Balance != total || totals.Accounts != int64(len(l.acked)) {
			return fmt.Errorf("the view has %+v, the accounts have %d in %d", totals, total, len(l.acked))
		}
		return nil
	})
}

// A thousand deposits at once on one account: versions 1 to 1000, each once.
func TestBankThousandAtOnce(t *testing.T) {
	t.Parallel()
	proctest.Require(t)
	p := proctest.Build(t, "./examples/bank").Start(t, proctest.Config{})
	c := newClient(t)
	l := &ledger{acked: map[string]map[int64]string{}}
	url := p.URL()
	var all sync.WaitGroup
	for n := range 1000 {
		all.Go(func() {
			a, err := c.call("POST", url+"/accounts/one/deposits", "", `{"amount":1}`)
			var b balance
			if err != nil || a.status != http.StatusOK || json.Unmarshal(a.body, &b) != nil {
				t.Errorf("deposit: %v %d %s", err, a.status, a.body)
				return
			}
			l.add(t, "one", fmt.Sprint(n), b)
		})
	}
	all.Wait()
	for v := int64(1); v <= 1000; v++ {
		if l.acked["one"][v] == "" {
			t.Errorf("version %d was answered to no one", v)
		}
	}
	checkBank(t, c, url, l)
}

// What the bank answers to what it cannot take.
func TestBankProblems(t *testing.T) {
	t.Parallel()
	proctest.Require(t)
	p := proctest.Build(t, "./examples/bank").Start(t, proctest.Config{Args: []string{"--store", "memory"}})
	c := newClient(t)
	for _, test := range []struct {
		method, path, body string
		status             int
		code               string
	}{
		{"POST", "/accounts/a/withdrawals", `{"amount":1}`, 409, "rejected"},
		{"GET", "/accounts/nobody", "", 404, "not_found"},
		{"GET", "/nowhere", "", 404, "not_found"},
		{"DELETE", "/accounts/a", "", 405, "invalid"},
		{"POST", "/accounts/a/deposits", `{"amount":0}`, 422, "invalid"},
		{"POST", "/accounts/a/deposits", `{"amount":-3}`, 422, "invalid"},
		{"POST", "/accounts/a/deposits", `{"amount":1.5}`, 422, "invalid"},
		{"POST", "/accounts/a/deposits", `{"amount":"5"}`, 422, "invalid"},
		{"POST", "/accounts/a/deposits", `{"amount":1e30}`, 422, "invalid"},
		{"POST", "/accounts/a/deposits", `{"amount":5,"colour":"red"}`, 422, "invalid"},
		{"POST", "/accounts/a/deposits", `{}`, 422, "invalid"},
		{"POST", "/accounts/a/deposits", `[]`, 422, "invalid"},
		{"POST", "/accounts/a/deposits", `{"amount":5`, 422, "invalid"},
		{"POST", "/accounts/a/deposits", `nonsense`, 422, "invalid"},
		{"POST", "/accounts/a%20b/deposits", `{"amount":5}`, 422, "invalid"},
		{"GET", "/accounts?min=x", "", 422, "invalid"},
		{"GET", "/accounts?colour=red", "", 422, "invalid"},
		{"GET", "/accounts?cursor=AAAA", "", 422, "invalid"},
		{"POST", "/accounts/a/deposits", `{"amount":5,"x":"` + string(make([]byte, 2<<20)) + `"}`, 413, "invalid"},
	} {
		a, err := c.call(test.method, p.URL()+test.path, "", test.body)
		if err != nil {
			t.Errorf("%s %s: %v", test.method, test.path, err)
			continue
		}
		var problem struct {
			Status int
			Code   string
			Title  string
		}
		json.Unmarshal(a.body, &problem)
		if a.status != test.status || problem.Status != test.status || problem.Code != test.code || problem.Title == "" ||
			a.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %s %.40s: %d %s", test.method, test.path, test.body, a.status, a.body)
		}
	}
}
