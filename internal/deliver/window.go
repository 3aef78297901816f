package deliver

import (
	"sync"

	"github.com/talix-dev/talix/store"
)

// window knows which events of a partition are done, though they end out of
// order: the mark is the position below which all are.
type window struct {
	mu    sync.Mutex
	begun []slot // in order of position
	seen  store.Position
	open  int           // slots that are not done
	moved chan struct{} // closed when the mark may have moved; nil if no one waits
}

type slot struct {
	position store.Position
	done     bool
}

// skip notes that the consumer has nothing to do up to a position.
func (w *window) skip(p store.Position) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen = p
	w.signal()
}

// begin notes that the work on an event begins.
func (w *window) begin(p store.Position) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.begun = append(w.begun, slot{position: p})
	w.seen = p
	w.open++
}

// done notes that an event is done.
func (w *window) done(p store.Position) {
	w.mu.Lock()
	defer w.mu.Unlock()
	lo, hi := 0, len(w.begun)
	for lo < hi {
		if mid := (lo + hi) / 2; w.begun[mid].position < p {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	w.begun[lo].done = true
	w.open--
	n := 0
	for n < len(w.begun) && w.begun[n].done {
		n++
	}
	w.begun = w.begun[n:]
	w.signal()
}

// poke ends a wait though nothing moved.
func (w *window) poke() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.signal()
}

func (w *window) signal() {
	if w.moved != nil {
		close(w.moved)
		w.moved = nil
	}
}

// change is closed when the mark is not what the caller last saw.
func (w *window) change(saw store.Position) <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.mark() != saw {
		return closed()
	}
	return w.wait()
}

func (w *window) mark() store.Position {
	if len(w.begun) == 0 {
		return w.seen
	}
	return w.begun[0].position - 1
}

func (w *window) wait() <-chan struct{} {
	if w.moved == nil {
		w.moved = make(chan struct{})
	}
	return w.moved
}

func closed() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

// state is the mark, and how many events stand above it.
func (w *window) state() (mark store.Position, begun int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.mark(), len(w.begun)
}

// room tells whether fewer than max events stand above the mark; if not, wait
// is closed when that may have changed.
func (w *window) room(max int) (ok bool, wait <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.begun) < max {
		return true, nil
	}
	return false, w.wait()
}
