package sqlite_test

import (
	"testing"

	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/sqlite"
	"github.com/talix-dev/talix/table"
)

// BenchmarkLog scans a log in pages of 1,000 events; one operation is a page.
func BenchmarkLog(b *testing.B) {
	s := many(b)
	after := store.Position(0)
	for b.Loop() {
		events, err := s.Log(b.Context(), 0, after, 1000)
		if err != nil {
			b.Fatal(err)
		}
		if after = 0; len(events) == 1000 {
			after = events[999].Position
		}
	}
	b.ReportMetric(float64(b.N)*1000/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkLoad folds a stream of 1,000 events among others.
func BenchmarkLoad(b *testing.B) {
	s := many(b)
	for b.Loop() {
		if n, err := count(b, s, store.Stream{Type: "document", ID: "long"}); n != 1000 || err != nil {
			b.Fatal(n, err)
		}
	}
	b.ReportMetric(float64(b.N)*1000/b.Elapsed().Seconds(), "events/s")
}

// many has 101,000 events, of which each hundredth is of one stream.
func many(b *testing.B) *sqlite.Store {
	b.Helper()
	s := open(b, sqlite.Config{Dir: b.TempDir(), NoSync: true})
	l := newLoad()
	for v := range store.Version(1000) {
		batches := []store.Batch{event(store.Stream{Type: "document", ID: "long"}, v+1)}
		for range 100 {
			batches = append(batches, l.hot())
		}
		durable(b, s, batches...)
	}
	return s
}

// BenchmarkUpdate puts 1,000 of 10,000 rows at random; one operation is one
// transaction.
func BenchmarkUpdate(b *testing.B) {
	s, err := sqlite.OpenTables(b.Context(), sqlite.TablesConfig{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	schema := &table.Schema{Name: "documents", Fingerprint: "1", Columns: []table.Column{
		{Name: "id", Kind: table.Text, Key: true}, {Name: "name", Kind: table.Text},
		{Name: "status", Kind: table.Int, Index: true}, {Name: "amount", Kind: table.Float, Null: true}}}
	if err := s.Ensure(b.Context(), "log", []table.Schema{*schema}); err != nil {
		b.Fatal(err)
	}
	l, mark := newLoad(), int64(0)
	row := make([]table.Value, 4)
	b.ReportAllocs()
	for b.Loop() {
		err := s.Update(b.Context(), func(tx table.Tx) error {
			for range 1000 {
				row[0] = table.TextValue(l.streams[l.rand.IntN(len(l.streams))].ID)
				row[1], row[2], row[3] = table.TextValue("a name of some length"), table.IntValue(l.rand.Int64N(5)), table.FloatValue(1.5)
				if err := tx.Put(schema, row); err != nil {
					return err
				}
			}
			mark++
			return tx.Mark("documents", 0, mark-1, mark)
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*1000/b.Elapsed().Seconds(), "rows/s")
}
