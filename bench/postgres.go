package main

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/internal/commit"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/postgres"
)

// postgresVariable names the server of the rows on PostgreSQL, which are left
// out without it. They make schemas of their own in its database, and drop them.
const postgresVariable = "TALIX_BENCH_POSTGRES"

func postgresRows() []row {
	if os.Getenv(postgresVariable) == "" {
		return nil
	}
	return []row{
		{"postgres", "commands on PostgreSQL, 256 callers, 10,000 hot entities", "bare multi-row insert, same group commit", "/s", ratio,
			atLeast(0.60), bound{}, preparePostgres},
		{"postgres-events", "the same", "multi-row insert of whole events, same group commit", "/s", ratio,
			atLeast(0.60), bound{}, prepareEvents},
		{"postgres-tx", "the same", "a transaction a command, 32 connections", "/s", ratio,
			atLeast(5), bound{}, prepareTransactions},
	}
}

// bareData is as long as an event's data.
var bareData = strings.Repeat("x", recordSize)

// onPostgres starts a runtime in a schema of its own, with hot entities.
func onPostgres(ctx context.Context, l *lab, pool *pgxpool.Pool) (*engine, []string, error) {
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	schema := fmt.Sprintf("bench_%d", time.Now().UnixNano())
	l.later(func() error { return execute(pool, "DROP SCHEMA IF EXISTS "+schema+" CASCADE") })
	events, err := postgres.Open(ctx, postgres.Config{DSN: os.Getenv(postgresVariable), Schema: schema, Log: log})
	if err != nil {
		return nil, nil, err
	}
	l.later(events.Close)
	rt, err := runtime.New(ctx, runtime.Config{Store: events, Parts: []talix.Part{plain()}, Log: log})
	if err != nil {
		return nil, nil, err
	}
	rt.Start()
	l.later(func() error { rt.Stop(); return nil })
	e := &engine{Runtime: rt}
	ids, err := e.warm(ctx, l.scaled(hotEntities))
	return e, ids, err
}

// connect opens connections to the server.
func (l *lab) connect(ctx context.Context, connections int32) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(os.Getenv(postgresVariable))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", postgresVariable, err)
	}
	config.MaxConns = connections
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	l.later(func() error { pool.Close(); return nil })
	return pool, nil
}

func execute(pool *pgxpool.Pool, statements ...string) error {
	for _, s := range statements {
		if _, err := pool.Exec(context.Background(), s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}

func preparePostgres(ctx context.Context, l *lab) (contest, error) {
	pool, err := l.connect(ctx, 4)
	if err != nil {
		return contest{}, err
	}
	e, ids, err := onPostgres(ctx, l, pool)
	if err != nil {
		return contest{}, err
	}
	b := &bareTable{pool: pool}
	l.later(func() error { return execute(pool, "DROP TABLE IF EXISTS bench_bare") })
	if err := execute(pool, "DROP TABLE IF EXISTS bench_bare", "CREATE TABLE bench_bare(position bigint PRIMARY KEY, data text NOT NULL)"); err != nil {
		return contest{}, err
	}
	b.group = commit.Start(commit.Config{Store: b})
	return contest{e.hot(ids, manyCallers), b.grouped(manyCallers)}, nil
}

// bareTable is a table under the group commit that talix itself uses: a row for
// each event, all of a group in one statement.
type bareTable struct {
	store.Store // the group commit calls Commit alone
	pool        *pgxpool.Pool
	group       *commit.Group
	position    int64
	positions   []int64
	data        []string
}

// Commit implements store.Store.
func (b *bareTable) Commit(ctx context.Context, _ store.Partition, batches []store.Batch) []store.Outcome {
	b.positions, b.data = b.positions[:0], b.data[:0]
	for range batches {
		b.position++
		b.positions, b.data = append(b.positions, b.position), append(b.data, bareData)
	}
	_, err := b.pool.Exec(ctx, "INSERT INTO bench_bare SELECT * FROM unnest($1::bigint[], $2::text[])", b.positions, b.data)
	return allAlike(len(batches), err)
}

// allAlike ends every batch of a group as its statement did.
func allAlike(batches int, err error) []store.Outcome {
	end := store.Outcome{Status: store.Durable}
	if err != nil {
		end = store.Outcome{Status: store.Failed, Err: err}
	}
	outcomes := make([]store.Outcome, batches)
	for i := range outcomes {
		outcomes[i] = end
	}
	return outcomes
}

func (b *bareTable) grouped(callers int) side {
	return func(ctx context.Context, each time.Duration) (float64, error) {
		l, err := closedLoop(ctx, callers, each, func(int) caller {
			return func() error {
				p := b.group.Submit(store.Batch{Appends: []store.Append{{Events: []store.Event{{}}}}}, nil)
				p.Wait(ctx)
				return p.Outcome().Err
			}
		})
		return l.perSecond(), err
	}
}

func prepareTransactions(ctx context.Context, l *lab) (contest, error) {
	pool, err := l.connect(ctx, 32)
	if err != nil {
		return contest{}, err
	}
	e, ids, err := onPostgres(ctx, l, pool)
	if err != nil {
		return contest{}, err
	}
	l.later(func() error { return execute(pool, "DROP TABLE IF EXISTS bench_account, bench_note") })
	err = execute(pool, "DROP TABLE IF EXISTS bench_account, bench_note",
		"CREATE TABLE bench_account(id text PRIMARY KEY, balance bigint NOT NULL, version bigint NOT NULL)",
		"CREATE TABLE bench_note(account text NOT NULL, version bigint NOT NULL, data text NOT NULL, PRIMARY KEY(account, version))")
	if err == nil {
		_, err = pool.Exec(ctx, "INSERT INTO bench_account SELECT unnest($1::text[]), 0, 0", ids)
	}
	return contest{e.hot(ids, manyCallers), transactions(pool, ids)}, err
}

// transactions change an account and add a note, as one would write it by hand.
func transactions(pool *pgxpool.Pool, ids []string) side {
	return func(ctx context.Context, each time.Duration) (float64, error) {
		l, err := closedLoop(ctx, manyCallers, each, func(i int) caller {
			random := rand.New(rand.NewPCG(1, uint64(i)))
			return func() error {
				id := ids[random.IntN(len(ids))]
				return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
					var version int64
					err := tx.QueryRow(ctx, "UPDATE bench_account SET balance = balance + 1, version = version + 1 WHERE id = $1 RETURNING version", id).Scan(&version)
					if err != nil {
						return err
					}
					_, err = tx.Exec(ctx, "INSERT INTO bench_note VALUES($1, $2, $3)", id, version, bareData)
					return err
				})
			}
		})
		return l.perSecond(), err
	}
}
