// Package brokertest is the conformance suite of the broker.Broker port. A
// driver is a broker of talix when Run passes against the real server, and
// Crash too where the client can run in a process of its own; a bug found in a
// driver gets its case here first, so that every driver learns from it.
//
//	func TestBroker(t *testing.T) {
//		t.Parallel()
//		server := startServer(t)
//		brokertest.Run(t, brokertest.Factory{
//			Address: server.Address,
//			Open: func(tb testing.TB, address string) (broker.Broker, error) {
//				return redis.Open(redis.Config{Address: address, Lease: 2 * time.Second})
//			},
//			Kill: server.Kill, Start: server.Start,
//			Features: brokertest.Features{Patience: 2 * time.Second, MaxMessage: 1 << 20},
//		})
//	}
package brokertest

import (
	"slices"
	"testing"
	"time"

	"github.com/talix-dev/talix/broker"
)

// Factory tells the suite how to reach the driver's broker.
type Factory struct {
	// Address names the server, or what stands for one, for Open.
	Address string
	// Open connects a Broker to the server, as another process would. It may
	// wait for the server. The suite closes what it opened, and uses topics and
	// groups of letters, digits and dashes that nobody used before.
	Open func(tb testing.TB, address string) (broker.Broker, error)
	// Kill ends the server as a power cut does, with SIGKILL, and Start starts
	// it again at the same address with the same data. Both return when it is
	// done; Start need not wait until the server takes connections. Nil: the
	// cases with restarts are left out. They run one by one, before all others.
	Kill, Start func(tb testing.TB)
	// Features says where brokers differ.
	Features Features
}

// Features says where brokers differ. The zero value runs the cases that every
// broker passes.
type Features struct {
	// Single: only one Broker can be open at a time on an address, such as one
	// with the server inside. Address is a folder then, and each case has an
	// address below it.
	Single bool
	// MaxMessage is the size of data, in bytes, that the broker refuses. Zero:
	// it takes any.
	MaxMessage int
	// Patience is how long the driver, as Open configures it, lets a process be
	// silent before its messages go to others. Make it short, but longer than a
	// loaded machine may pause: 2 seconds or more. Zero: for ever.
	Patience time.Duration
}

// Run holds a driver to the port. Each case is a subtest with topics of its
// own.
func Run(t *testing.T, f Factory) {
	t.Helper()
	for _, c := range cases() {
		if !c.applies(f) {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			if !c.needs.server {
				t.Parallel()
			}
			c.play(t, f, limit)
		})
	}
}

// needs says what the factory must offer for a case to make sense.
type needs struct {
	server   bool // that can be killed
	several  bool // brokers at a time
	limit    bool // of a message's size
	patience bool
}

// testCase is one promise of the port.
type testCase struct {
	name  string
	needs needs
	run   func(f *fixture)
}

func (c testCase) applies(f Factory) bool {
	return (!c.needs.server || f.Kill != nil && f.Start != nil) &&
		(!c.needs.several || !f.Features.Single) &&
		(!c.needs.limit || f.Features.MaxMessage > 0) &&
		(!c.needs.patience || f.Features.Patience > 0)
}

// play runs the case, and closes what it opened.
func (c testCase) play(tb testing.TB, factory Factory, limit time.Duration) {
	tb.Helper()
	if !c.applies(factory) {
		tb.Skip("the broker does not promise this")
	}
	f := newFixture(tb, factory, limit)
	defer f.shut()
	c.run(f)
}

// cases are those with restarts first: they run before the others, which are
// parallel, so that one server serves all.
func cases() []testCase {
	return slices.Concat(
		restartCases(),
		messageCases(), publishCases(), groupCases(), keyCases(),
		settleCases(), deadCases(), flowCases(), endCases(), closeCases(),
	)
}
