package main

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/talix-dev/talix"
)

const (
	manyCallers = 256
	hotEntities = 10_000
)

func throughputRows() []row {
	const rate = "/s"
	return []row{
		{"hot", "durable commands, Go API, 256 callers, 10,000 hot entities", "bare file, same group commit", rate, ratio,
			atLeast(0.50), atLeast(0.12), prepareHot},
		{"hot-limit", "the same", "bare file, leanest writer", rate, ratio, bound{}, bound{}, prepareHotLimit},
		{"life", "life-cycle: new entity, five events, next; 256 callers", "bare file, same group commit", rate, ratio,
			atLeast(0.60), atLeast(0.25), prepareLife},
		{"life-limit", "the same", "bare file, leanest writer", rate, ratio, bound{}, bound{}, prepareLifeLimit},
		{"view", "as hot, one table view kept up", "ours without the view", rate, ratio,
			atLeast(0.70), atLeast(0.40), prepareView},
		{"one", "as hot, one caller", "one fdatasync'd append", rate, ratio,
			atLeast(0.80), atLeast(0.60), prepareOne},
		{"sqlite", "as hot, 64 callers", "hand-written SQLite transaction a command", rate, ratio,
			atLeast(12), atLeast(5), prepareSQLite},
		{"hot-one", "one hot entity, 256 callers", "ours on 10,000 entities", rate, ratio,
			atLeast(0.50), atLeast(0.30), prepareHotOne},
	}
}

// hot lets callers write to entities that are alive, chosen at random.
func (e *engine) hot(ids []string, callers int) side {
	return func(ctx context.Context, each time.Duration) (float64, error) {
		l, err := closedLoop(ctx, callers, each, func(i int) caller { return e.hotCaller(ctx, ids, i) })
		return l.perSecond(), err
	}
}

func (e *engine) hotCaller(ctx context.Context, ids []string, i int) caller {
	random, in := rand.New(rand.NewPCG(1, uint64(i))), note()
	return func() error { return e.write(ctx, ids[random.IntN(len(ids))], in) }
}

// grouped lets callers append to the bare file's group commit.
func (b *bareFile) grouped(callers int) side {
	return func(ctx context.Context, each time.Duration) (float64, error) {
		l, err := closedLoop(ctx, callers, each, func(int) caller {
			r := newRecord()
			return func() error { return b.append(r) }
		})
		return l.perSecond(), err
	}
}

// single appends and syncs in one goroutine.
func (b *bareFile) single(ctx context.Context, each time.Duration) (float64, error) {
	data := make([]byte, recordSize)
	l, err := closedLoop(ctx, 1, each, func(int) caller {
		return func() error { return b.appendAlone(data) }
	})
	return l.perSecond(), err
}

// warmed starts an engine with hot entities.
func warmed(ctx context.Context, l *lab, s talix.Service) (*engine, []string, error) {
	e, err := l.engine(ctx, s)
	if err != nil {
		return nil, nil, err
	}
	ids, err := e.warm(ctx, l.scaled(hotEntities))
	return e, ids, err
}

func prepareHot(ctx context.Context, l *lab) (contest, error) {
	return againstBare(ctx, l, hotLoad, l.sameGroupCommit)
}

func prepareHotLimit(ctx context.Context, l *lab) (contest, error) {
	return againstBare(ctx, l, hotLoad, leanest)
}

func prepareLife(ctx context.Context, l *lab) (contest, error) {
	return againstBare(ctx, l, lifeLoad, l.sameGroupCommit)
}

func prepareLifeLimit(ctx context.Context, l *lab) (contest, error) {
	return againstBare(ctx, l, lifeLoad, leanest)
}

func hotLoad(e *engine, ids []string) side { return e.hot(ids, manyCallers) }

func lifeLoad(e *engine, _ []string) side { return e.life }

// sameGroupCommit is the bare file under talix's own group commit.
func (l *lab) sameGroupCommit(b *bareFile) side {
	g := newGroupFile(b)
	l.later(g.close)
	return g.grouped(manyCallers)
}

// leanest is the bare file with the least that a group commit can be.
func leanest(b *bareFile) side { return b.grouped(manyCallers) }

func againstBare(ctx context.Context, l *lab, ours func(*engine, []string) side, base func(*bareFile) side) (contest, error) {
	e, ids, err := warmed(ctx, l, plain())
	if err != nil {
		return contest{}, err
	}
	b, err := l.bareFile()
	if err != nil {
		return contest{}, err
	}
	return contest{ours(e, ids), base(b)}, nil
}

// life lets each caller make an entity, give it five events, and go on to the
// next one.
func (e *engine) life(ctx context.Context, each time.Duration) (float64, error) {
	l, err := closedLoop(ctx, manyCallers, each, func(int) caller {
		var id string
		in, events := note(), 0
		return func() error {
			if events%5 == 0 {
				id = talix.NewID(e.Context(ctx))
			}
			events++
			return e.write(ctx, id, in)
		}
	})
	return l.perSecond(), err
}

func prepareView(ctx context.Context, l *lab) (contest, error) {
	with, ids, err := warmed(ctx, l, viewed())
	if err != nil {
		return contest{}, err
	}
	without, others, err := warmed(ctx, l, plain())
	if err != nil {
		return contest{}, err
	}
	return contest{with.viewing(ids), without.hot(others, manyCallers)}, nil
}

// viewing is hot, but the time ends when the view has taken the last event.
func (e *engine) viewing(ids []string) side {
	return func(ctx context.Context, each time.Duration) (float64, error) {
		l, err := closedLoop(ctx, manyCallers, each, func(i int) caller { return e.hotCaller(ctx, ids, i) })
		if err != nil {
			return 0, err
		}
		last := e.Context(ctx)
		if _, err := talix.Run(last, Write, ids[0], note()); err != nil {
			return 0, err
		}
		if _, err := talix.Ask(last, Totals, struct{}{}); err != nil {
			return 0, err
		}
		l.took = time.Since(l.started)
		return l.perSecond(), nil
	}
}

func prepareOne(ctx context.Context, l *lab) (contest, error) {
	e, ids, err := warmed(ctx, l, plain())
	if err != nil {
		return contest{}, err
	}
	b, err := l.bareFile()
	if err != nil {
		return contest{}, err
	}
	return contest{e.hot(ids, 1), b.single}, nil
}

func prepareSQLite(ctx context.Context, l *lab) (contest, error) {
	const callers = 64
	e, ids, err := warmed(ctx, l, plain())
	if err != nil {
		return contest{}, err
	}
	path, err := l.file("accounts.db")
	if err != nil {
		return contest{}, err
	}
	h, err := openHandWritten(path, ids)
	if err != nil {
		return contest{}, err
	}
	l.later(h.close)
	return contest{e.hot(ids, callers), h.busy(ids, callers)}, nil
}

func prepareHotOne(ctx context.Context, l *lab) (contest, error) {
	e, ids, err := warmed(ctx, l, plain())
	if err != nil {
		return contest{}, err
	}
	return contest{e.hot(ids[:1], manyCallers), e.hot(ids, manyCallers)}, nil
}
