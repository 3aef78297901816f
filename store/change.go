package store

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Bounds of a record's names, in bytes.
const (
	MaxSpace = 64
	MaxKey   = 1024
)

// CheckChanges tells what is malformed about the records of a batch. Drivers
// ask it, so that all refuse the same. A DeleteUnder names every record that it
// could delete; it needs a prefix, so that no space is emptied by a name that
// was forgotten.
func CheckChanges(changes []Change) error {
	for i := range changes {
		if fault := changes[i].fault(); fault != nil {
			return fmt.Errorf("change %d, of the record %.80q in %.80q: %w", i, changes[i].Key, changes[i].Space, fault)
		}
	}
	if len(changes) < 2 {
		return nil
	}
	return checkOnce(changes)
}

var (
	errNoSpace  = errors.New("it names no space")
	errNoKey    = errors.New("it has no key")
	errLong     = fmt.Errorf("a space has at most %d bytes and a key %d", MaxSpace, MaxKey)
	errNoRev    = errors.New("what is put needs a revision of its own")
	errFarDue   = errors.New("it is due in a year that microseconds do not reach")
	errBlind    = errors.New("it is blind, so it cannot expect a revision")
	errNoSuchOp = errors.New("there is no such operation")
)

func (c *Change) fault() error {
	switch {
	case c.Space == "":
		return errNoSpace
	case c.Key == "":
		return errNoKey
	case len(c.Space) > MaxSpace || len(c.Key) > MaxKey:
		return errLong
	case c.Op > DeleteUnder:
		return errNoSuchOp
	case c.Op == Put && c.Rev.IsZero():
		return errNoRev
	case c.Op == Put && (c.Due.Year() < -290_000 || c.Due.Year() > 290_000):
		return errFarDue
	case c.Op != DeleteUnder && c.Blind && !c.From.IsZero():
		return errBlind
	}
	return nil
}

// checkOnce finds a record that is named twice. In the order of names, what a
// DeleteUnder covers follows it at once.
func checkOnce(changes []Change) error {
	sorted := make([]*Change, len(changes))
	for i := range changes {
		sorted[i] = &changes[i]
	}
	slices.SortFunc(sorted, func(a, b *Change) int {
		return cmp.Or(strings.Compare(a.Space, b.Space), strings.Compare(a.Key, b.Key), cmp.Compare(b.Op, a.Op))
	})
	for i, c := range sorted[1:] {
		before := sorted[i]
		if before.Space == c.Space && (before.Key == c.Key || before.Op == DeleteUnder && strings.HasPrefix(c.Key, before.Key)) {
			return fmt.Errorf("a batch names the record %.80q in %.80q twice: make it one change", c.Key, c.Space)
		}
	}
	return nil
}
