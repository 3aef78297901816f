package runtime_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/internal/proctest"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
)

// moving moves coins between purses as a group, insistently.
func (w *world) moving(t *testing.T, n *node, key, from, to string, sum int) error {
	t.Helper()
	return insistently(t, n, key, func(ctx talix.ActionContext) error {
		_, _, err := w.move(ctx, from, to, sum)
		return err
	})
}

// fill puts coins into a purse.
func (w *world) fill(t *testing.T, n *node, id string, sum int) {
	t.Helper()
	err := insistently(t, n, "fill "+id, func(ctx talix.ActionContext) error {
		_, err := talix.Run(ctx, w.put, id, coins{sum})
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// agree holds what each node answers about purses against what is stored.
func (w *world) agree(t *testing.T, s store.Store, all []*node, ids ...string) (sum, events int) {
	t.Helper()
	for _, id := range ids {
		coins, version := coinsIn(t, s, id)
		sum, events = sum+coins, events+version
		for i, n := range all {
			err := insistently(t, n, "", func(ctx talix.ActionContext) error {
				got, err := talix.Load(ctx, w.purses, id)
				if errors.Is(err, talix.ErrNotFound) {
					err = nil
				}
				if err == nil && (got.State.Coins != coins || got.Version != int64(version)) {
					t.Errorf("node %d says %d coins and version %d of %s; stored are %d and %d", i, got.State.Coins, got.Version, id, coins, version)
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		}
	}
	return sum, events
}

func purses(n int) (ids []string) {
	for i := range n {
		ids = append(ids, fmt.Sprint("purse-", i))
	}
	return ids
}

// Hundreds of transfers between ten purses at once, each through any of three
// nodes, whoever owns the purses: the sum is what it was, each transfer is whole,
// and those that were refused changed nothing.
func TestClusterGroupKeepsTheSum(t *testing.T) {
	t.Parallel()
	const count, each = 10, 20
	transfers := int64(300)
	if os.Getenv("TALIX_TEST_FULL") != "" {
		transfers = 1000
	}
	w, s := newWorld(), checked(t, memory.Config{Partitions: 16})
	all := nodes(t, 3, s, nil, w.service())
	ids := purses(count)
	for _, id := range ids {
		w.fill(t, all[0], id, each)
	}
	var moved, refused atomic.Int64
	var clients sync.WaitGroup
	for c := range 50 {
		clients.Go(func() {
			for i := c; i < int(transfers); i += 50 {
				from := rand.IntN(count)
				to := (from + 1 + rand.IntN(count-1)) % count
				err := w.moving(t, all[rand.N(len(all))], fmt.Sprint("move-", i), ids[from], ids[to], 1+rand.IntN(each))
				e, _ := errors.AsType[*talix.Error](err)
				switch {
				case err == nil:
					moved.Add(1)
				case errors.Is(err, talix.ErrRejected) && e.Entity == "purse/"+ids[from]:
					refused.Add(1)
				default:
					t.Errorf("transfer from %s: %v", ids[from], err)
				}
			}
		})
	}
	clients.Wait()
	sum, events := w.agree(t, s, all, ids...)
	if sum != count*each || events != count+2*int(moved.Load()) {
		t.Errorf("the purses hold %d after %d events, want %d after %d", sum, events, count*each, count+2*int(moved.Load()))
	}
	if moved.Load()+refused.Load() != transfers || moved.Load() == 0 {
		t.Errorf("%d were moved and %d refused", moved.Load(), refused.Load())
	}
}

// Groups while nodes join, leave and fall silent, and while the store does not
// tell what it did: each that was acknowledged is whole, and there once.
func TestClusterGroupsWhileNodesChange(t *testing.T) {
	t.Parallel()
	var calm atomic.Bool
	calm.Store(true)
	s := checked(t, memory.Config{Partitions: 16, Fault: faultNowAndThen(&calm)})
	w := newWorld()
	all := nodes(t, 3, s, nil, w.service())
	const count, each = 6, 1000
	ids := purses(count)
	for _, id := range ids {
		w.fill(t, all[0], id, each)
	}
	var current atomic.Pointer[[]*node]
	current.Store(&all)
	calm.Store(false)
	var done atomic.Bool
	var moved atomic.Int64
	var clients sync.WaitGroup
	for c := range 6 {
		clients.Go(func() {
			for i := 0; !done.Load(); i++ {
				from := rand.IntN(count)
				to := (from + 1 + rand.IntN(count-1)) % count
				if err := w.moveAnywhere(t, &current, fmt.Sprint("client-", c, "-", i), ids[from], ids[to]); err != nil {
					t.Errorf("client %d, move %d: %v", c, i, err)
					continue
				}
				moved.Add(1)
			}
		})
	}
	goOn := func(n int64) { // until so many more were moved
		until := moved.Load() + n
		proctest.Eventually(t, time.Minute, func() error {
			if moved.Load() < until {
				return fmt.Errorf("%d were moved, want %d", moved.Load(), until)
			}
			return nil
		})
	}
	use := func(all ...*node) { current.Store(&all) }
	goOn(30)
	fourth := join(t, s, nil, w.service())
	use(append(slices.Clone(all), fourth)...)
	goOn(30)
	use(all[1], all[2], fourth)
	all[0].leave()
	goOn(30)
	all[1].die()
	use(all[2], fourth)
	goOn(30)
	done.Store(true)
	clients.Wait()
	calm.Store(true)
	for _, id := range ids { // lets all land that is late
		if err := insistently(t, fourth, "last "+id, func(ctx talix.ActionContext) error {
			_, err := talix.Run(ctx, w.put, id, coins{1})
			return err
		}); err != nil {
			t.Error(err)
		}
	}
	sum, events := w.agree(t, s, []*node{all[2], fourth}, ids...)
	if sum != count*(each+1) || events != 2*count+2*int(moved.Load()) {
		t.Errorf("the purses hold %d after %d events, want %d after %d", sum, events, count*(each+1), 2*count+2*int(moved.Load()))
	}
}

// faultNowAndThen is a store that does not do, or not tell, what it should.
func faultNowAndThen(calm *atomic.Bool) func(store.Partition, []store.Batch) memory.Fault {
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(1, 2))
	return func(store.Partition, []store.Batch) memory.Fault {
		mu.Lock()
		defer mu.Unlock()
		if calm.Load() || random.IntN(20) > 0 {
			return memory.Fault{}
		}
		return memory.Fault{Kind: memory.Kind(random.IntN(5))}
	}
}

// moveAnywhere moves a coin through any of the nodes, until one has taken it.
func (w *world) moveAnywhere(t *testing.T, current *atomic.Pointer[[]*node], key, from, to string) (err error) {
	for range 5000 {
		all := *current.Load()
		_, _, err = w.move(all[rand.N(len(all))].ContextWithKey(t.Context(), key), from, to, 1)
		if !errors.Is(err, talix.ErrUnavailable) && !errors.Is(err, talix.ErrUnknown) && !errors.Is(err, talix.ErrOverloaded) {
			return err
		}
		<-time.After(time.Millisecond)
	}
	return err
}

// spanOf tells whether batches are those of a transfer between two purses.
func spanOf(batches []store.Batch, ids ...string) bool {
	for _, id := range ids {
		if !slices.ContainsFunc(batches, func(b store.Batch) bool {
			return slices.ContainsFunc(b.Appends, func(a store.Append) bool { return a.Stream.ID == id })
		}) {
			return false
		}
	}
	return true
}

// once gives what is injected into the first transfer between the purses.
type once struct {
	mu  sync.Mutex
	ids []string
	do  func() memory.Fault
}

func (o *once) set(do func() memory.Fault, ids ...string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.do, o.ids = do, ids
}

func (o *once) fault(_ store.Partition, batches []store.Batch) memory.Fault {
	o.mu.Lock()
	do := o.do
	if do != nil && spanOf(batches, o.ids...) {
		o.do = nil
	} else {
		do = nil
	}
	o.mu.Unlock()
	if do == nil {
		return memory.Fault{}
	}
	return do()
}

// A partition gets another owner after it was decided there, and before the
// append. That is fenced, and the group decided anew: the new owner may have
// answered from memory already.
func TestClusterGroupOverAMove(t *testing.T) {
	t.Parallel()
	var o once
	s, w := checked(t, memory.Config{Partitions: 16, Fault: o.fault}), newWorld()
	all := nodes(t, 2, s, nil, w.service())
	from, to := purseOf(t, all[0], "a"), purseOf(t, all[1], "b")
	w.fill(t, all[0], from, 10)
	w.fill(t, all[0], to, 1)
	decided := w.decided.Load()
	o.set(func() memory.Fault {
		owners := all[0].Cluster().Partitions()
		if ownerOf(owners, from) == ownerOf(owners, to) {
			t.Log("one node has both by now: nothing is proved")
			return memory.Fault{}
		}
		if err := all[1].Cluster().Drain(t.Context()); err != nil {
			t.Error(err)
		}
		w.lookOnce(t, all[0], to) // the new owner has it in memory now
		return memory.Fault{}
	}, from, to)
	if err := w.moving(t, all[0], "move", from, to, 5); err != nil {
		t.Fatal(err)
	}
	t.Logf("commands were decided %d times", w.decided.Load()-decided)
	if sum, events := w.agree(t, s, all, from, to); sum != 11 || events != 4 {
		t.Errorf("there are %d coins after %d events", sum, events)
	}
}

// The node that runs a group stops before it sends the append, and sends it when
// the owner, who has not heard of it, has answered from memory again. Nothing of it
// comes to be.
func TestClusterGroupNodeStopsBeforeSending(t *testing.T) {
	t.Parallel()
	var o once
	s, w := checked(t, memory.Config{Partitions: 16, Fault: o.fault}), newWorld()
	all := nodes(t, 2, s, nil, w.service())
	a, b := all[0], all[1]
	from, to := purseOf(t, b, "a"), purseOf(t, b, "b")
	w.fill(t, a, from, 10)
	w.fill(t, a, to, 1)
	var stopping sync.WaitGroup
	o.set(func() memory.Fault {
		stopping.Go(a.Stop)
		proctest.Eventually(t, time.Minute, func() error {
			if all := b.Cluster().Nodes(); len(all) > 1 {
				return fmt.Errorf("there are %+v", all)
			}
			return nil
		})
		w.agree(t, s, all[1:], from, to) // once the turns are taken back
		return memory.Fault{}
	}, from, to)
	_, _, err := w.move(a.ContextWithKey(t.Context(), "move"), from, to, 5)
	t.Logf("the group got %v", err)
	stopping.Wait()
	w.agree(t, s, all[1:], from, to)
	if err := w.moving(t, b, "move", from, to, 5); err != nil {
		t.Error(err)
	}
	if sum, events := w.agree(t, s, all[1:], from, to); sum != 11 || events != 4 {
		t.Errorf("there are %d coins after %d events", sum, events)
	}
}

// The node that runs a group dies after it has committed, before it tells. The
// owner's answers wait until it has found out, and no one sees half of it.
func TestClusterGroupNodeDiesBeforeTelling(t *testing.T) {
	t.Parallel()
	s, w := checked(t, memory.Config{Partitions: 16}), newWorld()
	all := nodes(t, 2, s, nil, w.service())
	a, b := all[0], all[1]
	from, to := purseOf(t, a, "a"), purseOf(t, b, "b")
	w.fill(t, a, from, 10)
	w.fill(t, a, to, 1)
	w.agree(t, s, all, from, to) // both have them in memory
	b.meet(func(question string, rw http.ResponseWriter, r *http.Request, next http.Handler) {
		if question == "told" {
			http.Error(rw, "it does not get there", http.StatusInternalServerError)
			return
		}
		next.ServeHTTP(rw, r)
	})
	if err := w.moving(t, a, "move", from, to, 5); err != nil {
		t.Fatal(err)
	}
	var looking sync.WaitGroup
	for range 3 {
		looking.Go(func() { w.agree(t, s, all[1:], to) })
	}
	a.die()
	looking.Wait()
	if sum, events := w.agree(t, s, all[1:], from, to); sum != 11 || events != 4 {
		t.Errorf("there are %d coins after %d events", sum, events)
	}
	w.fill(t, b, "other", 1)
}

// The answer of an owner is lost: what it holds for that is given back, and the
// group is decided anew.
func TestClusterGroupLosesAnAnswer(t *testing.T) {
	t.Parallel()
	s, w := checked(t, memory.Config{Partitions: 16}), newWorld()
	all := nodes(t, 2, s, nil, w.service())
	from, to := purseOf(t, all[0], "a"), purseOf(t, all[1], "b")
	w.fill(t, all[0], from, 10)
	w.fill(t, all[0], to, 1)
	var asked atomic.Int64
	all[1].meet(func(question string, rw http.ResponseWriter, r *http.Request, next http.Handler) {
		if question == "hold" && asked.Add(1) == 1 {
			next.ServeHTTP(&deaf{rw}, r)
			panic(http.ErrAbortHandler)
		}
		next.ServeHTTP(rw, r)
	})
	if err := w.moving(t, all[0], "move", from, to, 5); err != nil {
		t.Error(err)
	}
	if sum, events := w.agree(t, s, all, from, to); sum != 11 || events != 4 {
		t.Errorf("there are %d coins after %d events", sum, events)
	}
	t.Logf("the owner was asked %d times", asked.Load())
}

// deaf drops an answer.
type deaf struct{ http.ResponseWriter }

func (d *deaf) Write(data []byte) (int, error) { return len(data), nil }

func (d *deaf) WriteHeader(int) {}

// What the store says of the append of a spread group is found out, as that of a
// single command.
func TestClusterGroupUnderFaults(t *testing.T) {
	t.Parallel()
	var o once
	s, w := checked(t, memory.Config{Partitions: 16, Fault: o.fault}), newWorld()
	all := nodes(t, 2, s, nil, w.service())
	from, to := purseOf(t, all[0], "a"), purseOf(t, all[1], "b")
	w.fill(t, all[0], from, 100)
	w.fill(t, all[0], to, 1)
	kinds := []memory.Kind{memory.Fail, memory.UnknownWritten, memory.UnknownLost, memory.UnknownLate}
	for i, kind := range kinds {
		fault := func() memory.Fault { return memory.Fault{Kind: kind} }
		o.set(fault, from, to)
		if err := w.moving(t, all[i%2], fmt.Sprint("move ", kind), from, to, 5); err != nil {
			t.Errorf("fault %d: %v", kind, err)
		}
		_, before := w.agree(t, s, all, from, to)
		o.set(fault, from, to)
		_, _, err := w.move(all[i%2].Context(t.Context()), from, to, 5) // under no key
		sum, events := w.agree(t, s, all, from, to)
		known := err == nil && events == before+2 || errors.Is(err, talix.ErrUnavailable) && events == before
		if !known && !errors.Is(err, talix.ErrUnknown) || sum != 101 {
			t.Errorf("fault %d without a key: %v; there are %d coins after %d events, and were %d events", kind, err, sum, events, before)
		}
	}
}

// A repeat gets the first replies through whatever node, in whatever order, and
// where it would now be rejected.
func TestClusterGroupKey(t *testing.T) {
	t.Parallel()
	s, w := checked(t, memory.Config{Partitions: 16}), newWorld()
	all := nodes(t, 3, s, nil, w.service())
	from, to := purseOf(t, all[0], "a"), purseOf(t, all[1], "b")
	w.fill(t, all[0], from, 5)
	for i := range 6 {
		err := insistently(t, all[i%3], "key", func(ctx talix.ActionContext) error {
			take, put := talix.Do(w.take, from, coins{5}), talix.Do(w.put, to, coins{5})
			parts := []talix.GroupPart{take, put}
			if i%2 == 0 {
				slices.Reverse(parts)
			}
			err := talix.Group(ctx, parts...)
			if err == nil && (take.Reply() != held{0, 2} || put.Reply() != held{5, 1}) {
				t.Errorf("the replies are %v and %v", take.Reply(), put.Reply())
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	if err := w.moving(t, all[2], "key", from, to, 4); !errors.Is(err, talix.ErrInvalid) {
		t.Errorf("another input got %v", err)
	}
	if sum, events := w.agree(t, s, all, from, to); sum != 5 || events != 3 {
		t.Errorf("there are %d coins after %d events", sum, events)
	}
}

// Who is rejected is named, wherever it is, and all others are as they were:
// also those whose state is not flat, and those that panic.
func TestClusterGroupRejection(t *testing.T) {
	t.Parallel()
	s, w := checked(t, memory.Config{Partitions: 16}), newWorld()
	all := nodes(t, 2, s, nil, w.service())
	rich, poor := purseOf(t, all[0], "a"), purseOf(t, all[1], "b")
	w.fill(t, all[0], rich, 5)
	shelf := talix.Do(w.add, "shelf", "book")
	for i := range 4 {
		err := insistently(t, all[i%2], "", func(ctx talix.ActionContext) error {
			return talix.Group(ctx, talix.Do(w.put, rich, coins{3}), talix.Do(w.take, poor, coins{5}), shelf, talix.Do(w.add, "another", "pen"))
		})
		e, _ := errors.AsType[*talix.Error](err)
		if !errors.Is(err, talix.ErrRejected) || e.Entity != "purse/"+poor || !strings.Contains(e.Message, "there are only 0 coins") {
			t.Errorf("%+v", err)
		}
		err = insistently(t, all[i%2], "", func(ctx talix.ActionContext) error {
			return talix.Group(ctx, shelf, talix.Do(w.failing, rich, struct{}{}))
		})
		if !errors.Is(err, talix.ErrInternal) {
			t.Errorf("a panic got %v", err)
		}
	}
	look := talix.Do(w.look, poor, struct{}{})
	err := insistently(t, all[0], "", func(ctx talix.ActionContext) error {
		return talix.Group(ctx, talix.Do(w.put, rich, coins{3}), look, shelf)
	})
	if err != nil || shelf.Reply() != 1 || look.Reply() != (held{}) {
		t.Errorf("afterwards: %d, %v, %v", shelf.Reply(), look.Reply(), err)
	}
	if sum, events := w.agree(t, s, all, rich, poor); sum != 8 || events != 2 {
		t.Errorf("there are %d coins after %d events", sum, events)
	}
	both := func(ctx talix.ActionContext) error {
		return talix.Group(ctx, talix.Do(w.look, poor, struct{}{}), talix.Do(w.look, rich, struct{}{}))
	}
	if err := insistently(t, all[1], "", both); err != nil {
		t.Errorf("a group that only looks got %v", err)
	}
}

// Unique values in groups over several nodes count as taken within the group.
func TestClusterGroupReserves(t *testing.T) {
	t.Parallel()
	s, m := checked(t, memory.Config{Partitions: 16}), newMembers()
	all := nodes(t, 3, s, nil, m.service())
	for round := range 8 {
		ann, bob := fmt.Sprint("ann-", round), fmt.Sprint("bob-", round)
		a, b := fmt.Sprint("a@", round), fmt.Sprint("b@", round)
		err := insistently(t, all[round%3], "", func(ctx talix.ActionContext) error {
			return talix.Group(ctx, talix.Do(m.register, ann, a), talix.Do(m.register, bob, a))
		})
		if e, _ := errors.AsType[*talix.Error](err); !errors.Is(err, talix.ErrTaken) || e.Entity != "member/"+bob {
			t.Errorf("both got %v", err)
		}
		err = insistently(t, all[round%3], fmt.Sprint("register ", round), func(ctx talix.ActionContext) error {
			return talix.Group(ctx, talix.Do(m.register, bob, b), talix.Do(m.register, ann, a), talix.Do(m.put, ann, coins{1}))
		})
		if err != nil || m.holder(t, all[0].Runtime, a) != ann || m.holder(t, all[1].Runtime, b) != bob {
			t.Errorf("round %d: %v", round, err)
		}
	}
	if n := keptIn(t, s); n != 32 {
		t.Errorf("%d records are kept", n)
	}
}

// Owners learn of what another node has appended to their partitions: actions on
// events run without anything else happening there.
func TestClusterGroupWakesActions(t *testing.T) {
	t.Parallel()
	s, w := checked(t, memory.Config{Partitions: 16}), newWorld()
	w.extra = talix.Components{talix.OnEvent("see", func(ctx talix.ActionContext, e talix.Recorded[Put]) error {
		_, err := talix.Run(ctx, w.add, "seen", e.EntityID)
		return err
	})}
	all := nodes(t, 3, s, nil, w.service())
	a, b := purseOf(t, all[0], "a"), purseOf(t, all[1], "b")
	err := insistently(t, all[2], "both", func(ctx talix.ActionContext) error {
		return talix.Group(ctx, talix.Do(w.put, a, coins{3}), talix.Do(w.put, b, coins{4}))
	})
	if err != nil {
		t.Fatal(err)
	}
	proctest.Eventually(t, time.Minute, func() error {
		seen, err := talix.Load(all[2].Context(t.Context()), w.shelves, "seen")
		if seen.State.Items[a] != 1 || seen.State.Items[b] != 1 {
			return fmt.Errorf("seen are %v (%w)", seen.State.Items, err)
		}
		return nil
	})
}

// Timers of a group's commands fire, whoever owns the entities.
func TestClusterGroupSetsTimers(t *testing.T) {
	t.Parallel()
	s, c := checked(t, memory.Config{Partitions: 16}), newClockWorld()
	all := nodes(t, 3, s, nil, c.service())
	a, b := purseOf(t, all[0], "a"), purseOf(t, all[1], "b")
	err := insistently(t, all[2], "both", func(ctx talix.ActionContext) error {
		return talix.Group(ctx, talix.Do(c.lend, a, lent{N: 3}), talix.Do(c.lend, b, lent{N: 4}))
	})
	if err != nil {
		t.Fatal(err)
	}
	proctest.Eventually(t, time.Minute, func() error {
		for _, id := range []string{a, b} {
			if n, events := coinsIn(t, s, id); n != 0 || events != 2 {
				return fmt.Errorf("%s has %d coins after %d events", id, n, events)
			}
		}
		return nil
	})
}
