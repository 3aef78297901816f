package nats_test

import (
	"testing"
	"time"

	"github.com/talix-dev/talix/broker"
	"github.com/talix-dev/talix/broker/brokertest"
	"github.com/talix-dev/talix/broker/nats"
)

const lease = 2 * time.Second

func open(_ testing.TB, address string) (broker.Broker, error) {
	return nats.Open(nats.Config{URL: address, Lease: lease})
}

func TestBroker(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	brokertest.Run(t, brokertest.Factory{
		Address: s.Address(), Open: open, Kill: s.Kill, Start: s.Start,
		Features: brokertest.Features{MaxMessage: 1 << 20, Patience: lease},
	})
}

func TestCrash(t *testing.T) {
	t.Parallel()
	brokertest.Crash(t, func(tb testing.TB) string { return startServer(tb).Address() }, open)
}
