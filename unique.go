package talix

import (
	"fmt"
	"reflect"

	"github.com/talix-dev/talix/internal/registry"
)

// Unique is a set of values, such as e-mail addresses, each of which one entity
// holds at most: a definition, to be handed to a runtime within a Service.
type Unique[T any] struct {
	def registry.Unique
	key func(T) string
}

// NewUnique defines a set of unique values. The name is stored with them and
// must never change. key makes the text by which values are compared, of 1 to
// 256 bytes, as in talix.NewUnique("emails", strings.ToLower): values with equal
// texts are the same. It must be pure, and what it makes of a value must never
// change.
func NewUnique[T any](name string, key func(T) string) *Unique[T] {
	u := &Unique[T]{registry.Unique{Name: name, Place: registry.Caller(1)}, key}
	if !registry.ValidName(name) {
		u.def.Faults = append(u.def.Faults, fmt.Errorf("unique %q: %s", name, registry.NameRule))
	}
	if key == nil {
		u.def.Faults = append(u.def.Faults, fmt.Errorf("unique %q has no key: give it a func(%s) string", name, reflect.TypeFor[T]()))
	}
	return u
}

// Personal has values stored as a digest under the vault's salt alone, so that
// no file, table or backup tells what they are, before an erasure and after it.
// It needs runtime.Config.Keys, and the vault for good: with another one, no
// value is known any more. Errors do not name the values.
//
// Erasing a subject releases nothing: the value is taken until its holder
// releases it or is deleted. A set that has values cannot be made personal, nor
// the other way round; the runtime then does not start.
func (u *Unique[T]) Personal() *Unique[T] {
	u.def.Personal = true
	return u
}

// Register hands the definition to a runtime; it is not for users.
func (u *Unique[T]) Register(r *registry.Registry) { r.AddUnique(&u.def) }

// Claimer is what can hold unique values: the entity of a CommandContext.
type Claimer interface{ claimer() registry.Claims }

func (c CommandContext[S]) claimer() registry.Claims { return c.turn.Claims() }

// Reserve makes the command's entity the holder of a value, in the same append
// as the command's events. If another entity holds it, the error is an ErrTaken,
// which the handler may return as its rejection, or go on from. That the entity
// holds it already is no error. Of several that reserve a value at the same
// time, one gets it.
//
// What another command of the same Group does to a value counts as taken.
func (u *Unique[T]) Reserve(c Claimer, value T) error {
	return fault(c.claimer().Reserve(&u.def, u.key(value)))
}

// Release ends that the command's entity holds a value, in the same append as
// the command's events. It does nothing if the entity does not hold it. From
// then on any entity may reserve it.
func (u *Unique[T]) Release(c Claimer, value T) error {
	return fault(c.claimer().Release(&u.def, u.key(value)))
}

// Move is Reserve of one value and Release of another: the entity holds the one
// or the other, never both, nor none. If Reserve fails, nothing is released.
func (u *Unique[T]) Move(c Claimer, from, to T) error {
	if u.key(from) == u.key(to) {
		return u.Reserve(c, to)
	}
	if err := u.Reserve(c, to); err != nil {
		return err
	}
	return u.Release(c, from)
}

// ReleaseAll releases every unique value that the command's entity holds, of
// whatever set, for a command that ends the entity.
func ReleaseAll(c Claimer) error { return fault(c.claimer().ReleaseAll()) }

// Held tells who holds a unique value.
type Held struct{ EntityType, EntityID string }

// Holder is the entity that holds a value; an ErrNotFound if none does. In an
// action or a query it is who held it a moment ago; in a command, what the
// command itself reserved or released counts.
func Holder[T any](r Reader, u *Unique[T], value T) (Held, error) {
	ctx, reader := r.reader()
	s, found, err := reader.(registry.Holders).Holder(ctx, &u.def, u.key(value))
	switch {
	case err != nil:
		return Held{}, fromEngine(err)
	case !found && u.def.Personal:
		return Held{}, NotFound("no one holds this value of %s", u.def.Name)
	case !found:
		return Held{}, NotFound("no one holds %s %q", u.def.Name, u.key(value))
	}
	return Held{s.Type, s.ID}, nil
}
