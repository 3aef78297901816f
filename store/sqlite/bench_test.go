package sqlite_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/sqlite"
)

// BenchmarkCommit measures Commit against a bare file that takes the same
// bytes with one sync for each group, in turns. One operation is one group; x
// is the share of the bare file's speed that the store has.
func BenchmarkCommit(b *testing.B) {
	patterns := []struct {
		name string
		next func(*load) store.Batch
	}{{"hot", (*load).hot}, {"life", (*load).life}, {"hotfresh", (*load).fresh}, {"lifefresh", (*load).freshLife}}
	for _, p := range patterns {
		for _, group := range []int{1, 16, 256} {
			b.Run(fmt.Sprintf("%s/%d", p.name, group), func(b *testing.B) {
				benchmarkCommit(b, group, p.next)
			})
		}
	}
}

func benchmarkCommit(b *testing.B, group int, next func(*load) store.Batch) {
	s, err := sqlite.Open(b.Context(), sqlite.Config{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	bare := newBareFile(b)
	l := newLoad()
	l.warm(b, s)
	var ours, theirs time.Duration
	b.ReportAllocs()
	for n := 0; n < b.N; n += turn {
		groups := make([][]store.Batch, min(turn, b.N-n))
		for i := range groups {
			groups[i] = make([]store.Batch, group)
			for j := range groups[i] {
				groups[i][j] = next(l)
			}
		}
		ours += timed(func() { commitAll(b, s, groups) })
		b.StopTimer()
		theirs += timed(func() { bare.writeAll(groups) })
		b.StartTimer()
	}
	events := float64(b.N * group)
	b.ReportMetric(events/ours.Seconds(), "events/s")
	b.ReportMetric(events/theirs.Seconds(), "bare/s")
	b.ReportMetric(float64(theirs)/float64(ours), "x")
}

const turn = 16 // groups before the other one's turn

func timed(fn func()) time.Duration {
	began := time.Now()
	fn()
	return time.Since(began)
}

func commitAll(tb testing.TB, s store.Store, groups [][]store.Batch) {
	for _, batches := range groups {
		for i, o := range s.Commit(tb.Context(), 0, batches) {
			if o.Status != store.Durable {
				tb.Fatalf("batch %d ended as %v: %v", i, o.Status, o.Err)
			}
		}
	}
}

// bareFile is the limit: a preallocated file, a record each, a sync a group.
type bareFile struct {
	tb     testing.TB
	file   *os.File
	offset int64
	buffer []byte
}

const bareSize = 256 << 20

func newBareFile(tb testing.TB) *bareFile {
	f, err := os.Create(filepath.Join(tb.TempDir(), "bare"))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { f.Close() })
	zeros := make([]byte, 1<<20)
	for range bareSize / len(zeros) {
		if _, err := f.Write(zeros); err != nil {
			tb.Fatal(err)
		}
	}
	if err := f.Sync(); err != nil {
		tb.Fatal(err)
	}
	return &bareFile{tb: tb, file: f}
}

func (f *bareFile) writeAll(groups [][]store.Batch) {
	for _, batches := range groups {
		f.buffer = f.buffer[:0]
		for i := range batches {
			f.buffer = append(append(f.buffer, batches[i].Key[:]...), batches[i].Result...)
			for _, a := range batches[i].Appends {
				for j := range a.Events {
					f.buffer = append(append(f.buffer, a.Stream.ID...), a.Events[j].ID[:]...)
					f.buffer = append(f.buffer, a.Events[j].Data...)
				}
			}
		}
		if f.offset+int64(len(f.buffer)) > bareSize {
			f.offset = 0
		}
		if _, err := f.file.WriteAt(f.buffer, f.offset); err != nil {
			f.tb.Fatal(err)
		}
		f.offset += int64(len(f.buffer))
		if err := syncData(f.file); err != nil {
			f.tb.Fatal(err)
		}
	}
}

// load makes batches of one event of 200 bytes.
type load struct {
	rand     *rand.Rand
	data     []byte
	clock    uint64
	streams  []store.Stream
	versions []store.Version
	born     []int // streams of the life-cycle that live
}

func newLoad() *load {
	l := &load{rand: rand.New(rand.NewPCG(1, 2)), data: bytes.Repeat([]byte("0123456789"), 20), clock: 1 << 40}
	for range 10_000 {
		l.streams = append(l.streams, store.Stream{Type: "document", ID: l.random().String()})
		l.versions = append(l.versions, 0)
	}
	return l
}

func (l *load) warm(tb testing.TB, s store.Store) {
	var batches []store.Batch
	for i := range l.streams {
		batches = append(batches, l.batch(i))
	}
	commitAll(tb, s, [][]store.Batch{batches})
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

func (l *load) hot() store.Batch { return l.batch(l.rand.IntN(10_000)) }

// fresh is hot under keys that were made for their batches.
func (l *load) fresh() store.Batch {
	b := l.hot()
	b.Fresh = true
	return b
}

func (l *load) freshLife() store.Batch {
	b := l.life()
	b.Fresh = true
	return b
}

// life makes a stream, gives it five events and makes the next one; 256 are
// under way.
func (l *load) life() store.Batch {
	var i int
	if len(l.born) < 256 {
		l.born = append(l.born, l.birth())
		i = len(l.born) - 1
	} else if i = l.rand.IntN(256); l.versions[l.born[i]] == 5 {
		l.born[i] = l.birth()
	}
	return l.batch(l.born[i])
}

func (l *load) birth() int {
	l.streams = append(l.streams, store.Stream{Type: "document", ID: l.ordered().String()})
	l.versions = append(l.versions, 0)
	return len(l.streams) - 1
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
