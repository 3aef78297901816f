package entity

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

// The spaces of unique values: who holds each, found by the value, in the
// value's own partition; and what each entity holds, in the entity's partition.
const (
	UniqueSpace = "unique"
	HeldSpace   = "held"
)

// holder is the data of a unique value's record; that of an entity's list has
// none.
type holder struct {
	Type string `json:"type"`
	ID   string `json:"id"`
}

func encodeHolder(s store.Stream) []byte {
	data, err := json.Marshal(holder(s))
	if err != nil {
		panic(err) // it holds texts alone
	}
	return data
}

// HolderIn is the entity that holds a unique value, by the value's record.
func HolderIn(rec *store.Record) (store.Stream, error) {
	var h holder
	if err := json.Unmarshal(rec.Data, &h); err != nil {
		return store.Stream{}, fmt.Errorf("read who holds the unique value of revision %v: %w", rec.Rev, err)
	}
	return store.Stream(h), nil
}

// ValueHome is what the partition of a unique value's record is found by.
func ValueHome(key string) store.Stream { return store.Stream{Type: UniqueSpace, ID: key} }

// HeldValue is the key of the unique value that a record of an entity's list
// names.
func HeldValue(key string) string {
	_, value, _ := strings.Cut(key, "/")
	return value
}

// Holds tells whether a record is of that entity's list, by its key.
func Holds(s store.Stream, key string) bool { return strings.HasPrefix(key, heldPrefix(s)) }

// heldPrefix begins the keys of what an entity holds.
func heldPrefix(s store.Stream) string {
	sum := sha256.Sum256([]byte(s.Type + "\x00" + s.ID))
	return hex.EncodeToString(sum[:16]) + "/"
}

// UniquePrefixes begin the keys of the records of unique values: of those that
// are stored as they are, and of those that are personal. No other set has keys
// that begin so: slashes in a name are escaped.
func UniquePrefixes(u *registry.Unique) (clear, personal string) {
	name := registry.Escape(u.Name)
	return name + "/", name + "#"
}

// uniqueKey is the key of the record of a value. For a personal one it tells
// nothing without the vault.
func (g *Engine) uniqueKey(u *registry.Unique, value string) string {
	clear, personal := UniquePrefixes(u)
	if u.Personal {
		return personal + g.cfg.Seal.Digest(personal+value)
	}
	return clear + value
}
