package live

import (
	"context"
	"time"

	"github.com/talix-dev/talix/internal/registry"
)

// reader is one caller of a feed. It holds nothing but its place: the changes
// are the feed's, so a slow one costs no memory.
type reader struct {
	feed  *feed
	yield func(registry.Change, error) bool
	next  uint64 // the number of the last change that the caller has
}

// read gives changes until ctx or the loop ends, for which it returns nil.
func (r *reader) read(ctx context.Context, resume string) error {
	if !r.resume(resume) {
		if err := r.settle(ctx); err != nil || !r.begin() {
			return err
		}
	}
	beat := time.NewTicker(r.feed.hub.cfg.Beat)
	defer beat.Stop()
	for {
		changes, news, err := r.take()
		if err != nil {
			return err
		}
		for _, c := range changes {
			r.next++
			if !r.yield(c.Change, nil) {
				return nil
			}
		}
		if len(changes) > 0 {
			continue
		}
		select {
		case <-news:
		case <-beat.C:
			if !r.yield(registry.Change{Kind: registry.Beat}, nil) {
				return nil
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// settle waits until the feed shows what it had to show when the caller came.
func (r *reader) settle(ctx context.Context) error {
	f := r.feed
	f.mu.Lock()
	want := f.asked
	f.mu.Unlock()
	for {
		f.mu.Lock()
		ran, ended, news := f.ran, f.ended, f.news
		f.mu.Unlock()
		if ended != nil || ran >= want {
			return ended
		}
		select {
		case <-news:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// resume finds the place of a caller who comes back, and tells whether it is
// known.
func (r *reader) resume(id string) (known bool) {
	f := r.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	r.next, known = f.number(id)
	return known
}

// begin gives the caller all rows.
func (r *reader) begin() bool {
	f := r.feed
	f.mu.Lock()
	present := f.present()
	r.next = f.last
	f.mu.Unlock()
	return r.yield(present, nil)
}

// take are the changes that follow, or the channel that tells of the next ones.
func (r *reader) take() ([]numbered, <-chan struct{}, error) {
	f := r.feed
	f.mu.Lock()
	defer f.mu.Unlock()
	behind := f.last - r.next
	switch {
	case behind > uint64(len(f.kept)):
		return nil, nil, registry.Faultf(registry.Overloaded, "the changes came faster than they were taken; come back for the present rows")
	case behind > 0:
		return append([]numbered(nil), f.kept[len(f.kept)-int(behind):]...), nil, nil
	}
	return nil, f.news, f.ended
}
