package talixtest

import (
	"errors"
	"fmt"
	"testing/synctest"
	"time"
)

// Now is the time of the runtime's clock.
func (r *Runtime) Now() (now time.Time) {
	r.t.Helper()
	r.call(func() { now = r.now() })
	return now
}

// Advance moves the clock on. Whatever is due on the way is done in its time:
// timers, schedules, sleeps, and what failed and is tried again. (An idea of
// dogma's testkit; here the runtime itself waits by this clock.)
func (r *Runtime) Advance(d time.Duration) {
	r.t.Helper()
	if d < 0 {
		r.t.Fatalf("advance by %s: time does not go back", d)
	}
	var err error
	for ; d > 0 && err == nil; d -= min(d, patience/2) {
		err = r.bubble.do(func() { <-time.After(min(d, patience/2)) }, r.settle)
	}
	if err != nil {
		r.t.Fatalf("advance: %v", err)
	}
}

// Idle waits until there is nothing to do at this moment of the clock. All
// calls end with that; it is for work that the test began in another way. It
// fails the test with what does not come to an end.
func (r *Runtime) Idle() {
	r.t.Helper()
	r.call(func() {})
}

// The bounds of what is waited for when a call has ended: handlers that wait,
// and views that try again.
const (
	settleWithin = time.Hour
	viewsWithin  = time.Minute
	lookAgain    = 10 * time.Millisecond
)

var errBusy = errors.New("the runtime does not come to rest")

// settle waits until nothing more happens at this moment.
func (r *Runtime) settle() error {
	synctest.Wait()
	if r.rt == nil {
		return nil
	}
	var waited time.Duration
	for {
		if err := r.handlersRest(); err != nil {
			return err
		}
		behind := r.viewsBehind()
		if behind == "" {
			return nil
		}
		if waited > viewsWithin {
			return fmt.Errorf("%w: %s", errBusy, behind)
		}
		<-time.After(lookAgain)
		waited += lookAgain
		synctest.Wait()
	}
}

// handlersRest waits until no handler runs any more.
func (r *Runtime) handlersRest() error {
	bound := time.NewTimer(settleWithin)
	defer bound.Stop()
	for {
		names, rest := r.watcher.running()
		if len(names) == 0 {
			return nil
		}
		select {
		case <-rest:
		case <-bound.C:
			return fmt.Errorf("%w: after %s of its time, these still run: %v", errBusy, settleWithin, names)
		}
		synctest.Wait()
	}
}

// viewsBehind names a view that has to take events still; one that can't has
// failed, and is told of by Failures.
func (r *Runtime) viewsBehind() string {
	for _, v := range r.rt.Views().Status() {
		if v.Fault == nil && (v.Lag > 0 || v.Rebuild != nil && v.Rebuild.Fault == nil) {
			return fmt.Sprintf("view %q has %d positions of the log to take", v.Name, v.Lag)
		}
	}
	return ""
}
