package postgres_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/postgres"
)

// BenchmarkCommit measures Commit against a bare multi-row insert of the same
// events into the same server, which has one table with a primary key by
// position and nothing else, in turns. One operation is one event. Callers
// commit a group each, again and again, every one to a partition of its own; the
// bare insert is group-committed in the same way, over as many connections. x
// is the share of the bare insert's speed that the store has, the median of all
// turns.
func BenchmarkCommit(b *testing.B) {
	patterns := []struct {
		name string
		next func(*load) store.Batch
	}{{"hot", (*load).fresh}, {"life", (*load).freshLife}, {"hotkeyed", (*load).hot}}
	for _, p := range patterns {
		for _, s := range []struct{ callers, group int }{{1, 1}, {1, 256}, {16, 16}, {256, 1}} {
			b.Run(fmt.Sprintf("%s/%dx%d", p.name, s.callers, s.group), func(b *testing.B) {
				benchmarkCommit(b, s.callers, s.group, p.next)
			})
		}
	}
}

func benchmarkCommit(b *testing.B, callers, group int, next func(*load) store.Batch) {
	c := config(b)
	c.Partitions, c.NoSync = callers, false
	s := open(b, c)
	bare := newBare(b, c)
	loads := make([]*load, callers)
	for i := range loads {
		loads[i] = newLoad(store.Partition(i), callers)
		durable(b, s, store.Partition(i), loads[i].warm()...)
	}
	raw(b, c, "ANALYZE events; ANALYZE streams; ANALYZE partitions")
	var ours, theirs time.Duration
	var ratios []float64
	b.ResetTimer()
	for n := 0; n < b.N; n += turn {
		work := make([][][]store.Batch, callers)
		for i := range work {
			work[i] = loads[i].groups(max(1, min(turn, b.N-n)/callers/group), group, next)
		}
		mine := timed(func() { inParallel(callers, func(i int) { commitAll(b, s, store.Partition(i), work[i]) }) })
		b.StopTimer()
		other := timed(func() { inParallel(callers, func(i int) { bare.insertAll(work[i]) }) })
		b.StartTimer()
		ours, theirs, ratios = ours+mine, theirs+other, append(ratios, float64(other)/float64(mine))
	}
	slices.Sort(ratios)
	b.ReportMetric(float64(b.N)/ours.Seconds(), "events/s")
	b.ReportMetric(float64(b.N)/theirs.Seconds(), "bare/s")
	b.ReportMetric(ratios[len(ratios)/2], "x")
}

const turn = 8192 // events before the other one's turn

func timed(fn func()) time.Duration {
	began := time.Now()
	fn()
	return time.Since(began)
}

func inParallel(n int, fn func(i int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { fn(i) })
	}
	all.Wait()
}

func commitAll(tb testing.TB, s store.Store, p store.Partition, groups [][]store.Batch) {
	for _, batches := range groups {
		for i, o := range s.Commit(context.Background(), p, batches) {
			if o.Status != store.Durable {
				tb.Errorf("batch %d ended as %v: %v", i, o.Status, o.Err)
			}
		}
	}
}

// bare is a table of events that is written by multi-row inserts: whoever finds
// a connection free inserts all that waits.
type bare struct {
	tb    testing.TB
	conns chan *pgx.Conn
	mu    sync.Mutex
	wait  []*bareGroup
}

type bareGroup struct {
	batches []store.Batch
	done    chan struct{}
}

const bareInsert = `INSERT INTO bare (type, id, version, schema, time, event, command, correlation, name, data)
SELECT * FROM unnest($1::text[], $2::text[], $3::int8[], $4::int8[], $5::timestamptz[], $6::uuid[], $7::uuid[], $8::uuid[], $9::text[], $10::bytea[])`

func newBare(tb testing.TB, c postgres.Config) *bare {
	raw(tb, c, `CREATE TABLE bare (position bigserial PRIMARY KEY, type text NOT NULL, id text NOT NULL, version int8 NOT NULL, schema int8 NOT NULL,
		time timestamptz NOT NULL, event uuid, command uuid, correlation uuid, causation uuid, name text NOT NULL, metadata bytea, data bytea NOT NULL)`)
	f := &bare{tb: tb, conns: make(chan *pgx.Conn, 2)}
	for range cap(f.conns) {
		conn, err := pgx.Connect(tb.Context(), c.DSN)
		if err != nil {
			tb.Fatal(err)
		}
		if _, err := conn.Exec(tb.Context(), "SET search_path = "+c.Schema+"; SET plan_cache_mode = force_generic_plan"); err != nil {
			tb.Fatal(err)
		}
		f.conns <- conn
		tb.Cleanup(func() { conn.Close(context.Background()) })
	}
	return f
}

func (f *bare) insertAll(groups [][]store.Batch) {
	for _, batches := range groups {
		g := &bareGroup{batches, make(chan struct{})}
		f.mu.Lock()
		f.wait = append(f.wait, g)
		f.mu.Unlock()
		select {
		case conn := <-f.conns:
			f.lead(conn)
			f.conns <- conn
		case <-g.done:
		}
	}
}

func (f *bare) lead(conn *pgx.Conn) {
	f.mu.Lock()
	groups := f.wait
	f.wait = nil
	f.mu.Unlock()
	if len(groups) == 0 {
		return
	}
	f.insert(conn, groups)
	for _, g := range groups {
		close(g.done)
	}
}

func (f *bare) insert(conn *pgx.Conn, groups []*bareGroup) {
	var types, ids, names []string
	var versions, schemas []int64
	var times []time.Time
	var events, commands, correlations [][16]byte
	var data [][]byte
	for _, g := range groups {
		for _, batch := range g.batches {
			e := &batch.Appends[0].Events[0]
			types, ids, names = append(types, e.Stream.Type), append(ids, e.Stream.ID), append(names, e.Type)
			versions, schemas, times = append(versions, int64(e.Version)), append(schemas, int64(e.Schema)), append(times, e.Time)
			events, commands, correlations = append(events, e.ID), append(commands, e.Command), append(correlations, e.Correlation)
			data = append(data, e.Data)
		}
	}
	if _, err := conn.Exec(context.Background(), bareInsert, types, ids, versions, schemas, times, events, commands, correlations, names, data); err != nil {
		f.tb.Error(err)
	}
}

// load makes batches of one event of 200 bytes in one partition.
type load struct {
	partition store.Partition
	of        int
	rand      *rand.Rand
	data      []byte
	clock     uint64
	streams   []store.Stream
	versions  []store.Version
	hotOnes   int
	born      []int // streams of the life-cycle that live
}

func newLoad(p store.Partition, of int) *load {
	l := &load{partition: p, of: of, rand: rand.New(rand.NewPCG(1, uint64(p))), data: bytes.Repeat([]byte("0123456789"), 20), clock: 1 << 40, hotOnes: 10_000 / of}
	for range l.hotOnes {
		l.add(l.random)
	}
	return l
}

// add makes a stream of the partition.
func (l *load) add(id func() store.ID) int {
	for {
		s := store.Stream{Type: "document", ID: id().String()}
		if store.PartitionOf(s, l.of) == l.partition {
			l.streams, l.versions = append(l.streams, s), append(l.versions, 0)
			return len(l.streams) - 1
		}
	}
}

func (l *load) warm() (batches []store.Batch) {
	for i := range l.streams {
		batches = append(batches, l.batch(i))
	}
	return batches
}

func (l *load) groups(n, size int, next func(*load) store.Batch) [][]store.Batch {
	groups := make([][]store.Batch, n)
	for i := range groups {
		for range size {
			groups[i] = append(groups[i], next(l))
		}
	}
	return groups
}

func (l *load) random() (id store.ID) {
	binary.BigEndian.PutUint64(id[:], l.rand.Uint64())
	binary.BigEndian.PutUint64(id[8:], l.rand.Uint64())
	return id
}

// ordered is like a UUIDv7.
func (l *load) ordered() store.ID {
	l.clock++
	id := l.random()
	binary.BigEndian.PutUint64(id[:], l.clock<<12)
	return id
}

func (l *load) hot() store.Batch { return l.batch(l.rand.IntN(l.hotOnes)) }

// fresh is hot under keys that were made for their batches.
func (l *load) fresh() store.Batch {
	b := l.hot()
	b.Fresh = true
	return b
}

// freshLife makes a stream, gives it five events and makes the next one; some
// are under way.
func (l *load) freshLife() store.Batch {
	const many = 16
	var i int
	if len(l.born) < many {
		l.born = append(l.born, l.add(l.ordered))
		i = len(l.born) - 1
	} else if i = l.rand.IntN(many); l.versions[l.born[i]] == 5 {
		l.born[i] = l.add(l.ordered)
	}
	b := l.batch(l.born[i])
	b.Fresh = true
	return b
}

func (l *load) batch(i int) store.Batch {
	key := l.ordered()
	at := time.UnixMicro(1_700_000_000_000_000 + int64(l.clock)).UTC()
	v := l.versions[i]
	l.versions[i]++
	return store.Batch{Key: key, Result: []byte(`{"id":1}`), Time: at, Appends: []store.Append{{
		Stream: l.streams[i], Expect: v, Events: []store.Event{{
			ID: l.ordered(), Stream: l.streams[i], Version: v + 1, Type: "DOCUMENTS:DOCUMENT_CHANGED", Schema: 1,
			Time: at, Command: key, Correlation: key, Data: l.data,
		}},
	}}}
}
