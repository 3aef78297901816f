package storetest

import (
	"testing"

	"github.com/talix-dev/talix/store"
)

// Cases are the names of all cases.
func Cases() []string {
	var names []string
	for _, c := range cases() {
		names = append(names, c.name)
	}
	return names
}

// Play runs one case against whatever reports to tb.
func Play(tb testing.TB, name string, open func(dir string) (store.Store, error), features Features) {
	for _, c := range cases() {
		if c.name == name {
			c.play(tb, open, features)
			return
		}
	}
	tb.Fatalf("there is no case %q", name)
}

// KillAs is Kill for whatever reports to tb, in the test of the given name.
func KillAs(tb testing.TB, test string, open func(dir string) (store.Store, error)) {
	newKiller(tb, test, open).run()
}
