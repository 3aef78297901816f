// Package tabletest is the conformance suite of the table.Store port. A driver
// holds view tables of talix when Run passes; a bug found in a driver gets its
// case here first, so that every driver learns from it.
//
//	func TestTables(t *testing.T) {
//		tabletest.Run(t, func(t *testing.T) table.Store {
//			s, err := sqlite.OpenTables(t.Context(), sqlite.TablesConfig{})
//			if err != nil {
//				t.Fatal(err)
//			}
//			return s
//		})
//	}
package tabletest

import (
	"slices"
	"testing"

	"github.com/talix-dev/talix/table"
)

// Run holds a driver to the port. Each case is a parallel subtest with an
// empty store of its own, which open makes and the suite closes.
func Run(t *testing.T, open func(t *testing.T) table.Store) {
	for _, c := range cases() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := &fixture{T: t, store: open(t)}
			defer f.close()
			c.run(f)
		})
	}
}

// testCase is one promise of the port.
type testCase struct {
	name string
	run  func(f *fixture)
}

func cases() []testCase {
	return slices.Concat(ensureCases(), keyCases(), fulltextCases(), dialectCases(), replaceCases(), valueCases(), updateCases(), markCases(),
		prepareCases(), queryCases(), cancelCases(), concurrentCases(), closeCases())
}
