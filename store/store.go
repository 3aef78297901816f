// Package store is the port through which the engine keeps everything that
// must survive: events, the results of commands and the marks of consumers.
//
// A driver implements Store and passes the suite in store/storetest. The port
// is narrow on purpose: group commit, retries, caching and ordering above one
// partition live in the engine, once, for every driver.
package store

import (
	"context"
	"iter"
	"time"
)

// Store is a durable, partitioned, append-only log with optimistic
// concurrency. All methods may be called from many goroutines at once. A
// runtime has at most one Commit for a partition under way; stores that several
// runtimes can open bear concurrent ones from each.
type Store interface {
	// Identity names this store's data: made at random when the store was
	// made, and the same ever after. Whatever is derived from the log carries
	// it, so that it is not taken for another log's.
	Identity() ID

	// Partitions is the number of partitions, fixed when the store was made.
	// It is at least one.
	Partitions() int

	// Commit writes batches of one partition. Each batch is all or nothing and
	// is judged on its own, in order, against the state that the batches
	// before it left; the outcome at index i is that of batches[i].
	//
	// Within one call, once a batch was not Durable, every later batch that
	// appends to one of its streams ends as a Conflict: it was decided on
	// events that do not exist. A later batch that only shares a Key does not.
	//
	// Malformed batches, such as with misnumbered events or streams of another
	// partition, are never Durable and do no harm to their neighbours. The
	// slices of a batch are the caller's again after the call, but Data and
	// Metadata stay with the store.
	//
	// Commit returns when every Durable outcome is durable: it survives kill
	// -9 and, where the driver does not say otherwise, power loss. It sets
	// Partition and Position of the events of Durable batches in place.
	//
	// A cancelled ctx may end the call early; outcomes are then Failed where
	// nothing was written for certain, and Unknown otherwise.
	Commit(ctx context.Context, p Partition, batches []Batch) []Outcome

	// Load yields the events of one stream with a version above after, in
	// order of version, without gaps. The iteration ends at the first error,
	// which is yielded with a zero Event. An unknown stream yields nothing. The
	// loop's body may call the store.
	Load(ctx context.Context, s Stream, after Version) iter.Seq2[Event, error]

	// Log returns up to max events of a partition with a position above after,
	// in order of position. Positions rise in commit order and may skip. Once
	// a position was returned, nothing below it will ever appear. An empty
	// result means that after is the end of the log at this moment.
	Log(ctx context.Context, p Partition, after Position, max int) ([]Event, error)

	// Head is the position of the last event of a partition; zero when it is
	// empty.
	Head(ctx context.Context, p Partition) (Position, error)

	// Result is what a batch stored under its Key, or false if no batch with
	// that key was committed or its result was trimmed. Keys of fresh batches
	// may not be found.
	Result(ctx context.Context, p Partition, key ID) ([]byte, bool, error)

	// Trim forgets up to max results that were stored before the given time,
	// and returns how many it forgot; fewer than max means that none is left.
	Trim(ctx context.Context, before time.Time, max int) (int, error)

	// Mark is the position up to which a consumer has handled a partition, or
	// false if it never committed a mark.
	Mark(ctx context.Context, consumer string, p Partition) (Position, bool, error)

	// Close waits for calls under way, releases every resource and makes later
	// calls fail with ErrClosed.
	Close() error
}

// Partition numbers a partition of a store, from zero.
type Partition int

// Position orders the events of one partition. The first is above zero.
type Position int64

// Version counts the events of one stream: the first event has version 1.
type Version int64

// Stream names the events of one entity.
type Stream struct {
	Type string // the entity type
	ID   string // the entity's id, unique within its type
}

func (s Stream) String() string { return s.Type + "/" + s.ID }

// Event is one immutable fact in the log, in the form in which it is stored.
type Event struct {
	ID          ID
	Stream      Stream
	Version     Version
	Partition   Partition // set by Commit
	Position    Position  // set by Commit
	Type        string    // stable event type name
	Schema      int       // schema version of Data, from 1
	Time        time.Time // UTC, microsecond precision survives the store
	Command     ID        // the command that emitted it
	Correlation ID        // shared by everything that one outside cause led to
	Causation   ID        // the event or request that led to the command; zero if none
	Metadata    []byte    // a JSON object of strings, or nil
	Data        []byte    // kept byte for byte; must not be changed once committed
}

// Batch is one atomic change.
type Batch struct {
	Appends []Append
	// Key, if not zero, is the command id: a second batch with the same key is
	// a Duplicate, changes nothing and gets the first one's Result. The key is
	// looked at before versions are, so that a repeat never reads as a
	// conflict. Keys belong to a partition, as results do.
	Key ID
	// Fresh tells that the key was made for this batch: none but the very same
	// batch can come again under it. The store then need not find it by key:
	// it is enough that the batch is a Duplicate where its first event's place
	// is taken by an event of the same Command. A fresh batch appends.
	Fresh  bool
	Result []byte
	Time   time.Time // when Result was made, for Trim
	Marks  []Mark
	// Records are changes of records; only for a Store that is a Keeper. A
	// later batch that only names the same record does not fall with this one.
	Records []Change
}

// Append adds events to the end of one stream.
type Append struct {
	Stream Stream
	// Expect is the version that the stream must have; zero: it has no events.
	// Events must carry the versions Expect+1, Expect+2 and so on; without
	// events, the version is only checked.
	Expect Version
	Events []Event
}

// Mark moves a consumer's mark. The batch is a Conflict unless the present
// mark equals From (zero stands for no mark).
type Mark struct {
	Consumer string
	From, To Position
}

// Status says how a batch ended.
type Status uint8

// The ways a batch can end.
const (
	// Unknown: it may or may not be stored, now or a moment later. The caller
	// finds out by Key or by version.
	Unknown Status = iota
	// Durable: it is stored.
	Durable
	// Conflict: a stream did not have the expected version, a mark the expected
	// position, or a record the expected revision; nothing of the batch is
	// stored.
	Conflict
	// Duplicate: a batch with the same Key was stored before; Result is its.
	Duplicate
	// Failed: nothing of the batch is stored and Err says why.
	Failed
)

func (s Status) String() string {
	switch s {
	case Unknown:
		return "unknown"
	case Durable:
		return "durable"
	case Conflict:
		return "conflict"
	case Duplicate:
		return "duplicate"
	case Failed:
		return "failed"
	}
	return "invalid"
}

// Outcome is the end of one batch.
type Outcome struct {
	Status   Status
	Position Position // of the last event appended, if Durable and any was
	Result   []byte   // if Duplicate
	Err      error    // if Failed or Unknown
}
