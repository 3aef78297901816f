package standalone

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/broker"
	"github.com/talix-dev/talix/broker/nats"
	"github.com/talix-dev/talix/broker/nats/embedded"
	"github.com/talix-dev/talix/runtime"
)

// openBroker adds the default broker to those that the program has given, if
// parts need it. done closes it.
func (a *App) openBroker(parts []talix.Part) (all map[string]broker.Broker, done func() error, err error) {
	done = func() error { return nil }
	if a.Brokers[""] != nil || !slices.Contains(runtime.Brokers(parts...), "") {
		return a.Brokers, done, nil
	}
	b, err := a.defaultBroker()
	if err != nil {
		return nil, done, err
	}
	all = map[string]broker.Broker{"": b}
	maps.Copy(all, a.Brokers)
	return all, b.Close, nil
}

func (a *App) defaultBroker() (broker.Broker, error) {
	if a.Broker == "embedded" {
		return embedded.Open(embedded.Config{Dir: a.Path("broker"), Log: a.Log})
	}
	return nats.Open(nats.Config{URL: a.Broker, Log: a.Log})
}

func (a *App) checkBroker() error {
	if a.Broker == "embedded" || strings.HasPrefix(a.Broker, "nats://") || strings.HasPrefix(a.Broker, "tls://") {
		return nil
	}
	return fmt.Errorf("--broker %q: allowed are embedded, nats://host:port and tls://host:port; open others in the program and give them to App.Brokers", a.Broker)
}
