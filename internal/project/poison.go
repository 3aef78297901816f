package project

import (
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

// Poison is an event that a view can't take: it can't be decoded, or its
// projection fails.
type Poison struct {
	View  string
	Event *store.Event
	Err   error
}

func (p *Poison) Error() string {
	e := p.Event
	return fmt.Sprintf("view %q can't take event %s (%s, version %d of %s, position %d of partition %d): %v",
		p.View, e.ID, e.Type, e.Version, e.Stream, e.Position, e.Partition, p.Err)
}

func (p *Poison) Unwrap() error { return p.Err }

// stack tells where user code panicked, if it did.
func stackOf(err error) string {
	if e, ok := errors.AsType[*panicError](err); ok {
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

func (e *panicError) Unwrap() error {
	err, _ := e.value.(error)
	return err
}

// guard is deferred by what calls user code, and turns its panic into *err.
func guard(in string, err *error) {
	if v := recover(); v != nil {
		*err = &panicError{in, v, debug.Stack()}
	}
}

// run applies a projection to a row, and tells whether the row is to go.
func (o *op) run(row any, f *registry.Fact) (gone bool, err error) {
	defer guard("projection", &err)
	if o.Remove != nil {
		return o.Remove(row, f.Data, f.As), nil
	}
	o.Apply(row, f.Data, f.As)
	return false, nil
}

// keysOf are the keys of the rows that an event changes.
func keysOf(o *op, f *registry.Fact) (keys []any, err error) {
	defer guard("key of projection", &err)
	return o.Keys(f.Data, f.As), nil
}

func decode(t *take, e *store.Event) (facts registry.Facts, err error) {
	defer guard("decoding", &err)
	return t.entity.Decode(e)
}
