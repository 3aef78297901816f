package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/sqlite"
)

// archive is the log of a program that ran for long: its entities took turns,
// so the events of one stand far apart.
type archive struct {
	typ, event string // of the entity and its events
	data       any    // of each event
	entities   int
	events     int // of each entity
}

func (a archive) id(entity int) string { return fmt.Sprintf("entity-%06d", entity) }

// write makes a store with these events in an empty folder, through the port
// and in large batches.
func (a archive) write(ctx context.Context, dir string) (err error) {
	s, err := sqlite.Open(ctx, sqlite.Config{Dir: dir, NoSync: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	data, err := json.Marshal(a.data)
	if err != nil {
		return fmt.Errorf("encode event: %w", err)
	}
	const portion = 4000
	var batches []store.Batch
	for version := range a.events {
		for entity := range a.entities {
			batches = append(batches, a.batch(entity, version, data))
			last := version == a.events-1 && entity == a.entities-1
			if len(batches) < portion && !last {
				continue
			}
			if err := commitAll(ctx, s, batches); err != nil {
				return err
			}
			batches = batches[:0]
		}
	}
	return nil
}

func (a archive) batch(entity, version int, data []byte) store.Batch {
	stream := store.Stream{Type: a.typ, ID: a.id(entity)}
	var id [16]byte
	copy(id[:], fmt.Sprintf("%08x%08x", version+1, entity))
	return store.Batch{Appends: []store.Append{{Stream: stream, Expect: store.Version(version), Events: []store.Event{{
		ID: id, Stream: stream, Version: store.Version(version + 1), Type: a.event, Schema: 1,
		Time: time.Unix(1_700_000_000, 0).UTC(), Command: id, Correlation: id, Data: data,
	}}}}}
}

func commitAll(ctx context.Context, s store.Store, batches []store.Batch) error {
	for _, o := range s.Commit(ctx, 0, batches) {
		if o.Status != store.Durable {
			return fmt.Errorf("write archive: %s: %w", o.Status, o.Err)
		}
	}
	return nil
}

// ledgers is an archive of ledgers.
func ledgers(entities, events int) archive {
	return archive{typ: "ledger", event: "LEDGERS:NOTED", data: Noted(note()), entities: entities, events: events}
}

// load reads an entity's state, as queries and actions do.
func (e *engine) load(ctx context.Context, id string) (talix.Loaded[Ledger], error) {
	return talix.Load(e.Context(ctx), Ledgers, id)
}
