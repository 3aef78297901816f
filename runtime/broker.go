package runtime

import (
	"context"
	"slices"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/broker"
	"github.com/talix-dev/talix/internal/registry"
)

// Brokers names the brokers that parts receive from and publish to, each once;
// the empty name is the default one. It is for those who open brokers only
// where they are needed.
func Brokers(parts ...talix.Part) []string {
	reg := registry.New()
	for _, p := range parts {
		if p != nil {
			p.Register(reg)
		}
	}
	var names []string
	for _, a := range reg.Actions {
		switch {
		case a.Queue != nil:
			names = append(names, a.Queue.Broker)
		case a.Topic != nil:
			names = append(names, a.Topic.Broker)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// brokers are those of the configuration, whose CloudEvents are unwrapped.
func (r *Runtime) brokers() map[string]broker.Broker {
	all := map[string]broker.Broker{}
	for name, b := range r.cfg.Brokers {
		all[name] = unwrapping{b}
	}
	return all
}

// unwrapping is a broker whose messages come as actions see them.
type unwrapping struct{ broker.Broker }

// Receive hands on messages, those that are CloudEvents as what is in them.
func (u unwrapping) Receive(ctx context.Context, s broker.Subscription, deliver func(*broker.Delivery)) error {
	return u.Broker.Receive(ctx, s, func(d *broker.Delivery) {
		d.Message = unwrap(d.Message)
		deliver(d)
	})
}
