package seal

import (
	"context"
	"reflect"
)

// kept ties values to what is kept beside events. Such things move between
// partitions and go by several names, so no more is said.
const kept = "kept"

// Plan is PlanOf, remembered.
func (b *Box) Plan(t reflect.Type) (*Plan, error) {
	b.mu.Lock()
	p, ok := b.plans[t]
	b.mu.Unlock()
	if ok {
		return p, nil
	}
	p, err := PlanOf(t)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.plans[t] = p
	return p, nil
}

// Keep seals what is kept beside events, such as a result: JSON of a type, whose
// subject is of where it does not tell. A nil Box seals nothing.
func (b *Box) Keep(ctx context.Context, t reflect.Type, data []byte, of string) ([]byte, error) {
	if b == nil || data == nil {
		return data, nil
	}
	p, err := b.Plan(t)
	if err != nil {
		return nil, err
	}
	return b.Seal(ctx, Doc{Data: data, Plan: p, Of: of, Bound: kept})
}

// KeepFields is Keep for what registry.EncodeFields made of a type.
func (b *Box) KeepFields(ctx context.Context, t reflect.Type, data []byte) ([]byte, error) {
	if b == nil {
		return data, nil
	}
	p, err := PlanOfFields(t)
	if err != nil {
		return nil, err
	}
	return b.Seal(ctx, Doc{Data: data, Plan: p, Bound: kept})
}

// KeepRest is Keep for what came from outside and has to be kept whatever it
// says: values of erased subjects are left out, and where it cannot be told what
// is personal it stays as it is.
func (b *Box) KeepRest(ctx context.Context, t reflect.Type, data []byte) ([]byte, error) {
	if b == nil || t == nil {
		return data, nil
	}
	p, err := b.Plan(t)
	if err != nil {
		return nil, err
	}
	if p != nil {
		if _, err := p.spans(data, ""); err != nil {
			p = nil
		}
	}
	return b.Seal(ctx, Doc{Data: data, Plan: p, Bound: kept, Redact: true})
}

// Pepper stands before an input that has something personal when a digest of it
// is stored, so that nobody can guess what the input was who does not have the
// vault. Nil for all others.
func (b *Box) Pepper(t reflect.Type) []byte {
	if b == nil || t == nil {
		return nil
	}
	if p, err := b.Plan(t); err != nil || p == nil {
		return nil
	}
	return append([]byte(nil), b.salt[:]...)
}

// Kept opens what Keep and the others sealed. Values of erased subjects are
// null.
func (b *Box) Kept(ctx context.Context, data []byte) ([]byte, error) {
	if b == nil {
		return data, nil
	}
	return b.Open(ctx, data, kept)
}
