package console_test

import (
	"encoding/binary"
	"fmt"
	"net/url"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/examples/bank/account"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/sqlite"
)

// mostOf is how long half of the requests of a page may take, with a million
// entities.
const mostOf = 200 * time.Millisecond

// fill appends n accounts with an event each, and then n/100 events to one of
// them; every tenth account gets a second event.
func fill(t *testing.T, s store.Store, n int) {
	t.Helper()
	var batches []store.Batch
	versions := map[string]store.Version{}
	flush := func() {
		for _, o := range s.Commit(t.Context(), 0, batches) {
			if o.Status != store.Durable {
				t.Fatal(o.Status, o.Err)
			}
		}
		batches = batches[:0]
	}
	add := func(i int, id string) {
		var key store.ID
		binary.BigEndian.PutUint64(key[8:], uint64(len(versions)+i+1)<<20|uint64(versions[id]+1))
		name := store.Stream{Type: "account", ID: id}
		batches = append(batches, store.Batch{Appends: []store.Append{{Stream: name, Expect: versions[id], Events: []store.Event{{
			ID: key, Stream: name, Version: versions[id] + 1, Type: "ACCOUNTS:DEPOSITED", Schema: 1, Command: key, Correlation: key,
			Time: time.Date(2026, 3, 1, 12, 0, 0, i*1000, time.UTC), Data: fmt.Appendf(nil, `{"amount":%d}`, i%1000+1),
		}}}}})
		if versions[id]++; len(batches) == 2000 {
			flush()
		}
	}
	for i := range n {
		add(i, fmt.Sprintf("a%07d", i))
	}
	for i := 0; i < n; i += 10 {
		add(n+i, fmt.Sprintf("a%07d", i))
	}
	flush()
	for i := range n / 100 {
		add(2*n+i, "a0000000")
	}
	flush()
}

// Every page answers at once, however many entities there are: with
// TALIX_TEST_FULL=1 there are a million, and times are looked at.
func TestPagesWithManyEntities(t *testing.T) {
	t.Parallel()
	full, n, times := os.Getenv("TALIX_TEST_FULL") == "1", 2_000, 1
	if full {
		n, times = 1_000_000, 15
	}
	events, err := sqlite.Open(t.Context(), sqlite.Config{Dir: t.TempDir(), NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := events.Close(); err != nil {
			t.Error(err)
		}
	})
	fill(t, events, n)
	s := openSite(t, runtime.Config{Store: events}, []talix.Part{account.Service})
	for deadline := time.Now().Add(10 * time.Minute); s.rt.Views().Status()[0].Lag > 0; {
		if time.Now().After(deadline) {
			t.Fatal("the view does not catch up")
		}
		<-time.After(20 * time.Millisecond)
	}
	answer, _ := s.request("POST", "/accounts/a0000001/deposits", `{"amount":1}`)
	next := func(query string) string { // of the tenth page
		p := s.listed("type", "account", "max", "50", "by", query)
		for range 9 {
			p = s.listed("cursor", p.Next, "max", "50")
		}
		return "/entities?type=account&by=" + query + "&cursor=" + url.QueryEscape(p.Next)
	}
	for _, path := range []string{
		"/", "/map", "/views", "/work", "/run", "/flows", "/cluster", "/work?kind=event&action=nothing",
		"/entities", "/entities?type=account&by=birth", next("change"), next("birth"),
		"/entities?type=account&search=a", "/entities?type=account&search=a00000", "/entities?type=account&search=nothing", "/entities?type=account&search=a0000007",
		"/entity?type=account&id=a0000003", "/entity?type=account&id=a0000000", "/entity?type=account&id=a0000000&v=15", fmt.Sprintf("/entity?type=account&id=a0000000&v=%d", n/200),
		"/view?name=accounts", fmt.Sprintf("/view?name=accounts&offset=%d", n-60), "/sql", "/sql?q=SELECT+*+FROM+accounts", "/sql?q=SELECT+count(*)+FROM+accounts",
		"/run/form?kind=command&name=account.deposit&id=a0000003", "/flow?id=" + answer.Header.Get("Talix-Correlation"),
	} {
		var took []time.Duration
		for range times {
			started := time.Now()
			s.page(path)
			took = append(took, time.Since(started))
		}
		slices.Sort(took)
		half := took[len(took)/2]
		t.Logf("%8.1f ms  (%6.1f to %6.1f)  %.90s", half.Seconds()*1000, took[0].Seconds()*1000, took[len(took)-1].Seconds()*1000, path)
		if full && half > mostOf {
			t.Errorf("%s takes %v, more than %v", path, half, mostOf)
		}
	}
}
