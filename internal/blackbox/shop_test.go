package blackbox_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/talix-dev/talix/internal/proctest"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/sqlite"
)

// size is the first number, or with TALIX_TEST_FULL=1 the second.
func size(some, all int) int {
	if os.Getenv("TALIX_TEST_FULL") != "" {
		return all
	}
	return some
}

// warehouse is the outside system that the shop asks. Every fourth request
// fails, half of those after it had its effect.
type warehouse struct {
	*httptest.Server
	mu    sync.Mutex
	calls int
	last  map[string]int    // by delivery id: the call that was answered last
	order map[string]string // by delivery id
}

func newWarehouse(t *testing.T) *warehouse {
	w := &warehouse{last: map[string]int{}, order: map[string]string{}}
	w.Server = httptest.NewServer(w)
	t.Cleanup(w.Close)
	return w
}

func (w *warehouse) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	var in struct{ OrderID string }
	body, err := io.ReadAll(r.Body)
	if err != nil || json.Unmarshal(body, &in) != nil {
		rw.WriteHeader(http.StatusBadRequest)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls++
	fails := rand.IntN(8)
	if fails == 0 {
		rw.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	key := r.Header.Get("Idempotency-Key")
	w.last[key], w.order[key] = w.calls, in.OrderID
	if fails == 1 {
		rw.WriteHeader(http.StatusBadGateway)
		return
	}
	fmt.Fprint(rw, w.calls)
}

// The process is killed again and again while an action works through events,
// each with a step that asks another system, and a command: in the end every
// order has its command's effect once, the other system saw one delivery id
// for each, and no step that was kept ran again.
func TestShopSurvivesKill(t *testing.T) {
	t.Parallel()
	proctest.Require(t)
	orders, kills := size(500, 10_000), size(5, 50)
	w := newWarehouse(t)
	p := proctest.Build(t, "./examples/shop").Start(t, proctest.Config{Args: []string{"--warehouse", w.URL, "--patience", "1h"}})
	c := newClient(t)
	placed := make(chan struct{})
	var url sync.Map
	url.Store("", p.URL())
	go func() {
		defer close(placed)
		placeOrders(t, c, &url, orders)
	}()
	for range kills {
		<-time.After(time.Duration(50+rand.IntN(400)) * time.Millisecond)
		p.Kill()
		p.Restart()
		url.Store("", p.URL())
	}
	<-placed
	proctest.Eventually(t, 3*time.Minute, func() error {
		return counted(c, p.URL(), "RESERVED", orders)
	})
	p.Kill()
	checkShop(t, w, p.Data(), orders)
}

// placeOrders places orders from several clients, each under a key, until the
// shop has taken all.
func placeOrders(t *testing.T, c client, url *sync.Map, orders int) {
	var all sync.WaitGroup
	for n := range 16 {
		all.Go(func() {
			for i := n; i < orders; i += 16 {
				for attempt := 0; !place(c, url, fmt.Sprint("order-", i)); attempt++ {
					if attempt == 20_000 {
						t.Errorf("order %d is not taken", i)
						return
					}
					<-time.After(5 * time.Millisecond)
				}
			}
		})
	}
	all.Wait()
}

func place(c client, url *sync.Map, key string) bool {
	at, _ := url.Load("")
	a, err := c.call("POST", at.(string)+"/orders", key, `{"item":"tea","quantity":2}`)
	return err == nil && a.status == http.StatusOK
}

// counted is nil if the view has just so many orders, all of one status.
func counted(c client, url, status string, orders int) error {
	var counts struct {
		Items []struct {
			Status string
			Orders int
		}
	}
	if err := c.get(url+"/counts", &counts); err != nil {
		return err
	}
	if len(counts.Items) != 1 || counts.Items[0].Status != status || counts.Items[0].Orders != orders {
		return fmt.Errorf("the view has %+v, want %d %s", counts.Items, orders, status)
	}
	return nil
}

// events reads the events of a type out of a folder that no process has: the
// data of each, by entity.
func events(t *testing.T, data, typ string) map[string][]json.RawMessage {
	t.Helper()
	ctx := context.Background()
	s, err := sqlite.Open(ctx, sqlite.Config{Dir: data})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	out := map[string][]json.RawMessage{}
	for after := store.Position(0); ; {
		page, err := s.Log(ctx, 0, after, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			return out
		}
		for _, e := range page {
			if after = e.Position; e.Type == typ {
				out[e.Stream.ID] = append(out[e.Stream.ID], e.Data)
			}
		}
	}
}

// checkShop holds the log against what the other system saw.
func checkShop(t *testing.T, w *warehouse, data string, orders int) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.last) != orders {
		t.Errorf("the warehouse saw %d delivery ids of %d orders", len(w.last), orders)
	}
	if n := len(events(t, data, "ORDERS:ORDER_PLACED")); n != orders {
		t.Errorf("%d orders were placed under %d keys", n, orders)
	}
	reserved := events(t, data, "ORDERS:ORDER_RESERVED")
	for key, order := range w.order {
		if len(reserved[order]) != 1 {
			t.Errorf("order %s was reserved %d times", order, len(reserved[order]))
			continue
		}
		var e struct{ Place string }
		if err := json.Unmarshal(reserved[order][0], &e); err != nil || e.Place != strconv.Itoa(w.last[key]) {
			t.Errorf("order %s was kept with the answer of call %s, and call %d came after: %v", order, e.Place, w.last[key], err)
		}
	}
	t.Logf("%d orders, %d calls of the warehouse", orders, w.calls)
}

// Thousands of timers that fall due while no process runs fire once each,
// though the process is killed while they do.
func TestShopTimersSurviveKill(t *testing.T) {
	t.Parallel()
	proctest.Require(t)
	orders, kills := size(1000, 10_000), size(3, 10)
	patience := time.Duration(size(8, 30)) * time.Second // more than it takes to place the orders
	p := proctest.Build(t, "./examples/shop").Start(t, proctest.Config{Args: []string{"--patience", patience.String()}})
	c := newClient(t)
	var url sync.Map
	url.Store("", p.URL())
	placeOrders(t, c, &url, orders)
	p.Kill()
	<-time.After(patience)
	for range kills {
		p.Restart()
		<-time.After(time.Duration(20+rand.IntN(150)) * time.Millisecond)
		p.Kill()
	}
	p.Restart()
	proctest.Eventually(t, 3*time.Minute, func() error { return counted(c, p.URL(), "EXPIRED", orders) })
	p.Kill()
	expired := events(t, p.Data(), "ORDERS:ORDER_EXPIRED")
	for order, all := range expired {
		if len(all) != 1 {
			t.Errorf("order %s expired %d times", order, len(all))
		}
	}
	if len(expired) != orders {
		t.Errorf("%d of %d orders expired", len(expired), orders)
	}
}
