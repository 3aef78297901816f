package project

import (
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/talix-dev/talix/store"
)

// Poison is an event that stops a view: it can't be decoded, or its projection
// fails.
type Poison struct {
	View  string
	Event *store.Event
	Err   error

	job int // its place in the batch
}

func (p *Poison) Error() string {
	e := p.Event
	return fmt.Sprintf("view %q is stopped by event %s (%s, version %d of %s, position %d of partition %d): %v",
		p.View, e.ID, e.Type, e.Version, e.Stream, e.Position, e.Partition, p.Err)
}

func (p *Poison) Unwrap() error { return p.Err }

// stack tells where user code panicked, if it did.
func (p *Poison) stack() string {
	if e, ok := errors.AsType[*panicError](p.Err); ok {
		return string(e.stack)
	}
	return ""
}

// panicError is a panic of user code.
type panicError struct {
	in    string
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("%s panicked: %v", e.in, e.value) }

// guard is deferred by what calls user code, and turns its panic into *err.
func guard(in string, err *error) {
	if v := recover(); v != nil {
		*err = &panicError{in, v, debug.Stack()}
	}
}

// apply runs the projections of one event.
func (j *job) apply(row any) (err error) {
	defer guard("projection", &err)
	for _, apply := range j.take.apply {
		apply(row, j.data, j.event)
	}
	return nil
}

func decode(t *take, e *store.Event) (data any, err error) {
	defer guard("decoding", &err)
	return t.decode(e.Data)
}
