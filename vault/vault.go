// Package vault is the port for the keys of personal data: one for each subject,
// the person whom the data is about. What is tagged as personal is stored under
// its subject's key alone, so that destroying the key makes it unreadable
// wherever it was copied to: in the log, in snapshots, in backups.
//
// The idea is that of crypto-shredding. It stands and falls with the vault being
// kept apart from what it protects: whoever keeps copies of both for ever has
// erased nothing.
package vault

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"time"
)

// Vault keeps keys. Its methods may be called from many goroutines at once, and
// by several processes where the driver says so.
type Vault interface {
	// Salt is made at random with the vault, and the same ever after. The names
	// of subjects are made with it; it is no key and protects nothing, but
	// whoever does not have it can't tell whom a name stands for.
	Salt() [32]byte

	// Find tells how it stands with subjects, in the order of names.
	Find(ctx context.Context, names []Name) ([]Key, error)

	// Make is Find, but first makes a key, at random, for each subject that has
	// none and was not erased. Keys are durable when it returns: they survive
	// kill -9 and, where the driver does not say otherwise, power loss. Nobody
	// ever gets two keys for one subject. A name may stand there twice.
	Make(ctx context.Context, names []Name) ([]Key, error)

	// Erase destroys a subject's key, whether or not there is one, and forbids
	// it another for ever. When it returns nil, this is durable, and nothing in
	// the vault has the key any more; drivers say what is out of their reach,
	// such as a database's own log. After an error it may or may not be so.
	// Repeating it is safe and finishes what was cut off; the first time
	// stands.
	Erase(ctx context.Context, name Name, at time.Time) error

	// Erased lists up to max erasures with a number above after, in the order
	// of their numbers, which are above zero and rise. Once a number was
	// returned, none below it will ever appear.
	Erased(ctx context.Context, after int64, max int) ([]Erasure, error)

	// Close waits for calls under way and makes later ones fail with ErrClosed.
	Close() error
}

// Name stands for a subject without telling who it is.
type Name [16]byte

// NameOf is the name of a subject in the vault of that salt.
func NameOf(salt [32]byte, subject string) Name {
	h := hmac.New(sha256.New, salt[:])
	h.Write([]byte(subject))
	return Name(h.Sum(nil)[:16])
}

func (n Name) String() string { return base64.RawURLEncoding.EncodeToString(n[:]) }

// ParseName reads what String wrote.
func ParseName(s string) (Name, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != len(Name{}) {
		return Name{}, fmt.Errorf("read name of a subject %.40q: it is not 22 characters of base64url", s)
	}
	return Name(b), nil
}

// Key is how it stands with a subject.
type Key struct {
	State  State
	Secret [32]byte // if State is Present
}

// State tells whether a subject has a key.
type State uint8

// The states.
const (
	Missing State = iota // there never was a key
	Present
	Erased // it was destroyed, and there will be no other
)

// Erasure tells of a key that was destroyed.
type Erasure struct {
	Number int64
	Name   Name
	Time   time.Time // UTC, in microseconds
}

// Errors that callers tell apart.
var (
	// ErrClosed: the vault was closed.
	ErrClosed = errors.New("the vault is closed")
	// ErrErased: personal data was to be written of a subject whose key was
	// destroyed. It is the engine's; drivers never return it.
	ErrErased = errors.New("the subject's personal data was erased")
)
