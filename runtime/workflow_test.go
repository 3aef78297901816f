package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
)

// move is an order to move coins.
type move struct {
	From, To string
	N        int
	Hold     time.Duration
}

// moving adds a workflow that moves coins from one purse to another: the last
// letter of To says what goes wrong.
func moving(w *world, audit func(string)) *talix.Workflow[move, int] {
	wf := talix.NewWorkflow("move", func(ctx talix.ActionContext, in move) (int, error) {
		if _, err := talix.Run(ctx, w.take, in.From, coins{in.N}); err != nil {
			return 0, err
		}
		talix.Compensate(ctx, "give back", func(ctx talix.ActionContext) error {
			_, err := talix.Run(ctx, w.put, in.From, coins{in.N})
			return err
		})
		fee, err := talix.Step(ctx, "fee", func(context.Context) (int, error) {
			audit("fee")
			return 0, nil
		})
		if err != nil {
			return fee, err
		}
		if in.Hold > 0 {
			talix.Sleep(ctx, in.Hold)
		}
		if strings.HasSuffix(in.To, "!") {
			return 0, talix.Reject("purse %s is closed", in.To)
		}
		out, err := talix.Run(ctx, w.put, in.To, coins{in.N})
		return out.Coins, err
	}, talix.Backoff(time.Millisecond, 10*time.Millisecond))
	w.extra = append(w.extra, wf)
	return wf
}

func fill(t *testing.T, w *world, rt *runtime.Runtime, id string, n int) {
	t.Helper()
	if _, err := talix.Run(rt.Context(t.Context()), w.put, id, coins{n}); err != nil {
		t.Fatal(err)
	}
}

func TestWorkflow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := checked(t, memory.Config{})
		w := newWorld()
		var fees atomic.Int32
		wf := moving(w, func(string) { fees.Add(1) })
		rt := start(t, w, s)
		ctx := rt.Context(t.Context())
		fill(t, w, rt, "a", 100)
		if _, err := talix.State(ctx, wf, "1"); !errors.Is(err, talix.ErrNotFound) {
			t.Errorf("one that was never started is %v", err)
		}
		for range 3 { // joined, not started again
			if err := talix.Start(ctx, wf, "1", move{"a", "b", 30, time.Hour}); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if st, err := talix.State(ctx, wf, "1"); err != nil || st.Status != talix.WorkflowWaiting {
			t.Fatalf("in its sleep it is %+v, %v", st, err)
		}
		rt.Stop() // it sleeps through a restart
		rt = start(t, w, s)
		ctx = rt.Context(t.Context())
		out, err := talix.Wait(ctx, wf, "1")
		if err != nil || out != 30 {
			t.Fatalf("it ended as %d, %v", out, err)
		}
		if err := talix.Start(ctx, wf, "1", move{"a", "b", 30, 0}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		a, _ := coinsIn(t, s, "a")
		b, _ := coinsIn(t, s, "b")
		if a != 70 || b != 30 || fees.Load() != 1 {
			t.Errorf("a has %d, b %d, and the step ran %d times", a, b, fees.Load())
		}
		rt.Stop()
	})
}

func TestWorkflowThatFailsIsUndone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := checked(t, memory.Config{})
		w := newWorld()
		wf := moving(w, func(string) {})
		rt := start(t, w, s)
		ctx := rt.Context(t.Context())
		fill(t, w, rt, "a", 100)
		for id, m := range map[string]move{"poor": {"a", "b", 300, 0}, "closed": {"a", "b!", 30, 0}} {
			if err := talix.Start(ctx, wf, id, m); err != nil {
				t.Fatal(err)
			}
			if _, err := talix.Wait(ctx, wf, id); !errors.Is(err, talix.ErrRejected) {
				t.Errorf("%s ended with %v", id, err)
			}
			if st, err := talix.State(ctx, wf, id); err != nil || st.Status != talix.WorkflowFailed || st.Err == nil {
				t.Errorf("%s is %+v, %v", id, st, err)
			}
		}
		if a, n := coinsIn(t, s, "a"); a != 100 || n != 3 {
			t.Errorf("a has %d coins after %d events", a, n)
		}
		rt.Stop()
	})
}

func TestWorkflowThatIsCancelledIsUndone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := checked(t, memory.Config{})
		w := newWorld()
		wf := moving(w, func(string) {})
		rt := start(t, w, s)
		ctx := rt.Context(t.Context())
		fill(t, w, rt, "a", 100)
		if err := talix.Start(ctx, wf, "1", move{"a", "b", 30, time.Hour}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if a, _ := coinsIn(t, s, "a"); a != 70 {
			t.Fatalf("a has %d coins while they are under way", a)
		}
		if err := talix.Cancel(ctx, wf, "1"); err != nil {
			t.Fatal(err)
		}
		if _, err := talix.Wait(ctx, wf, "1"); !errors.Is(err, talix.ErrRejected) {
			t.Errorf("it ended with %v", err)
		}
		if st, _ := talix.State(ctx, wf, "1"); st.Status != talix.WorkflowCancelled {
			t.Errorf("it is %s", st.Status)
		}
		a, _ := coinsIn(t, s, "a")
		b, _ := coinsIn(t, s, "b")
		if a != 100 || b != 0 {
			t.Errorf("a has %d, b %d", a, b)
		}
		if err := talix.Cancel(ctx, wf, "1"); err != nil {
			t.Errorf("to cancel it again: %v", err)
		}
		rt.Stop()
	})
}

func TestWorkflowThatIsSuspended(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := checked(t, memory.Config{})
		w := newWorld()
		wf := moving(w, func(string) {})
		rt := start(t, w, s)
		ctx := rt.Context(t.Context())
		fill(t, w, rt, "a", 100)
		if err := talix.Start(ctx, wf, "1", move{"a", "b", 30, time.Hour}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if err := talix.Suspend(ctx, wf, "1"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Hour)
		synctest.Wait()
		if st, _ := talix.State(ctx, wf, "1"); st.Status != talix.WorkflowSuspended {
			t.Fatalf("it is %s", st.Status)
		}
		if err := talix.Resume(ctx, wf, "1"); err != nil {
			t.Fatal(err)
		}
		if _, err := talix.Wait(ctx, wf, "1"); err != nil {
			t.Error(err)
		}
		if b, _ := coinsIn(t, s, "b"); b != 30 {
			t.Errorf("b has %d", b)
		}
		rt.Stop()
	})
}

// A runtime whose store stops taking anything after some commits is as good as
// killed there. Wherever that is, the coins end with the one or the other, and
// all that was begun is ended.
func TestWorkflowKilledAtEveryCommit(t *testing.T) {
	t.Parallel()
	for _, to := range []string{"b", "b!"} {
		for _, cancel := range []bool{false, true} {
			t.Run(fmt.Sprintf("to %s cancel %v", to, cancel), func(t *testing.T) {
				t.Parallel()
				for n := range 16 {
					killed(t, n, to, cancel)
				}
			})
		}
	}
}

func killed(t *testing.T, after int, to string, cancel bool) {
	synctest.Test(t, func(t *testing.T) {
		fuse := &fuse{}
		s := checked(t, memory.Config{Fault: fuse.fault})
		w := newWorld()
		wf := moving(w, func(string) {})
		rt := start(t, w, s)
		fill(t, w, rt, "a", 100)
		fuse.light(after)
		m := move{"a", to, 30, 0}
		if cancel {
			m.Hold = time.Minute
		}
		started := talix.Start(rt.Context(t.Context()), wf, "1", m) == nil
		time.Sleep(time.Second)
		synctest.Wait()
		if cancel {
			_ = talix.Cancel(rt.Context(t.Context()), wf, "1")
			time.Sleep(time.Second)
			synctest.Wait()
		}
		rt.Stop()
		fuse.mend()
		rt = start(t, w, s)
		defer rt.Stop()
		time.Sleep(time.Hour)
		synctest.Wait()
		st, err := talix.State(rt.Context(t.Context()), wf, "1")
		if err != nil && started {
			t.Fatalf("after %d commits: it is gone: %v", after, err)
		}
		if err == nil && !st.Status.Finished() {
			t.Fatalf("after %d commits: it is %+v", after, st)
		}
		a, _ := coinsIn(t, s, "a")
		b, _ := coinsIn(t, s, to)
		moved := st.Status == talix.WorkflowDone
		if a+b != 100 || moved != (b == 30) {
			t.Fatalf("after %d commits: it is %s, a has %d and b %d", after, st.Status, a, b)
		}
	})
}

// fuse lets all commits fail after some.
type fuse struct {
	mu   sync.Mutex
	lit  bool
	left int
}

func (f *fuse) light(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lit, f.left = true, n
}

func (f *fuse) mend() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lit = false
}

func (f *fuse) fault(store.Partition, []store.Batch) memory.Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.lit {
		return memory.Fault{}
	}
	f.left--
	switch {
	case f.left > 0:
		return memory.Fault{}
	case f.left == 0:
		return memory.Fault{Kind: memory.UnknownWritten}
	}
	return memory.Fault{Kind: memory.Fail}
}

// approval is what a person says.
type approval struct{ By string }

func TestAwait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := checked(t, memory.Config{})
		w := newWorld()
		approved := talix.NewSignal[approval]("approved")
		wf := talix.NewWorkflow("ask", func(ctx talix.ActionContext, times int) ([]string, error) {
			var by []string
			for range times {
				a, ok := talix.Await(ctx, approved, time.Hour)
				if !ok {
					return append(by, "nobody"), nil
				}
				by = append(by, a.By)
			}
			return by, nil
		})
		w.extra = talix.Components{wf}
		rt := start(t, w, s)
		ctx := rt.Context(t.Context())
		if err := talix.Send(ctx, wf.RunID("1"), approved, approval{"too early"}); !errors.Is(err, talix.ErrNotFound) {
			t.Errorf("to one that was not started: %v", err)
		}
		if err := talix.Start(ctx, wf, "1", 3); err != nil {
			t.Fatal(err)
		}
		for i, by := range []string{"Ann", "Bob"} {
			if i == 1 {
				synctest.Wait() // it waits
				if st, _ := talix.State(ctx, wf, "1"); st.Awaits != "approved" {
					t.Errorf("it does not wait: %+v", st)
				}
			}
			if err := talix.Send(ctx, wf.RunID("1"), approved, approval{by}); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		rt.Stop()
		rt = start(t, w, s)
		out, err := talix.Wait(rt.Context(t.Context()), wf, "1")
		if err != nil || fmt.Sprint(out) != "[Ann Bob nobody]" {
			t.Errorf("it ended with %v, %v", out, err)
		}
		rt.Stop()
	})
}

// Branches at the same time have steps of their own, which are not run again.
func TestAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := checked(t, memory.Config{})
		w := newWorld()
		var ran [3]atomic.Int32
		var failed atomic.Bool
		wf := talix.NewWorkflow("all", func(ctx talix.ActionContext, _ struct{}) (int, error) {
			var out [3]int
			branch := func(i int) func(talix.ActionContext) error {
				return func(ctx talix.ActionContext) (err error) {
					out[i], err = talix.Step(ctx, "work", func(context.Context) (int, error) {
						ran[i].Add(1)
						if i == 1 && !failed.Swap(true) {
							return 0, errors.New("away")
						}
						return 1 << i, nil
					})
					if err == nil && i == 2 {
						talix.Sleep(ctx, time.Minute)
						_, err = talix.Run(ctx, w.put, "p", coins{5})
					}
					return err
				}
			}
			err := talix.All(ctx, branch(0), branch(1), branch(2))
			return out[0] + out[1] + out[2], err
		})
		w.extra = talix.Components{wf}
		rt := start(t, w, s)
		ctx := rt.Context(t.Context())
		if err := talix.Start(ctx, wf, "1", struct{}{}); err != nil {
			t.Fatal(err)
		}
		out, err := talix.Wait(ctx, wf, "1")
		if err != nil || out != 7 {
			t.Errorf("it ended with %d, %v", out, err)
		}
		if ran[0].Load() != 1 || ran[1].Load() != 2 || ran[2].Load() != 1 {
			t.Errorf("the steps ran %d, %d and %d times", ran[0].Load(), ran[1].Load(), ran[2].Load())
		}
		if held, n := coinsIn(t, s, "p"); held != 5 || n != 1 {
			t.Errorf("p holds %d in %d events", held, n)
		}
		rt.Stop()
	})
}

// A workflow whose handler was changed while it was under way is parked, and
// none of its steps is run.
func TestWorkflowThatWasChanged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := checked(t, memory.Config{})
		name := "first"
		var ran atomic.Int32
		define := func() (*world, *talix.Workflow[struct{}, int]) {
			w := newWorld()
			wf := talix.NewWorkflow("changing", func(ctx talix.ActionContext, _ struct{}) (int, error) {
				n, err := talix.Step(ctx, name, func(context.Context) (int, error) { return int(ran.Add(1)), nil })
				talix.Sleep(ctx, time.Minute)
				return n, err
			})
			w.extra = talix.Components{wf}
			return w, wf
		}
		w, wf := define()
		rt := start(t, w, s)
		if err := talix.Start(rt.Context(t.Context()), wf, "1", struct{}{}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		rt.Stop()
		name = "renamed"
		w, wf = define()
		rt = start(t, w, s)
		time.Sleep(time.Hour)
		synctest.Wait()
		st, err := talix.State(rt.Context(t.Context()), wf, "1")
		if err != nil || st.Status != talix.WorkflowParked || st.Err == nil || !strings.Contains(st.Err.Message, "renamed") || ran.Load() != 1 {
			t.Errorf("it is %+v, %v after %d runs of the step", st, err, ran.Load())
		}
		rt.Stop()
	})
}
