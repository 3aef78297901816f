package proof

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Event is an event as the log has it.
type Event struct {
	Partition, Position, Version int64
	Entity, ID, Type             string
	Event, Command               string // ids
	Amount                       int64
	Transfer                     string
	Counted                      string // of a tally: the event
}

// Log is all that the database holds.
type Log struct {
	Events []Event         // in the order of partitions and positions
	Heads  map[int64]int64 // by partition
	Rows   map[string]Row  // of the view of accounts
}

// Row is an account in the view.
type Row struct{ Balance, Version, Transit int64 }

// ReadLog reads what the database holds, as of one moment.
func ReadLog(ctx context.Context, dsn string) (*Log, error) {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return nil, fmt.Errorf("read log: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // it has told all that it knows
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return nil, fmt.Errorf("read log: %w", err)
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) //nolint:errcheck // it has changed nothing
	l := &Log{Heads: map[int64]int64{}, Rows: map[string]Row{}}
	for _, read := range []func(context.Context, pgx.Tx) error{l.readEvents, l.readHeads, l.readRows} {
		if err := read(ctx, tx); err != nil {
			return nil, fmt.Errorf("read log: %w", err)
		}
	}
	return l, nil
}

func (l *Log) readEvents(ctx context.Context, tx pgx.Tx) error {
	rows, _ := tx.Query(ctx, `SELECT partition, position, version, entity, id, type, event::text, coalesce(command::text, ''), data
		FROM talix.log ORDER BY partition, position`) // its error is that of collecting
	var e Event
	var data string
	_, err := pgx.ForEachRow(rows, []any{&e.Partition, &e.Position, &e.Version, &e.Entity, &e.ID, &e.Type, &e.Event, &e.Command, &data}, func() error {
		var d struct {
			Amount          int64
			Transfer, Event string
		}
		if err := json.Unmarshal([]byte(data), &d); err != nil {
			return fmt.Errorf("data of %s: %w", e.Event, err)
		}
		e.Amount, e.Transfer, e.Counted = d.Amount, d.Transfer, d.Event
		l.Events = append(l.Events, e)
		return nil
	})
	return err
}

func (l *Log) readHeads(ctx context.Context, tx pgx.Tx) error {
	rows, _ := tx.Query(ctx, "SELECT partition, head FROM talix.partitions WHERE head > 0")
	var partition, head int64
	_, err := pgx.ForEachRow(rows, []any{&partition, &head}, func() error {
		l.Heads[partition] = head
		return nil
	})
	return err
}

func (l *Log) readRows(ctx context.Context, tx pgx.Tx) error {
	rows, _ := tx.Query(ctx, "SELECT id, balance, version, transit FROM talix_views.accounts")
	var id string
	var r Row
	_, err := pgx.ForEachRow(rows, []any{&id, &r.Balance, &r.Version, &r.Transit}, func() error {
		l.Rows[id] = r
		return nil
	})
	return err
}

// Types of events.
const (
	deposited = "ACCOUNTS:DEPOSITED"
	withdrawn = "ACCOUNTS:WITHDRAWN"
	sent      = "ACCOUNTS:SENT"
	received  = "ACCOUNTS:RECEIVED"
	returned  = "ACCOUNTS:RETURNED"
	counted   = "TALLIES:COUNTED"
)

// Fold is what the events of each account add up to.
func (l *Log) Fold() map[string]Row {
	all := map[string]Row{}
	for _, e := range l.Events {
		r := all[e.ID]
		switch e.Type {
		case deposited:
			r.Balance += e.Amount
		case withdrawn:
			r.Balance -= e.Amount
		case sent:
			r.Balance, r.Transit = r.Balance-e.Amount, r.Transit+e.Amount
		case received, returned:
			r.Balance, r.Transit = r.Balance+e.Amount, r.Transit-e.Amount
		default:
			continue
		}
		r.Version = e.Version
		all[e.ID] = r
	}
	return all
}
