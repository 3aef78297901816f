package runtime_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/broker"
	brokermemory "github.com/talix-dev/talix/broker/memory"
	"github.com/talix-dev/talix/examples/bank/account"
	"github.com/talix-dev/talix/internal/proctest"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
)

// tracker is an Observer that finds out what led to what.
type tracker struct {
	mu  sync.Mutex
	all []*tracked // from number 1
}

type tracked struct {
	op      talix.Operation
	parent  int  // 0: none
	carried bool // the parent was not in the context
	reports []talix.Report
}

type trackerKey struct{}

func (*tracker) Name() string { return "tracker" }

func (o *tracker) Begin(ctx context.Context, op talix.Operation) context.Context {
	t := &tracked{op: op}
	if n, ok := ctx.Value(trackerKey{}).(int); ok {
		t.parent = n
	} else if op.Carried != nil {
		t.parent, _ = strconv.Atoi(op.Carried("tracker"))
		t.carried = t.parent > 0
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.all = append(o.all, t)
	return context.WithValue(ctx, trackerKey{}, len(o.all))
}

func (o *tracker) Report(ctx context.Context, r talix.Report) {
	n, _ := ctx.Value(trackerKey{}).(int)
	o.mu.Lock()
	defer o.mu.Unlock()
	if n > 0 {
		o.all[n-1].reports = append(o.all[n-1].reports, r)
	}
}

func (o *tracker) Carry(ctx context.Context, put func(name, value string)) {
	if n, ok := ctx.Value(trackerKey{}).(int); ok {
		put("tracker", strconv.Itoa(n))
	}
}

// tree draws what led to what; ▸ stands where it went along to another time or
// process.
func (o *tracker) tree(t *testing.T) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var b strings.Builder
	o.draw(t, &b, 0, "")
	return b.String()
}

func (o *tracker) draw(t *testing.T, b *strings.Builder, parent int, indent string) {
	var children []int
	for i, one := range o.all {
		if one.parent == parent && one.op.Kind != talix.KindView {
			children = append(children, i)
		}
	}
	slices.SortFunc(children, func(i, j int) int {
		return cmp.Or(strings.Compare(o.all[i].line(), o.all[j].line()), cmp.Compare(i, j))
	})
	for _, i := range children {
		one := o.all[i]
		if len(one.reports) != 1 || one.reports[0].CommandID != one.op.CommandID {
			t.Errorf("%s has %d reports", one.line(), len(one.reports))
			continue
		}
		fmt.Fprintf(b, "%s%s\n", indent, one.line())
		o.draw(t, b, i+1, indent+"  ")
	}
}

func (one *tracked) line() string {
	line := fmt.Sprintf("%s %s", one.op.Kind, one.op.Name)
	if one.carried {
		line = "▸ " + line
	}
	for _, word := range []string{one.op.Trigger, one.op.Topic, one.op.EntityID} {
		if word != "" {
			line += " " + word
		}
	}
	if one.op.Attempt > 0 {
		line += fmt.Sprintf(" #%d", one.op.Attempt)
	}
	for _, r := range one.reports {
		if r.Status != 0 {
			line += fmt.Sprintf(" %d", r.Status)
		}
		if r.Waits {
			line += " waits"
		}
		if e, ok := errors.AsType[*talix.Error](r.Err); ok {
			line += " " + string(e.Code)
		}
	}
	return line
}

// errands adds actions of all triggers to a world, one led to by another.
func errands(w *world) {
	later := talix.NewTimer[string]("later")
	tries := 0
	carry := talix.NewWorkflow("carry", func(ctx talix.ActionContext, item string) (int, error) {
		talix.Sleep(ctx, time.Minute)
		return talix.Run(ctx, w.add, "attic", item)
	})
	w.extra = talix.Components{
		carry,
		talix.OnHTTP("POST /purses/{id}", func(ctx talix.ActionContext, in struct {
			ID string `path:"id"`
			N  int    `json:"n" minimum:"1"`
		}) (held, error) {
			if in.N == 13 {
				panic("a bug")
			}
			if _, err := talix.Step(ctx, "count", func(context.Context) (int, error) { return in.N, nil }); err != nil {
				return held{}, err
			}
			return talix.Run(ctx, w.take, in.ID, coins{in.N})
		}),
		talix.OnHTTP("POST /later", func(ctx talix.ActionContext, _ struct{}) (struct{}, error) {
			_, err := talix.Run(ctx, w.put, "async", coins{1})
			return struct{}{}, err
		}, talix.Async()),
		talix.OnEvent("shelve", func(ctx talix.ActionContext, e talix.Recorded[Taken]) error {
			if tries++; tries == 1 {
				return errors.New("not yet")
			}
			_, err := talix.Run(ctx, w.add, "hall", strconv.Itoa(e.Data.Coins))
			return err
		}),
		talix.PublishEvent("tell", "stored", func(e talix.Recorded[Stored]) (string, bool) { return e.Data.Item, e.EntityID == "hall" }),
		talix.OnMessage("hear", "stored", func(ctx talix.ActionContext, m talix.Message[string]) error {
			talix.Schedule(ctx, later, "x", ctx.Now().Add(time.Second), m.Data)
			return nil
		}),
		talix.OnTimer(later, func(ctx talix.ActionContext, f talix.Fired[string]) error {
			return talix.Start(ctx, carry, "1", f.In)
		}),
	}
}

// One request leads to a tree of operations, over events, messages, timers and
// workflows, each with its begin, its end and what led to it.
func TestObserver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, o := newWorld(), &tracker{}
		errands(w)
		rt := start(t, w, checked(t, memory.Config{}), func(c *runtime.Config) {
			c.Brokers = map[string]broker.Broker{"": brokermemory.New(brokermemory.Config{})}
			c.Parts = append(c.Parts, talix.Use(o))
		})
		fill(t, w, rt, "a", 5)
		for _, body := range []string{`{"n":0}`, `{"n":13}`, `{"n":9}`, `{"n":5}`} {
			request(rt.Handler(), "POST", "/purses/a", body)
		}
		if r := request(rt.Handler(), "POST", "/later", ""); r.Code != 202 {
			t.Errorf("%d %s", r.Code, r.Body)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		want := `command purse.put a
request POST /later 202
  ▸ action POST /later request #1
    command purse.put async
request POST /purses/{id} 200
  action POST /purses/{id} request
    command purse.take a
      ▸ action shelve event #1 internal
      ▸ action shelve event #2
        command shelf.add hall
          ▸ publish tell stored hall
            ▸ action hear message stored #1
              ▸ action later timer #1
                ▸ action carry workflow #1
                  command shelf.add attic
                ▸ action carry workflow #1 waits
    step count
request POST /purses/{id} 409 rejected
  action POST /purses/{id} request rejected
    command purse.take a rejected
    step count
request POST /purses/{id} 422 invalid
request POST /purses/{id} 500 internal
  action POST /purses/{id} request internal
`
		if got := o.tree(t); got != want {
			t.Errorf("what led to what:\n%s\nwant:\n%s", got, want)
		}
	})
}

// What goes along with a command's events stands in their metadata, beside the
// mark of the last one.
func TestCarriedInMetadata(t *testing.T) {
	t.Parallel()
	w, o := newWorld(), &tracker{}
	end := talix.NewCommand(w.purses, "end", func(c talix.CommandContext[Purse], _ struct{}) (struct{}, error) {
		c.Emit(Put{1})
		c.Delete(Taken{1})
		return struct{}{}, nil
	})
	w.extra = talix.Components{end}
	s := checked(t, memory.Config{})
	rt := start(t, w, s, func(c *runtime.Config) { c.Parts = append(c.Parts, talix.Use(o)) })
	if _, err := talix.Run(rt.Context(t.Context()), end, "a", struct{}{}); err != nil {
		t.Fatal(err)
	}
	var all []string
	for e, err := range s.Load(t.Context(), store.Stream{Type: "purse", ID: "a"}, 0) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(e.Metadata))
	}
	if want := []string{`{"tracker":"1"}`, `{"talix.end":"deleted","tracker":"1"}`}; !slices.Equal(all, want) {
		t.Errorf("the metadata are %s", all)
	}
	if _, err := talix.Run(rt.Context(t.Context()), end, "a", struct{}{}); !errors.Is(err, talix.ErrGone) {
		t.Errorf("the entity that has ended got %v", err)
	}
}

// A view's batches are told, with how many events they were.
func TestObserverOfViews(t *testing.T) {
	t.Parallel()
	o := &tracker{}
	rt := bank(t, checked(t, memory.Config{}), tables(t), talix.Use(o))
	const n = 20
	for i := range n {
		request(rt.Handler(), "POST", fmt.Sprintf("/accounts/%d/deposits", i), `{"amount":1}`)
	}
	proctest.Eventually(t, time.Minute, func() error {
		o.mu.Lock()
		defer o.mu.Unlock()
		took := map[string]int{}
		for _, one := range o.all {
			for _, r := range one.reports {
				if r.Kind == talix.KindView {
					took[r.Service+" "+r.Name] += r.Events
				}
			}
		}
		if took["bank accounts"] != n {
			return fmt.Errorf("the views took %v", took)
		}
		return nil
	})
}

// A command that the owner of an entity ran for another node is told on both,
// and its events tell of the owner's run.
func TestObserverOfNodes(t *testing.T) {
	t.Parallel()
	o := &tracker{}
	s := checked(t, memory.Config{Partitions: 8})
	all := nodes(t, 2, s, tables(t), account.Service, talix.Use(o))
	n := 0
	proctest.Eventually(t, time.Minute, func() error { // until the other node has a partition that is asked for
		id := fmt.Sprint("c", n)
		n++
		(&seen{acked: map[string]map[int64]string{}}).deposit(t, all[:1], id, "key of "+id)
		for e, err := range s.Load(t.Context(), store.Stream{Type: "account", ID: id}, 0) {
			var metadata map[string]string
			if err := errors.Join(err, json.Unmarshal(e.Metadata, &metadata)); err != nil {
				t.Fatal(err)
			}
			if o.forwarded(t, metadata["tracker"], e.Command) {
				return nil
			}
		}
		return errors.New("no command was forwarded")
	})
}

// forwarded tells whether an event is of a command that was run for another
// node: then the command of that one led to it.
func (o *tracker) forwarded(t *testing.T, number string, command store.ID) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || n > len(o.all) || o.all[n-1].op.CommandID != command {
		t.Fatalf("an event of command %s was led to by %q", command, number)
	}
	one := o.all[n-1]
	if one.op.Kind != talix.KindForward {
		return false
	}
	if led := o.all[one.parent-1]; !one.carried || led.op.Kind != talix.KindCommand || led.op.CommandID != command {
		t.Errorf("%s was led to by %s", one.line(), led.line())
	}
	return true
}
