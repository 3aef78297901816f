package main

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/talix-dev/talix/internal/commit"
	"github.com/talix-dev/talix/store"
)

const makeEvents = `CREATE TABLE bench_event(position bigint PRIMARY KEY, entity text NOT NULL, version bigint NOT NULL,
	event uuid NOT NULL, command uuid NOT NULL, type text NOT NULL, time timestamptz NOT NULL, data bytea NOT NULL, UNIQUE (entity, version))`

const insertEvents = `INSERT INTO bench_event SELECT * FROM
	unnest($1::bigint[], $2::text[], $3::bigint[], $4::uuid[], $5::uuid[], $6::text[], $7::timestamptz[], $8::bytea[])`

func prepareEvents(ctx context.Context, l *lab) (contest, error) {
	pool, err := l.connect(ctx, 4)
	if err != nil {
		return contest{}, err
	}
	e, ids, err := onPostgres(ctx, l, pool)
	if err != nil {
		return contest{}, err
	}
	l.later(func() error { return execute(pool, "DROP TABLE IF EXISTS bench_event") })
	if err := execute(pool, "DROP TABLE IF EXISTS bench_event", makeEvents); err != nil {
		return contest{}, err
	}
	b := &eventTable{pool: pool, versions: map[string]int64{}}
	b.group = commit.Start(commit.Config{Store: b})
	return contest{e.hot(ids, manyCallers), b.grouped(ids, manyCallers)}, nil
}

// eventTable is a table that holds what every store of events has to, and the
// index by which an entity is loaded and two decisions on the same state are
// told apart: a row for each event, all of a group in one statement. It has one
// writer, remembers all versions, and looks nothing up.
type eventTable struct {
	store.Store // the group commit calls Commit alone
	pool        *pgxpool.Pool
	group       *commit.Group
	position    int64
	versions    map[string]int64
}

// Commit implements store.Store.
func (b *eventTable) Commit(ctx context.Context, _ store.Partition, batches []store.Batch) []store.Outcome {
	var positions, versions []int64
	var entities, types []string
	var events, commands [][16]byte
	var times []time.Time
	var data [][]byte
	now := time.Now()
	for i := range batches {
		entity := batches[i].Appends[0].Stream.ID
		b.position++
		b.versions[entity]++
		positions, entities, versions = append(positions, b.position), append(entities, entity), append(versions, b.versions[entity])
		events, commands = append(events, b.id()), append(commands, b.id())
		types, times, data = append(types, "NOTED"), append(times, now), append(data, []byte(bareData))
	}
	_, err := b.pool.Exec(ctx, insertEvents, positions, entities, versions, events, commands, types, times, data)
	return allAlike(len(batches), err)
}

// id is ordered by time.
func (b *eventTable) id() (id [16]byte) {
	binary.BigEndian.PutUint64(id[:], uint64(b.position)<<12)
	binary.BigEndian.PutUint64(id[8:], rand.Uint64())
	return id
}

func (b *eventTable) grouped(ids []string, callers int) side {
	return func(ctx context.Context, each time.Duration) (float64, error) {
		l, err := closedLoop(ctx, callers, each, func(i int) caller {
			random := rand.New(rand.NewPCG(2, uint64(i)))
			return func() error {
				entity := store.Stream{ID: ids[random.IntN(len(ids))]}
				p := b.group.Submit(store.Batch{Appends: []store.Append{{Stream: entity, Events: []store.Event{{}}}}}, nil)
				p.Wait(ctx)
				return p.Outcome().Err
			}
		})
		return l.perSecond(), err
	}
}
