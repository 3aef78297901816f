package registry

import (
	"context"
	"time"

	"github.com/talix-dev/talix/store"
)

// Historian is a QueryHost that knows what entities were, and would be.
type Historian interface {
	// ReadAt is Read as of a version, or if that is zero as of a time.
	ReadAt(ctx context.Context, e *Entity, id string, version store.Version, at time.Time) (any, store.Version, error)
	// Preview runs a command and forgets what it did.
	Preview(ctx context.Context, c *Command, id string, in any) (Preview, error)
}

// Preview is what a command would lead to.
type Preview struct {
	Reply   any
	Events  []store.Event
	Version store.Version
}
