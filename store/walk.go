package store

import (
	"context"
	"time"
)

// Walker is a Store that finds the streams of a partition along its log, so
// that entities can be listed.
type Walker interface {
	// Walk looks at events of a partition, in the order of their positions or
	// against it, and finds the streams that begin or end there. It looks at
	// about Scan positions and finds up to Max streams; both are at least one.
	// What is committed meanwhile may be missed by a walk along the log's order,
	// and is found by going on.
	Walk(ctx context.Context, p Partition, w Walk) (Walked, error)
}

// Walk says where to walk and what to find.
type Walk struct {
	Type string // of the streams; empty: every
	Ends bool   // streams that have their last event there, instead of their first
	Back bool   // against the order of the log
	// From is where to begin: above it, or below it going Back. Zero is the
	// beginning of the log, or its end going Back.
	From      Position
	Scan, Max int
}

// Walked is what a walk has found.
type Walked struct {
	Found []Found // in the order of the walk
	// At is where to go on From. All positions before it were looked at, and it
	// as well.
	At Position
	// Done tells that the log ends here, or begins here going Back.
	Done bool
}

// Found is a stream with the event that it was found by.
type Found struct {
	Stream   Stream
	Version  Version // of the stream's last event
	Position Position
	Time     time.Time
}
