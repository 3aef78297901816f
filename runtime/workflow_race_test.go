package runtime_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
)

// A workflow is cancelled and then killed before it could note which commands
// it had run: they are found, and undone.
func TestCancelFindsCommandsThatWereNotNoted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fuse := &fuse{}
		s := checked(t, memory.Config{Fault: fuse.fault})
		w := newWorld()
		wf := talix.NewWorkflow("slow", func(ctx talix.ActionContext, _ struct{}) (int, error) {
			if _, err := talix.Run(ctx, w.take, "a", coins{30}); err != nil {
				return 0, err
			}
			talix.Compensate(ctx, "give back", func(ctx talix.ActionContext) error {
				_, err := talix.Run(ctx, w.put, "a", coins{30})
				return err
			})
			return talix.Step(ctx, "slow", func(ctx context.Context) (int, error) {
				<-ctx.Done()
				return 0, ctx.Err()
			})
		})
		w.extra = talix.Components{wf}
		rt := start(t, w, s)
		fill(t, w, rt, "a", 100)
		ctx := rt.Context(t.Context())
		if err := talix.Start(ctx, wf, "1", struct{}{}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if err := talix.Cancel(ctx, wf, "1"); err != nil {
			t.Fatal(err)
		}
		fuse.light(0)
		rt.Stop()
		if a, _ := coinsIn(t, s, "a"); a != 70 {
			t.Fatalf("when it was killed, a had %d", a)
		}
		fuse.mend()
		rt = start(t, w, s)
		time.Sleep(time.Minute)
		synctest.Wait()
		st, err := talix.State(rt.Context(t.Context()), wf, "1")
		if a, n := coinsIn(t, s, "a"); err != nil || st.Status != talix.WorkflowCancelled || a != 100 || n != 3 {
			t.Errorf("it is %s, %v, and a has %d after %d events", st.Status, err, a, n)
		}
		rt.Stop()
	})
}

// A handler that goes on from a failed step takes the same way again, though
// the step would not fail any more.
func TestFailureFromWhichTheHandlerWentOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := checked(t, memory.Config{})
		w := newWorld()
		var tries atomic.Int32
		wf := talix.NewWorkflow("fallback", func(ctx talix.ActionContext, _ struct{}) (string, error) {
			way, err := talix.Step(ctx, "first", func(context.Context) (string, error) {
				if tries.Add(1) == 1 {
					return "", errors.New("away")
				}
				return "first", nil
			})
			if err != nil {
				way = "second, as the first was " + err.Error()
				if _, err := talix.Run(ctx, w.take, "nothing", coins{1}); errors.Is(err, talix.ErrRejected) {
					way += ", and rejected"
				}
			}
			talix.Sleep(ctx, time.Minute)
			return way, nil
		})
		w.extra = talix.Components{wf}
		rt := start(t, w, s)
		if err := talix.Start(rt.Context(t.Context()), wf, "1", struct{}{}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		fill(t, w, rt, "nothing", 5) // now the command would not be rejected
		rt.Stop()
		rt = start(t, w, s)
		out, err := talix.Wait(rt.Context(t.Context()), wf, "1")
		if err != nil || !strings.HasPrefix(out, "second") || !strings.HasSuffix(out, "rejected") || tries.Load() != 1 {
			t.Errorf("it ended with %q, %v after %d tries", out, err, tries.Load())
		}
		rt.Stop()
	})
}

// A signal that comes after the run has looked for it, and before it waits, is
// not lost.
func TestSignalBetweenLookingAndWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := checked(t, memory.Config{})
		w := newWorld()
		go1, sent := make(chan struct{}), make(chan struct{})
		var once atomic.Bool
		signal := talix.NewSignal[int]("go")
		wf := talix.NewWorkflow("gap", func(ctx talix.ActionContext, _ struct{}) (int, error) {
			defer func() {
				if !once.Swap(true) { // it has looked, and is on its way to wait
					close(go1)
					<-sent
				}
			}()
			n, _ := talix.Await(ctx, signal, 0)
			return n, nil
		})
		w.extra = talix.Components{wf}
		rt := start(t, w, s)
		ctx := rt.Context(t.Context())
		if err := talix.Start(ctx, wf, "1", struct{}{}); err != nil {
			t.Fatal(err)
		}
		<-go1
		if err := talix.Send(ctx, wf.RunID("1"), signal, 7); err != nil {
			t.Fatal(err)
		}
		close(sent)
		time.Sleep(time.Minute)
		synctest.Wait()
		if st, err := talix.State(ctx, wf, "1"); err != nil || st.Output != 7 {
			t.Errorf("it is %+v, %v", st, err)
		}
		rt.Stop()
	})
}

// A handler that ends without asking for a step that it had done was changed.
func TestWorkflowThatAsksForLess(t *testing.T) {
	t.Parallel()
	for left := range 2 {
		asksFor(t, left)
	}
}

func asksFor(t *testing.T, left int) {
	synctest.Test(t, func(t *testing.T) {
		s := checked(t, memory.Config{})
		steps := 2
		define := func() (*world, *talix.Workflow[struct{}, int]) {
			w := newWorld()
			wf := talix.NewWorkflow("less", func(ctx talix.ActionContext, _ struct{}) (int, error) {
				for range steps {
					if _, err := talix.Step(ctx, "step", func(context.Context) (int, error) { return 1, nil }); err != nil {
						return 0, err
					}
				}
				if steps == 2 {
					talix.Sleep(ctx, time.Minute)
				}
				return 0, nil
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
		steps = left
		w, wf = define()
		rt = start(t, w, s)
		time.Sleep(time.Hour)
		synctest.Wait()
		if st, err := talix.State(rt.Context(t.Context()), wf, "1"); err != nil || st.Status != talix.WorkflowParked {
			t.Errorf("it is %+v, %v", st, err)
		}
		rt.Stop()
	})
}

// A timer that is set anew while its action runs fires again, from the
// beginning, and leaves nothing behind.
func TestTimerThatIsSetWhileItsActionRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := checked(t, memory.Config{})
		w := newWorld()
		timer := talix.NewTimer[int]("ring")
		set := talix.NewCommand(w.purses, "set", func(c talix.CommandContext[Purse], n int) (int, error) {
			talix.Schedule(c, timer, "", c.Time().Add(time.Hour), n)
			return 0, nil
		})
		running, goOn := make(chan struct{}), make(chan struct{})
		var steps atomic.Int32
		var rang []int
		w.extra = talix.Components{set, talix.OnTimer(timer, func(ctx talix.ActionContext, f talix.Fired[int]) error {
			if _, err := talix.Step(ctx, "step", func(context.Context) (int32, error) { return steps.Add(1), nil }); err != nil {
				return err
			}
			if f.In == 1 {
				close(running)
				<-goOn
			}
			rang = append(rang, f.In)
			return nil
		})}
		rt := start(t, w, s)
		if _, err := talix.Run(rt.Context(t.Context()), set, "p", 1); err != nil {
			t.Fatal(err)
		}
		<-running
		if _, err := talix.Run(rt.Context(t.Context()), set, "p", 2); err != nil {
			t.Fatal(err)
		}
		close(goOn)
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if len(rang) != 2 || rang[1] != 2 || steps.Load() != 2 {
			t.Errorf("it rang %v, with %d steps", rang, steps.Load())
		}
		for _, space := range []string{"step", "work", "signal"} {
			for p := range s.Partitions() {
				left, err := s.Records(t.Context(), store.Partition(p), space, "", "", 10)
				if err != nil || len(left) > 0 {
					t.Errorf("left behind: %+v, %v", left, err)
				}
			}
		}
		rt.Stop()
	})
}
