package memory_test

import (
	"context"
	"errors"
	"testing"

	"github.com/talix-dev/talix/broker"
	"github.com/talix-dev/talix/broker/memory"
)

// collect receives n messages, settling each with settle.
func collect(t *testing.T, b *memory.Broker, n int, settle func(*broker.Delivery) error) (ids []string, errs []error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err := b.Receive(ctx, broker.Subscription{Topic: "t", Group: "g", InFlight: 1}, func(d *broker.Delivery) {
		ids = append(ids, d.ID)
		errs = append(errs, settle(d))
		if errs[len(errs)-1] != nil {
			errs = append(errs, d.Back(ctx)) // what failed is not settled, or it does nothing
		}
		if len(ids) == n {
			cancel()
		}
	})
	if err != nil {
		t.Errorf("receive: %v", err)
	}
	return ids, errs
}

// failing fails the first call of an operation.
func failing(op memory.Op, f memory.Fault) func(memory.Call) memory.Fault {
	done := false
	return func(c memory.Call) memory.Fault {
		if c.Op != op || done {
			return memory.Fault{}
		}
		done = true
		return f
	}
}

func TestPublishFault(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault memory.Fault
		want  int // copies
	}{
		"before": {memory.Fault{Before: memory.ErrInjected}, 1},
		"after":  {memory.Fault{After: memory.ErrInjected}, 2},
	} {
		b := memory.New(memory.Config{Fault: failing(memory.Publish, test.fault)})
		m := broker.Message{ID: "1", Key: "k"}
		if err := b.Publish(t.Context(), "t", m); !errors.Is(err, memory.ErrInjected) {
			t.Errorf("%s: Publish says %v", name, err)
		}
		if err := b.Publish(t.Context(), "t", m, broker.Message{ID: "2", Key: "k"}); err != nil {
			t.Errorf("%s: a second Publish says %v", name, err)
		}
		ids, _ := collect(t, b, test.want+1, func(d *broker.Delivery) error { return d.Ack(t.Context()) })
		if ids[test.want] != "2" {
			t.Errorf("%s: %q were received, want message 2 after %d copies", name, ids, test.want)
		}
		b.Close()
	}
}

func TestSettleFaults(t *testing.T) {
	t.Parallel()
	ack := func(d *broker.Delivery) error { return d.Ack(t.Context()) }
	dead := func(d *broker.Delivery) error { return d.Dead(t.Context(), "poison") }
	for name, test := range map[string]struct {
		op     memory.Op
		fault  memory.Fault
		settle func(*broker.Delivery) error
		again  bool // the first comes again
	}{
		"ack before":  {memory.Ack, memory.Fault{Before: memory.ErrInjected}, ack, true},
		"ack after":   {memory.Ack, memory.Fault{After: memory.ErrInjected}, ack, false},
		"dead before": {memory.Dead, memory.Fault{Before: memory.ErrInjected}, dead, true},
		"dead after":  {memory.Dead, memory.Fault{After: memory.ErrInjected}, dead, false},
	} {
		b := memory.New(memory.Config{Fault: failing(test.op, test.fault)})
		if err := b.Publish(t.Context(), "t", broker.Message{ID: "1", Key: "k"}, broker.Message{ID: "2", Key: "k"}); err != nil {
			t.Fatal(err)
		}
		ids, errs := collect(t, b, 2, test.settle)
		if !errors.Is(errs[0], memory.ErrInjected) {
			t.Errorf("%s: settling says %v", name, errs[0])
		}
		if again := ids[1] == "1"; again != test.again {
			t.Errorf("%s: %q were received, the first again: %t, want %t", name, ids, again, test.again)
		}
		b.Close()
	}
}

func TestFaultSeesTheCall(t *testing.T) {
	t.Parallel()
	var calls []memory.Call
	b := memory.New(memory.Config{Fault: func(c memory.Call) memory.Fault {
		calls = append(calls, c)
		return memory.Fault{}
	}})
	defer b.Close()
	if err := b.Publish(t.Context(), "t", broker.Message{ID: "1"}); err != nil {
		t.Fatal(err)
	}
	collect(t, b, 1, func(d *broker.Delivery) error { return d.Ack(t.Context()) })
	if len(calls) != 2 || calls[0].Op != memory.Publish || calls[1].Op != memory.Ack || calls[1].Group != "g" || calls[1].Messages[0].ID != "1" {
		t.Errorf("the calls were %+v", calls)
	}
}
