package brokertest

import (
	"testing"
	"time"
)

// Cases are the names of all cases.
func Cases() []string {
	var names []string
	for _, c := range cases() {
		names = append(names, c.name)
	}
	return names
}

// Play runs one case against whatever reports to tb, and waits no longer than
// it is told.
func Play(tb testing.TB, name string, f Factory, limit time.Duration) {
	for _, c := range cases() {
		if c.name == name {
			c.play(tb, f, limit)
			return
		}
	}
	tb.Fatalf("there is no case %q", name)
}
