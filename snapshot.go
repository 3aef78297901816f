package talix

// CodeVersion tells that the code of the reducer, which is the Apply methods of
// the entity's events, changed its meaning: with another number than before,
// snapshots that were made until now are not used, and states are folded from
// all events again. It starts with 1. Changes of S, and of the events and their
// types, do the same by themselves.
func (e *Entity[S]) CodeVersion(n int) *Entity[S] {
	e.def.CodeVersion = n
	return e
}

// SnapshotEvery sets how many events of an entity lie between two snapshots of
// its state; below zero, none are made. A load reads one snapshot and the events
// after it. By default there is one about every 100 events, less often for large
// states, and one more when a load was slow.
//
// Snapshots are written in the background. They are JSON, and made where that
// holds S wholly: where all fields are exported, or a type has methods
// MarshalJSON and UnmarshalJSON. Runtime.Entities tells for which types they are
// made, and compares them with the events.
func (e *Entity[S]) SnapshotEvery(n int) *Entity[S] {
	e.def.SnapshotEvery = n
	return e
}
