// Package storetest is the conformance suite of the store.Store port. A driver
// is a store of talix when Run passes; a bug found in a driver gets its case
// here first, so that every driver learns from it.
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, storetest.Factory{
//			Open: func(t *testing.T, dir string) (store.Store, error) {
//				return sqlite.Open(sqlite.Config{Dir: dir})
//			},
//			Features: storetest.Features{Durable: true, Partitions: 1},
//		})
//	}
//
// Durable drivers call Kill as well.
package storetest

import (
	"slices"
	"testing"

	"github.com/talix-dev/talix/store"
)

// Factory tells the suite how to open the driver's store.
type Factory struct {
	// Open opens the store whose data is named by dir: a folder of its own,
	// empty at first. Opening a closed store's dir again must find its data, if
	// Features says Durable. A driver that keeps nothing in folders takes dir
	// as a name that is unique. The suite closes what it opened.
	Open func(t *testing.T, dir string) (store.Store, error)
	// Features says which promises beyond the port's the store makes.
	Features Features
}

// Features switches the cases that not every store can pass. The zero value
// runs those that every store passes.
type Features struct {
	// Durable: what was committed is found again when dir is reopened.
	Durable bool
	// Partitions is how many a new store has. Zero: any number.
	Partitions int
	// Shared: several stores may be open on one dir at a time, in one process
	// or many, and their calls of Commit may meet in one partition.
	Shared bool
}

// Run holds a driver to the port. Each case is a parallel subtest with a store
// of its own, and ends with Check. Cases about records run if the store is a
// store.Keeper, and so are those about other optional parts of the port:
// store.Lister, store.Leases, store.Backward, store.Walker, and store.Spanner
// where the store has several partitions.
func Run(t *testing.T, f Factory) {
	for _, c := range suited(t, f) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			open := func(dir string) (store.Store, error) { return f.Open(t, dir) }
			c.play(t, open, f.Features)
		})
	}
}

// suited are the cases that are about what the driver's stores can do.
func suited(t *testing.T, f Factory) []testCase {
	t.Helper()
	s, err := f.Open(t, t.TempDir())
	if err != nil {
		t.Fatalf("open store: %v", err)
	}
	suited := slices.DeleteFunc(cases(), func(c testCase) bool {
		return !c.applies(f.Features) || c.keeps && !is[store.Keeper](s) || c.lists && !is[store.Lister](s) ||
			c.leases && !is[store.Leases](s) || c.backs && !is[store.Backward](s) || c.walks && !is[store.Walker](s) ||
			c.spans && (!is[store.Spanner](s) || s.Partitions() < 2)
	})
	if err := s.Close(); err != nil {
		t.Fatalf("close store: %v", err)
	}
	return suited
}

func is[T any](s store.Store) bool {
	_, is := s.(T)
	return is
}

// testCase is one promise of the port.
type testCase struct {
	name   string
	needs  Features // what the store must promise for the case to make sense
	keeps  bool     // the case is about records
	lists  bool     // the case is about lists
	leases bool     // the case is about leases
	backs  bool     // the case is about reading from the end
	walks  bool     // the case is about walks along the log
	spans  bool     // the case is about changes that span partitions
	run    func(f *fixture)
}

// applies tells whether the store promises what the case is about.
func (c testCase) applies(features Features) bool {
	return (features.Durable || !c.needs.Durable) && (features.Shared || !c.needs.Shared)
}

// play runs the case on a fresh store and checks the store afterwards.
func (c testCase) play(tb testing.TB, open opener, features Features) {
	tb.Helper()
	if !c.applies(features) {
		tb.Skip("the store does not promise this")
	}
	f := newFixture(tb, open, features)
	defer f.shut()
	c.run(f)
	if f.store != nil {
		Check(f, f.store)
	}
}

func cases() []testCase {
	return slices.Concat(
		versionCases(), batchCases(), cascadeCases(), refusalCases(),
		keyCases(), freshCases(), trimCases(), markCases(),
		recordCases(), malformedRecordCases(), dueCases(), listCases(), spanCases(),
		envelopeCases(), nameCases(), sizeCases(),
		loadCases(), backCases(), walkCases(), logCases(), followCases(), sharedCases(), leaseCases(),
		identityCases(), cancelCases(), closeCases(), reopenCases(),
		modelCases(),
	)
}
