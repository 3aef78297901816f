package talixtest

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// bubble is where a runtime under test lives: a bubble of testing/synctest, in
// which time stands still as long as anything can go on, and in which it can be
// told that nothing can. It stays open from call to call: between calls it
// waits for the test, which is outside, and which time does not pass for.
type bubble struct {
	calls chan func() // of the test's side
	ended chan struct{}
	fault any           // why it broke; set before ended is closed
	world time.Duration // how long a call may take in the time of the world
	stuck atomic.Bool   // a call took longer
}

// patience is how long a call may take: in the time of the bubble, and where
// something waits for what is outside of it, in that of the world.
const (
	patience      = 24 * time.Hour
	worldPatience = 2 * time.Minute
)

var (
	errStuck  = errors.New("it does not come to an end")
	errEnded  = errors.New("the runtime of this test has ended")
	errExited = errors.New("the test was ended inside")
)

// blow opens a bubble.
func blow(t T) *bubble {
	b := &bubble{calls: make(chan func()), ended: make(chan struct{}), world: worldPatience}
	inner, ok := t.(*testing.T)
	if !ok { // such as the T of an example; synctest uses it for what the bubble never does
		inner = new(testing.T)
	}
	go func() {
		defer close(b.ended)
		defer func() { b.fault = recover() }()
		synctest.Test(inner, func(*testing.T) {
			for call := range b.calls {
				call()
			}
		})
	}()
	return b
}

// do runs fn inside, and then settles. A panic of fn is the caller's.
func (b *bubble) do(fn func(), settle func() error) error {
	answer := make(chan result, 1)
	call := func() { answer <- b.run(fn, settle) }
	if b.stuck.Load() {
		return errEnded
	}
	world := time.NewTimer(b.world)
	defer world.Stop()
	select {
	case b.calls <- call:
	case <-b.ended:
		return errEnded
	case <-world.C:
		return b.outside()
	}
	select {
	case r := <-answer:
		if r.panicked != nil {
			panic(r.panicked)
		}
		return r.err
	case <-b.ended:
		return fmt.Errorf("%w: %v", errEnded, b.fault)
	case <-world.C:
		return b.outside()
	}
}

type result struct {
	err      error
	panicked any
}

// run runs fn in a goroutine of its own: time passes while fn waits for it.
func (b *bubble) run(fn func(), settle func() error) result {
	ended := make(chan result, 1)
	go func() {
		r := result{err: errExited}
		defer func() {
			if p := recover(); p != nil {
				r = result{panicked: p, err: fmt.Errorf("panic: %v\n%s", p, debug.Stack())}
			}
			ended <- r
		}()
		fn()
		r.err = nil
	}()
	select {
	case r := <-ended:
		if r.err == nil && settle != nil {
			r.err = settle()
		}
		return r
	case <-time.After(patience):
		return result{err: fmt.Errorf("%w, within %s of its time; it waits here:\n%s", errStuck, patience, strings.Join(inhabitants(), "\n\n"))}
	}
}

// outside tells what a bubble waits for that does not answer. Nothing more can
// be done in it.
func (b *bubble) outside() error {
	b.stuck.Store(true)
	return fmt.Errorf("%w: something waits for what is outside of the runtime, such as a channel of the test, or the network:\n%s",
		errStuck, stacks())
}

// end lets the bubble burst. It returns the goroutines that did not end; time
// stands still for them from now on.
func (b *bubble) end() (left []string, err error) {
	err = b.do(func() {}, func() error {
		synctest.Wait()
		left = inhabitants()
		return nil
	})
	if len(left) > 0 || err != nil {
		return left, err
	}
	close(b.calls)
	<-b.ended
	if b.fault != nil {
		return nil, fmt.Errorf("%v", b.fault)
	}
	return nil, nil
}

// inhabitants are the stacks of the goroutines of the caller's bubble, but for
// those that are the bubble's own.
func inhabitants() (others []string) {
	all := strings.Split(stacks(), "\n\n")
	mine := bubbleOf(all[0])
	if mine == "" {
		return nil
	}
	for _, stack := range all[1:] {
		if bubbleOf(stack) == mine && !strings.Contains(stack, "testing/synctest.") {
			others = append(others, stack)
		}
	}
	return others
}

// bubbleOf is the number of a goroutine's bubble, as its stack tells it.
func bubbleOf(stack string) string {
	first, _, _ := strings.Cut(stack, "\n")
	_, number, _ := strings.Cut(first, "synctest bubble ")
	return strings.TrimRight(number, "]:")
}

// stacks are those of all goroutines, the caller's first.
func stacks() string {
	buf := make([]byte, 1<<20)
	return string(buf[:runtime.Stack(buf, true)])
}
