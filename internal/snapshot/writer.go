package snapshot

import (
	"context"
	"errors"
	"slices"

	"github.com/talix-dev/talix/internal/commit"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

// Room tells whether a state of about so many bytes would be taken now.
func (s *Snapshots) Room(size int) bool {
	if s == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.room(size)
}

func (s *Snapshots) room(size int) bool {
	return !s.closed && size <= s.cfg.MaxSize && len(s.order) < s.cfg.MaxQueue && (s.bytes == 0 || s.bytes+size <= s.cfg.MaxBytes)
}

// Offer hands a picture to the background, which writes it, unless there is too
// much to do. It takes the place of an earlier one of the same entity that still
// waits.
func (s *Snapshots) Offer(p Picture) {
	s.mu.Lock()
	defer s.mu.Unlock()
	earlier, there := s.waiting[p.Stream]
	switch {
	case s.closed, there && earlier.Version >= p.Version:
		return
	case there:
		s.bytes -= earlier.Size
	case !s.room(p.Size):
		return
	default:
		s.order = append(s.order, p.Stream)
	}
	s.waiting[p.Stream] = p
	s.bytes += p.Size
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Forget drops what waits of the entity types that of accepts.
func (s *Snapshots) Forget(of func(*registry.Entity) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.order = slices.DeleteFunc(s.order, func(name store.Stream) bool {
		p := s.waiting[name]
		if !of(p.Plan.def) {
			return false
		}
		delete(s.waiting, name)
		s.bytes -= p.Size
		return true
	})
}

// Close writes what waits and ends the goroutine. Close the groups after it.
func (s *Snapshots) Close() {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.wake)
	}
	s.mu.Unlock()
	<-s.done
}

func (s *Snapshots) run() {
	defer close(s.done)
	for open := true; open; {
		_, open = <-s.wake
		for {
			pictures := s.take()
			if len(pictures) == 0 {
				break
			}
			s.write(pictures)
		}
	}
}

// together is how many snapshots are on their way at a time.
const together = 16

func (s *Snapshots) take() []Picture {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := min(len(s.order), together)
	pictures := make([]Picture, 0, n)
	for _, name := range s.order[:n] {
		p := s.waiting[name]
		delete(s.waiting, name)
		s.bytes -= p.Size
		pictures = append(pictures, p)
	}
	s.order = append(s.order[:0], s.order[n:]...)
	return pictures
}

// write commits pictures beside the commands, and waits for them, so that no
// more are on their way than the store can take. One whose entity was deleted or
// written to by others meanwhile is dropped.
func (s *Snapshots) write(pictures []Picture) {
	var under []*commit.Pending
	var of []store.Stream
	for i := range pictures {
		if p := s.submit(&pictures[i]); p != nil {
			under, of = append(under, p), append(of, pictures[i].Stream)
		}
	}
	for i, p := range under {
		p.Wait(context.Background())
		o := p.Outcome()
		if o.Status != store.Durable && o.Status != store.Conflict && !errors.Is(o.Err, commit.ErrClosed) {
			s.cfg.Log.Warn("write snapshot", "entity", of[i].String(), "outcome", o.Status.String(), "error", o.Err)
		}
	}
}

func (s *Snapshots) submit(p *Picture) *commit.Pending {
	key, fits := Key(p.Stream)
	if !fits {
		return nil
	}
	data, err := p.Plan.encode(p)
	if err != nil {
		if p.Plan.told.CompareAndSwap(false, true) { // the next one most likely ends alike
			s.cfg.Log.Warn("make snapshot", "entity", p.Stream.String(), "error", err)
		}
		return nil
	}
	if len(data) > s.cfg.MaxSize {
		return nil
	}
	put := store.Change{Record: store.Record{Space: Space, Key: key, Rev: s.cfg.NewRev(), Data: data}, Blind: true}
	return s.cfg.Submit(p.Plan.def, p.Stream, put)
}
