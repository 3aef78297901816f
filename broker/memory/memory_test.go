package memory_test

import (
	"testing"

	"github.com/talix-dev/talix/broker"
	"github.com/talix-dev/talix/broker/brokertest"
	"github.com/talix-dev/talix/broker/memory"
)

func TestBroker(t *testing.T) {
	t.Parallel()
	first := memory.New(memory.Config{MaxMessage: 1 << 20})
	brokertest.Run(t, brokertest.Factory{
		Open:     func(testing.TB, string) (broker.Broker, error) { return first.Connect(), nil },
		Features: brokertest.Features{MaxMessage: 1 << 20},
	})
}
