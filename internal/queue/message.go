package queue

import (
	"context"
	"encoding/json"
	"reflect"
	"time"

	"github.com/talix-dev/talix/broker"
	"github.com/talix-dev/talix/internal/id"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/work"
	"github.com/talix-dev/talix/source"
)

// Lane is what a message is done in order with: its key, or, without one, its
// own ID. It is shortened where it is too long for the name of a record.
func Lane(m broker.Message) string {
	if m.Key == "" {
		return short(m.ID)
	}
	return short(m.Key)
}

// short is a text, or a digest of it if its escaped form is long.
func short(s string) string {
	const most = 280
	if len(registry.Escape(s)) <= most {
		return s
	}
	return "~" + id.Hash(s).String()
}

// RunID names the run of an action on a message, and the item that is kept of
// it.
func RunID(action string, m broker.Message) string {
	return registry.RunID(string(work.Message), action, Lane(m), short(m.ID))
}

// itemOf is a message as it is kept.
func (t *taker) itemOf(m broker.Message) work.Item {
	if y := m.Time.Year(); y < 0 || y > 9999 {
		m.Time = time.Time{} // JSON has no such year
	}
	input, err := json.Marshal(m)
	if err != nil {
		panic(err) // it has no field that could fail
	}
	run, base, now := RunID(t.action.Name, m), id.Hash("message", t.action.Name, m.ID), t.cfg.Now()
	return work.Item{
		ID: run, Partition: t.home, Kind: work.Message, Action: t.action.Name,
		Status: work.Ready, Due: now, Created: now, Lane: Lane(m), Input: input,
		Run: run, Base: base, Correlation: base, Causation: base,
	}
}

func (c *Config) messageOf(ctx context.Context, item work.Item) (m broker.Message, err error) {
	if err = json.Unmarshal(item.Input, &m); err != nil {
		return m, poison(err, "what was kept of the message cannot be read")
	}
	m.Data, err = c.Seal.Kept(ctx, m.Data)
	return m, err
}

// sealed is an item as it is stored.
func (t *taker) sealed(ctx context.Context, item work.Item) (work.Item, error) {
	if t.cfg.Seal == nil {
		return item, nil
	}
	var m broker.Message
	if err := json.Unmarshal(item.Input, &m); err != nil {
		return item, err
	}
	data, err := t.cfg.Seal.KeepRest(ctx, t.in(), m.Data)
	if err != nil {
		return item, err
	}
	m.Data = data
	item.Input, err = json.Marshal(m)
	return item, err
}

// in is the type of the action's data.
func (t *taker) in() reflect.Type {
	if t.action.Queue != nil {
		return t.action.Queue.In
	}
	return t.action.Source.In
}

// decode reads a message. What cannot be read now, no later attempt can read.
func (t *taker) decode(m broker.Message) (in any, err error) {
	if t.action.Queue != nil {
		in, err = t.action.Queue.Decode(m)
	} else {
		in, err = t.action.Source.Decode(source.Message{ID: m.ID, Time: m.Time, Attributes: m.Attributes, Data: m.Data})
	}
	if err != nil {
		return nil, poison(err, "the message cannot be read")
	}
	return in, nil
}

func poison(cause error, message string) error {
	return &registry.Fault{Code: registry.Invalid, Message: message, Cause: cause, Final: true}
}
