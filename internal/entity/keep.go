package entity

import (
	"context"
	"errors"

	"github.com/talix-dev/talix/internal/registry"
)

// keep makes of a reply what is stored of it, if it is.
func (t *turn) keep() (err error) {
	if t.call.Repeatable {
		t.kept, err = t.engine.cfg.Seal.Keep(context.Background(), t.call.Command.Out, t.reply, t.call.ID)
	}
	return err
}

// refusal is the Fault that a turn panicked with because something was not to be
// written, or nil.
func refusal(p any) error {
	if err, ok := p.(error); ok {
		return refused(err)
	}
	return nil
}

// refused is the Fault by which what stands before the store refused an append,
// or nil.
func refused(err error) error {
	if f, ok := errors.AsType[*registry.Fault](err); ok {
		return f
	}
	return nil
}
