package store

import (
	"context"
	"time"
)

// Leases is a Store that several runtimes, each with a Store of its own, can
// work on at the same time, and in which they agree on who serves a partition.
// Time is told by the clock of what they share, not by their own.
//
// Leases only place work: commits name the versions and revisions that they
// expect, so they are right whoever makes them. But only the owner of a
// partition may answer from memory, and what it commits is fenced: a Store that
// claimed a partition commits to it under the epoch of that claim, and from the
// moment on at which the partition is claimed through another Store, or
// released, each of its batches is Failed with ErrFenced and changes nothing. A
// Store that never claimed a partition is not fenced there. An owner may lend its
// epoch to another Store for a Part of a Span, which is fenced alike.
type Leases interface {
	// Beat makes or renews the lease of a node, which ends after the given time
	// unless it is renewed. The node must reckon from the moment before it
	// called, and where the answer comes after its lease has ended it must take
	// it that it owns nothing any more. A lease of zero or less has ended.
	Beat(ctx context.Context, node, address string, lease time.Duration) error

	// Leave ends the lease of a node at once and forgets the node.
	Leave(ctx context.Context, node string) error

	// Nodes are those that have a lease, and some whose lease has ended.
	Nodes(ctx context.Context) ([]Node, error)

	// Owners are the partitions that were claimed and not released, whether or
	// not the lease of who claimed them has ended, in no order.
	Owners(ctx context.Context) ([]Owner, error)

	// Claim makes a node the owner of a partition, unless another one owns it
	// whose lease has not ended; that is false without an error. Each claim
	// raises the epoch. After an error, it may have been made.
	Claim(ctx context.Context, p Partition, node string) (Epoch, bool, error)

	// Release gives a partition up that this Store has claimed for the node:
	// anyone can claim it at once. It is false if another one has claimed it
	// already.
	Release(ctx context.Context, p Partition, node string) (bool, error)
}

// Epoch counts the claims and releases of a partition.
type Epoch int64

// Node is a process that serves partitions. Its name is of that process alone:
// the next one on the same machine has another.
type Node struct {
	Name    string
	Address string
	// Left is how long its lease was still to last when Nodes asked; it has
	// ended if that is not above zero.
	Left time.Duration
}

// Owner is the node that has claimed a partition, and the epoch of its claim.
type Owner struct {
	Partition Partition
	Node      string
	Epoch     Epoch
}
