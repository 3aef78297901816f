package project

import (
	"context"
	"fmt"

	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/table"
)

// standing is where a view stands.
type standing struct {
	live *build // what queries read, kept up; nil while they read the tables of an older definition
	next *build // what is to take that place, or nil

	// Where several processes work:
	other *build // what queries read, kept up by others with another definition; nil if live is not
	scene scene
	waits []string // who keeps next from taking its place, as they read what it is to replace; of the view's mu
}

// frozen tells that queries read the tables of an older definition.
func (v *view) frozen() bool {
	s := v.where()
	return s != nil && s.live == nil
}

func (v *view) where() *standing {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.stood
}

// stand finds out from the tables where the view stands, and makes what is
// missing.
func (v *view) stand(ctx context.Context) error {
	find := v.find
	if v.cfg.Shared {
		find = v.join
	}
	s, err := find(ctx)
	if err != nil {
		return fmt.Errorf("find where view %s stands: %w", v.def.Name, err)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	was := v.stood
	v.stood, v.doubt = s, false
	v.tell()
	if was != nil && was.scene.live != s.scene.live {
		v.changed() // another process has put new tables there
	}
	return nil
}

// tell wakes those who wait for a change of where the view stands. The view is
// locked.
func (v *view) tell() {
	close(v.turned)
	v.turned = make(chan struct{})
}

func (v *view) find(ctx context.Context) (*standing, error) {
	live, next := v.build(""), v.build(prefixNext)
	made, err := v.cfg.Tables.Made(ctx)
	if check := v.build(prefixCheck); err == nil && v.where() == nil { // later on, someone may be using them
		if _, left := check.presence(made); left {
			err = check.drop(ctx)
		}
	}
	same, some := live.presence(made)
	for _, b := range []*build{live, next} {
		if err == nil {
			err = b.loadState(ctx)
		}
	}
	switch {
	case err != nil:
		return nil, err
	case some && !same:
		if err := live.show(ctx); err != nil {
			return nil, err
		}
		next.state.Starts = live.state.Starts
		return &standing{next: next}, next.open(ctx)
	}
	if err := live.open(ctx); err != nil {
		return nil, err
	}
	if next.state.Asked {
		next.state.Starts = live.state.Starts
		return &standing{live: live, next: next}, next.open(ctx)
	}
	if _, some := next.presence(made); some || len(next.state.Starts) > 0 {
		err = next.drop(ctx)
	}
	return &standing{live: live}, err
}

// open makes the tables of a build, and has its runners go to where it stands.
// Tables that are ahead of the log were made of events which are gone.
func (b *build) open(ctx context.Context) error {
	cfg := b.view.cfg
	if err := cfg.Tables.Ensure(ctx, cfg.Identity, b.schemas()); err != nil {
		return err
	}
	marks, err := b.marks(ctx)
	if err != nil {
		return err
	}
	for p, mark := range marks {
		head, err := cfg.headBeyond(ctx, store.Partition(p), mark)
		if err != nil {
			return err
		}
		if mark > head {
			cfg.Log.WarnContext(ctx, "view is ahead of the log, which must have lost events: making the view anew",
				"view", b.name, "partition", p, "mark", mark, "head", head)
			if err := b.reset(ctx); err != nil {
				return err
			}
			marks = make([]store.Position, len(marks))
			break
		}
	}
	if err := b.began(ctx, marks); err != nil {
		return err
	}
	if err := b.begin(ctx, marks); err != nil {
		return err
	}
	return b.load(ctx, marks)
}

// place has a runner go to where the build stands. Where others move marks too,
// it does that again when it begins.
func (b *build) place(ctx context.Context, r *runner, mark store.Position) error {
	if b.view.cfg.Shared {
		r.moveTo(max(mark, r.start))
		return nil
	}
	return r.load(ctx)
}

// headBeyond is the head of a partition, as it is now if it seems to lie before a
// mark: others may have committed.
func (c *Config) headBeyond(ctx context.Context, p store.Partition, mark store.Position) (store.Position, error) {
	if head := c.Tail.Head(p); mark <= head {
		return head, nil
	}
	err := c.Tail.Refresh(ctx, p)
	return c.Tail.Head(p), err
}

func (b *build) marks(ctx context.Context) ([]store.Position, error) {
	marks := make([]store.Position, len(b.parts))
	if m, ok := b.view.cfg.Tables.(table.Marker); ok {
		all, err := m.Marks(ctx, b.name)
		for p := range marks {
			marks[p] = store.Position(all[p])
		}
		return marks, err
	}
	for p := range marks {
		mark, err := b.view.cfg.Tables.Mark(ctx, b.name, p)
		if err != nil {
			return nil, err
		}
		marks[p] = store.Position(mark)
	}
	return marks, nil
}

// reset empties the tables.
func (b *build) reset(ctx context.Context) error {
	cfg := b.view.cfg
	b.state.Built = false
	return cfg.Tables.Make(ctx, b.schemas(), func(tx table.Tx) error {
		if err := b.forget(tx); err != nil {
			return err
		}
		return b.putState(tx, b.name)
	})
}

// begin notes where a view from now begins, once.
func (b *build) begin(ctx context.Context, marks []store.Position) error {
	cfg := b.view.cfg
	if !b.view.def.FromNow {
		b.state.Starts = nil
		return nil
	}
	if len(b.state.Starts) != len(b.parts) {
		b.state.Starts = make([]int64, len(b.parts))
		for p := range b.parts {
			b.state.Starts[p] = int64(cfg.Tail.Head(store.Partition(p)))
		}
	}
	for p, r := range b.parts {
		r.start = min(store.Position(b.state.Starts[p]), cfg.Tail.Head(store.Partition(p)))
	}
	return cfg.Tables.Update(ctx, func(tx table.Tx) error {
		for p, r := range b.parts {
			if marks[p] >= r.start {
				continue
			}
			if err := tx.Mark(b.name, p, int64(marks[p]), int64(r.start)); err != nil {
				return err
			}
		}
		return b.putState(tx, b.name)
	})
}

// load has the runners go to where the build stands.
func (b *build) load(ctx context.Context, marks []store.Position) error {
	whole := true
	for p, r := range b.parts {
		r.target = b.view.cfg.Tail.Head(store.Partition(p))
		if err := b.place(ctx, r, marks[p]); err != nil {
			return err
		}
		r.from = r.mark
		whole = whole && r.isWhole()
	}
	b.full = b.state.Built || whole
	return nil
}

// show tells how far tables of an older definition are.
func (b *build) show(ctx context.Context) error {
	marks, err := b.marks(ctx)
	for p, mark := range marks {
		b.parts[p].progress.advance(mark)
	}
	return err
}

// drop removes a build that is not wanted any more.
func (b *build) drop(ctx context.Context) error {
	if err := b.view.cfg.Tables.Update(ctx, b.forget); err != nil {
		return err
	}
	return b.view.cfg.Tables.Drop(ctx, b.tables(), []string{b.name})
}
