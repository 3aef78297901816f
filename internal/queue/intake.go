package queue

import (
	"context"
	"fmt"

	"github.com/talix-dev/talix/broker"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/source"
)

// Intake keeps a message of an outside system for an action; it is durable when
// Intake returns nil. One that is kept already, or was done a while ago, is
// dropped. It may be called from many goroutines, which share commits.
func (q *Queues) Intake(ctx context.Context, a *registry.Action, m source.Message) error {
	t := q.takers[a.Name]
	if t == nil || a.Source == nil {
		return fmt.Errorf("take message %.80q: the action %q is in no service of this program", m.ID, a.Name)
	}
	item := t.itemOf(broker.Message{ID: m.ID, Time: m.Time, Attributes: m.Attributes, Data: m.Data})
	if _, err := t.keep(ctx, item, nil); err != nil {
		return fmt.Errorf("take message %.80q: %w", m.ID, err)
	}
	return nil
}
