package project

import (
	"context"
	"errors"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

var errEnded = errors.New("the views are not run any more")

// Wait returns nil as soon as the views of the named tables have taken the events of each
// partition up to the wanted position. Nil stands for all views; names of no
// view are passed over, and so are partitions that don't exist. A view whose
// tables are made anew, as its definition has changed, is waited for until they
// are there. An event that was parked counts as taken.
//
// It fails at once if a view on which it would have to wait is stopped by an
// event, and when ctx or Run has ended. Errors are of type *registry.Fault,
// with the code unavailable.
func (p *Projector) Wait(ctx context.Context, tables []string, want map[store.Partition]store.Position) error {
	if tables == nil {
		for _, v := range p.views {
			if err := p.waitView(ctx, v, want); err != nil {
				return err
			}
		}
		return nil
	}
	for _, name := range tables {
		if v := p.find(name); v != nil {
			if err := p.waitView(ctx, v, want); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *Projector) waitView(ctx context.Context, v *view, want map[store.Partition]store.Position) error {
	for partition, position := range want {
		if partition < 0 || int(partition) >= len(v.shown) {
			continue
		}
		if err := p.waitPart(ctx, &v.shown[partition], position); err != nil {
			return registry.Faultf(registry.Unavailable, "the view %q is not up to date", v.def.Name).Because(err)
		}
	}
	return nil
}

func (p *Projector) waitPart(ctx context.Context, part *progress, position store.Position) error {
	w, err := part.wait(position)
	if w == nil {
		return err
	}
	defer part.leave(w)
	select {
	case err := <-w.answer:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-p.ended:
		return errEnded
	}
}

// WaitWhole returns nil as soon as nothing is Pending of the named tables.
// Errors are as for Wait.
func (p *Projector) WaitWhole(ctx context.Context, tables []string) error {
	for _, name := range tables {
		v := p.find(name)
		for v != nil {
			turned := v.turn()
			_, fault := v.pending()
			if fault == nil {
				break
			}
			select {
			case <-turned:
			case <-ctx.Done():
				return fault
			case <-p.ended:
				return fault
			}
		}
	}
	return nil
}

func (v *view) turn() <-chan struct{} {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.turned
}
