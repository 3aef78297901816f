package store

import (
	"context"
	"errors"
	"fmt"
)

// Spanner is a Store that commits one change to several of its partitions.
// Stores of one partition need not be one.
type Spanner interface {
	// Span commits one change whose parts lie in different partitions, all or
	// nothing; parts are in ascending order of partition. Each part is judged as
	// a batch of Commit is, and all end with the same Status: Failed if any part
	// is malformed, Duplicate if the key of any was committed before, Conflict if
	// anything that any of them expects is not so. The outcome at index i is that
	// of parts[i]; of a Duplicate, only those whose key it was have a Result.
	//
	// What Commit says of durability, of a cancelled ctx and of whose slices are
	// holds here too. To each of its partitions a Span is what a Commit is: a
	// runtime has at most one of either under way, but for parts with an Epoch,
	// which bear others beside them.
	Span(ctx context.Context, parts []Part) []Outcome
}

// Part is what a change that spans partitions does to one of them.
type Part struct {
	Partition Partition
	Batch
	// Epoch is what a Store that is a Leases fences the part by. Zero: by its
	// own claim, as Commit does. Above zero: by this epoch, which the owner of
	// the partition has lent, whatever this Store has claimed itself. Unfenced:
	// by nothing.
	Epoch Epoch
}

// Unfenced is the Epoch of parts that are right whoever owns the partition,
// since no owner keeps what they change in memory.
const Unfenced Epoch = -1

// Under is the epoch that the part is committed under through a Store that has
// made a claim under the given one, or none; zero: any. It is for drivers.
func (p *Part) Under(claimed Epoch) Epoch {
	switch p.Epoch {
	case 0:
		return claimed
	case Unfenced:
		return 0
	}
	return p.Epoch
}

// CheckParts tells what is malformed about the parts of a Span in a store of n
// partitions, beside their batches. Drivers ask it, so that all refuse the same.
func CheckParts(parts []Part, n int) error {
	if len(parts) == 0 {
		return errors.New("a span has no parts")
	}
	for i := range parts {
		p := parts[i].Partition
		if p < 0 || int(p) >= n {
			return fmt.Errorf("there is no partition %d: the store has %d, from 0", p, n)
		}
		if i > 0 && p <= parts[i-1].Partition {
			return fmt.Errorf("a span names partition %d behind %d: give one part for each, in ascending order", p, parts[i-1].Partition)
		}
	}
	return nil
}

// Together makes the outcomes of a Span, in place, of those that its parts have
// by themselves, and tells whether it is Durable. It is for drivers, which judge
// the parts one by one; none of them may be Unknown.
func Together(outcomes []Outcome) bool {
	worst := worstOf(outcomes)
	if worst.Status == Durable {
		return true
	}
	for i := range outcomes {
		if outcomes[i].Status != worst.Status {
			outcomes[i] = Outcome{Status: worst.Status, Err: worst.Err}
		}
	}
	return false
}

func worstOf(outcomes []Outcome) Outcome {
	for _, s := range []Status{Failed, Duplicate, Conflict} {
		for _, o := range outcomes {
			if o.Status == s {
				return o
			}
		}
	}
	return Outcome{Status: Durable}
}
