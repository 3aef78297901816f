package blackbox_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/talix-dev/talix/internal/proctest"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/sqlite"
	"github.com/talix-dev/talix/table"
)

// fullSize tells to run what takes minutes: TALIX_TEST_FULL=1.
func fullSize() bool { return os.Getenv("TALIX_TEST_FULL") == "1" }

func sized(short, full int) int {
	if fullSize() {
		return full
	}
	return short
}

// TestViewsSurviveKill kills the program at random moments while events feed a
// view of each shape; in the end they equal the fold of the log.
func TestViewsSurviveKill(t *testing.T) {
	t.Parallel()
	proctest.Require(t)
	data := t.TempDir()
	p := proctest.Build(t, "./internal/blackbox/testdata/views").Start(t, proctest.Config{Data: data})
	c := newClient(t)
	kills, events, portion := sized(10, 50), sized(10_000, 50_000), 20
	var done atomic.Int64
	for round := range kills + 1 {
		url := p.URL()
		target := int64(events * (round + 1) / (kills + 1))
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() { feed(c, url, target, portion, &done) })
		}
		if round == kills {
			all.Wait()
			break
		}
		at := target - int64(rand.IntN(events/(kills+1)+1))
		until(t, func() bool { return done.Load() >= at })
		p.Kill()
		all.Wait()
		p.Restart()
	}
	t.Logf("%d events were acknowledged, over %d kills", done.Load(), kills)
	settle(t, c, p.URL())
	stop(p)
	checkViews(t, data, done.Load())
}

// feed works on entities at random until so many events are acknowledged, or
// the program is gone.
func feed(c client, url string, target int64, portion int, done *atomic.Int64) {
	for done.Load() < target {
		path := fmt.Sprintf("/orders/o%03d", rand.IntN(450))
		if rand.IntN(10) == 0 {
			path = fmt.Sprintf("/customers/c%02d", rand.IntN(50))
		}
		a, err := c.call("POST", url+path, "", fmt.Sprintf(`{"events":%d}`, portion))
		if err != nil || a.status != http.StatusOK {
			return
		}
		done.Add(int64(portion))
	}
}

// settle waits until the views have taken everything.
func settle(t *testing.T, c client, url string) {
	a, err := c.call("POST", url+"/orders/o000", "", `{"events":1}`)
	if err != nil || a.status != http.StatusOK {
		t.Fatal(a.status, string(a.body), err)
	}
	until(t, func() bool {
		a, err := c.call("GET", url+"/totals?after="+a.header.Get("Talix-Position"), "", "")
		return err == nil && a.status == http.StatusOK
	})
}

// until waits for what must happen.
func until(t *testing.T, happened func() bool) {
	t.Helper()
	pace, end := time.NewTicker(time.Millisecond), time.After(time.Duration(sized(5, 60))*time.Minute)
	defer pace.Stop()
	for !happened() {
		select {
		case <-pace.C:
		case <-end:
			t.Fatal("it did not happen in time")
		}
	}
}

// shop is what the views should hold.
type shop struct {
	Counting map[string][2]int64 // by customer: lines, sum
	Lines    map[string]string   // by customer and order: name and lines
	Folded   map[string]string   // by order: JSON
}

// checkViews compares the tables with a fold of the log by hand.
func checkViews(t *testing.T, data string, acked int64) {
	t.Helper()
	events, err := sqlite.Open(t.Context(), sqlite.Config{Dir: data})
	if err != nil {
		t.Fatal(err)
	}
	defer events.Close()
	tables, err := sqlite.OpenTables(t.Context(), sqlite.TablesConfig{Dir: data})
	if err != nil {
		t.Fatal(err)
	}
	defer tables.Close()
	want, n := foldShop(t, events)
	if n < acked {
		t.Errorf("the log has %d events, of %d that were acknowledged", n, acked)
	}
	got := shop{map[string][2]int64{}, map[string]string{}, map[string]string{}}
	each(t, tables, "SELECT customer, lines, sum FROM counting", func(row []table.Value) {
		got.Counting[row[0].Text()] = [2]int64{row[1].Int(), row[2].Int()}
	})
	each(t, tables, "SELECT customer || '/' || order_id, name, lines FROM lines", func(row []table.Value) {
		got.Lines[row[0].Text()] = fmt.Sprint(row[1].Text(), " ", row[2].Int())
	})
	each(t, tables, "SELECT key, value FROM folded", func(row []table.Value) { got.Folded[row[0].Text()] = row[1].Text() })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the views are not the fold of the log (-log +views):\n%s", diff)
	}
	t.Logf("%d events: %d customers, %d orders", n, len(want.Counting), len(want.Folded))
}

func each(t *testing.T, tables *sqlite.Tables, sql string, fn func(row []table.Value)) {
	t.Helper()
	for row, err := range tables.Query(t.Context(), sql, nil) {
		if err != nil {
			t.Fatal(err)
		}
		fn(row)
	}
}

// foldShop makes of the log what the views should hold.
func foldShop(t *testing.T, s store.Store) (want shop, n int64) {
	t.Helper()
	want = shop{map[string][2]int64{}, map[string]string{}, map[string]string{}}
	names, lines, amounts := map[string]string{}, map[string]int64{}, map[string][]int64{}
	for after := store.Position(0); ; {
		found, err := s.Log(t.Context(), 0, after, 8192)
		if err != nil {
			t.Fatal(err)
		}
		if len(found) == 0 {
			break
		}
		for _, e := range found {
			n++
			after = e.Position
			var d struct {
				Name, Customer string
				Amount         int64
			}
			if err := json.Unmarshal(e.Data, &d); err != nil {
				t.Fatal(err)
			}
			if e.Type == "CUSTOMERS:NAMED" {
				names[e.Stream.ID] = d.Name
				continue
			}
			c := want.Counting[d.Customer]
			want.Counting[d.Customer] = [2]int64{c[0] + 1, c[1] + d.Amount}
			lines[d.Customer+"/"+e.Stream.ID]++
			amounts[e.Stream.ID] = append(amounts[e.Stream.ID], d.Amount)
		}
	}
	for key, count := range lines {
		customer, _, _ := strings.Cut(key, "/")
		want.Lines[key] = fmt.Sprint(names[customer], " ", count)
	}
	for id, all := range amounts {
		last, _ := json.Marshal(all[max(0, len(all)-3):])
		want.Folded[id] = fmt.Sprintf(`{"amounts":%s,"count":%d}`, last, len(all))
	}
	return want, n
}

// TestViewChangesWhileItServes starts another version of a view's code over a
// long log: queries answer from the old tables until one moment, and from the
// new ones after it, while writing goes on.
func TestViewChangesWhileItServes(t *testing.T) {
	t.Parallel()
	proctest.Require(t)
	data, size := t.TempDir(), sized(50_000, 1_000_000)
	program := proctest.Build(t, "./internal/blackbox/testdata/views")
	p := program.Start(t, proctest.Config{Data: data})
	c := newClient(t)
	var done atomic.Int64
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() { feed(c, p.URL(), int64(size), 500, &done) })
	}
	all.Wait()
	settle(t, c, p.URL())
	var before bought
	if err := c.get(p.URL()+"/totals", &before); err != nil {
		t.Fatal(err)
	}
	stop(p)

	env := []string{"VIEWS_VERSION=10"}
	if !fullSize() {
		env = append(env, "VIEWS_SLOW=20us") // so that there is something to see
	}
	p = program.Start(t, proctest.Config{Data: data, Env: env})
	began := time.Now()
	wrote, answers := watchSwitch(t, c, p.URL(), before)
	t.Logf("rebuild of %d events in %s, %.0f events/s, while %d events were written and %d queries answered",
		before.Lines, time.Since(began), float64(before.Lines)/time.Since(began).Seconds(), wrote, answers)
	if answers < 5 || wrote == 0 {
		t.Errorf("%d queries were answered and %d events written meanwhile: the test shows nothing", answers, wrote)
	}
	settle(t, c, p.URL())
	var after bought
	if err := c.get(p.URL()+"/totals", &after); err != nil || after.Lines <= before.Lines || after.Sum < 10*before.Sum {
		t.Errorf("before %+v, after %+v, %v", before, after, err)
	}
}

type bought struct{ Lines, Sum int64 }

// watchSwitch asks and writes until the new tables answer.
func watchSwitch(t *testing.T, c client, url string, old bought) (wrote int64, answers int) {
	t.Helper()
	var done atomic.Int64
	var writer sync.WaitGroup
	over := make(chan struct{})
	writer.Go(func() {
		for {
			select {
			case <-over:
				return
			default:
				feed(c, url, done.Load()+1, 5, &done)
			}
		}
	})
	defer writer.Wait()
	defer close(over)
	for deadline := time.Now().Add(time.Duration(sized(10, 60)) * time.Minute); time.Now().Before(deadline); {
		var now bought
		if err := c.get(url+"/totals", &now); err != nil {
			t.Errorf("a query while the view is made anew: %v", err)
			return done.Load(), answers
		}
		if now != old {
			if now.Sum < 10*old.Sum || now.Lines < old.Lines {
				t.Errorf("the old tables say %+v, the new ones %+v", old, now)
			}
			return done.Load(), answers
		}
		answers++
	}
	t.Error("the new tables never came")
	return done.Load(), answers
}
