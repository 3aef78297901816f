package project

import (
	"context"
	"time"

	"github.com/talix-dev/talix/store"
)

// How often a process looks at what others do with the views: in general, and
// while new tables are made.
const (
	lookEvery = 500 * time.Millisecond
	lookSoon  = 100 * time.Millisecond
)

// watch looks at what others do until ctx ends.
func (p *Projector) watch(ctx context.Context) {
	for ctx.Err() == nil {
		err := p.cfg.look(ctx)
		if err == nil {
			err = p.renew(ctx)
		}
		for _, v := range p.views {
			v.standIn(ctx)
			if err == nil {
				err = v.tidy(ctx)
			}
		}
		if err != nil && ctx.Err() == nil {
			p.cfg.Log.WarnContext(ctx, "look at the views of other nodes; it is tried again", "error", err)
		}
		p.untilPoked(ctx)
	}
	for _, v := range p.views {
		v.standDown()
	}
}

func (p *Projector) untilPoked(ctx context.Context) {
	pause := lookEvery
	for _, v := range p.views {
		if v.making() || v.onHold() {
			pause = lookSoon
		}
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-p.cfg.crew.poked:
		sleep(ctx, soon) // many may want it to look at the same time
	case <-ctx.Done():
	}
}

// standIn has runners feed what owners with another definition do not feed.
func (v *view) standIn(ctx context.Context) {
	for p := range v.stands {
		want := v.cfg.crew.standsIn(v.def.Name, v.fingerprint, p)
		switch h := &v.stands[p]; {
		case want == (v.lent[p] != nil):
		case want:
			lent, end := context.WithCancel(ctx)
			v.lent[p] = end
			h.give(lent)
		default:
			h.set(nil)
			v.lent[p]()
			v.lent[p] = nil
		}
	}
}

// standDown ends that.
func (v *view) standDown() {
	for p, end := range v.lent {
		if end != nil {
			v.stands[p].set(nil)
			end()
			v.lent[p] = nil
		}
	}
}

// refresh has the tail see what others commit to a partition, until ctx ends.
func (r *runner) refresh(ctx context.Context) {
	for sleep(ctx, later) {
		_ = r.view.cfg.Tail.Refresh(ctx, r.partition) // it is asked again soon
	}
}

// caughtUp tells whether all partitions of a build have reached what there was
// when this process began with it, and nearly all that came since, whoever feeds
// them.
func (b *build) caughtUp(ctx context.Context) (bool, error) {
	marks, err := b.marks(ctx)
	if err != nil {
		return false, err
	}
	all := true
	for p, r := range b.parts {
		r.progress.atLeast(marks[p])
		all = all && b.near(p, marks[p])
	}
	for p := range b.parts {
		if !all || b.view.cfg.holds[p].held() {
			continue
		}
		if err := b.view.cfg.Tail.Refresh(ctx, store.Partition(p)); err != nil {
			return false, err
		}
		all = b.near(p, marks[p])
	}
	return all, nil
}

func (b *build) near(p int, mark store.Position) bool {
	r := b.parts[p]
	return mark >= r.target && int64(r.head()-mark) <= int64(b.view.cfg.Batch)
}
