package talix

import (
	"context"
	"time"

	"github.com/talix-dev/talix/store"
)

// Guard is asked before each command runs, with its Input in the Operation; of
// a Group, before any of its commands runs. An error refuses the command, and is
// what its caller gets: say why by Reject or WithStatus. Guards are asked in the
// order of their Use, from many goroutines, in the caller's; the first refusal
// stands. They are asked for repeats too, which get their first reply if no one
// refuses, and not for commands of a run that has their reply already.
type Guard interface {
	Plugin
	Guard(ctx context.Context, op Operation) error
}

// Follower is told of the events that a command appended, once they are durable
// and before its caller has the reply. It is called from many goroutines and
// must not block. It is for what may be missed: after a crash in between, or of a
// command that another node of a cluster ran, it is not told. What has to happen for each event is for OnEvent.
//
// One that also has a method Follows(ctx context.Context) bool is asked before
// each command, with the context that its Begin returned if it is an Observer
// too; a command for which no Follower says yes costs nothing more. Where it is a
// Retrier as well, that holds for what a Retrier is told.
type Follower interface {
	Plugin
	Appended(ctx context.Context, op Operation, events []Meta)
}

// Retrier is told of each attempt at a command that failed and is followed by
// another one. It is called from many goroutines and must not block.
type Retrier interface {
	Plugin
	Retrying(ctx context.Context, op Operation, r Retry)
}

// Retry is an attempt at a command that is followed by another one.
type Retry struct {
	Attempt int           // that failed, from 1
	Reason  RetryReason   // why
	Pause   time.Duration // before the next attempt
}

// RetryReason says why a command is tried again.
type RetryReason string

// The reasons.
const (
	// RetryConflict: others changed what the command was decided on; it is
	// decided anew.
	RetryConflict RetryReason = "conflict"
	// RetryUnknown: the store did not tell what became of the append, which is
	// sent again as it was.
	RetryUnknown RetryReason = "unknown"
)

// MetaOf is for runtimes: what is known of an event beside its data.
func MetaOf(e *store.Event) Meta { return metaOf(e) }
