package snapshot

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"reflect"
	"runtime/debug"
	"strings"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/work"
	"github.com/talix-dev/talix/store"
)

// Space is that of the records that hold snapshots.
const Space = "snapshot"

// Key is the key of an entity's snapshot; false if it is too long to have one.
func Key(s store.Stream) (string, bool) {
	key := Prefix(s.Type) + s.ID
	return key, len(key) <= store.MaxKey
}

// Prefix begins the keys of all snapshots of an entity type.
func Prefix(entityType string) string { return registry.Escape(entityType) + "/" }

// StreamOf is the entity whose snapshot has a key; false if it is no key of one.
func StreamOf(key string) (store.Stream, bool) {
	entityType, id, ok := strings.Cut(key, "/")
	return store.Stream{Type: work.Unescape(entityType), ID: id}, ok
}

// Removal is the change that removes an entity's snapshot, if there is one; to
// be committed with what makes it wrong.
func Removal(s store.Stream) ([]store.Change, bool) {
	key, fits := Key(s)
	if !fits {
		return nil, false
	}
	return []store.Change{{Record: store.Record{Space: Space, Key: key}, Op: store.Delete, Blind: true}}, true
}

// header is the first line of a snapshot; the state follows.
type header struct {
	Version     store.Version `json:"version"`
	Last        store.ID      `json:"last"`
	Fingerprint string        `json:"fingerprint"`
	Sum         uint32        `json:"sum"`
}

// errOther: it is of another reducer.
var errOther = errors.New("the snapshot is of another version of the reducer")

// encode writes a picture, and proves that decode gives it back.
func (p *Plan) encode(pic *Picture) (data []byte, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	state, err := json.Marshal(pic.State)
	if err != nil {
		return nil, err
	}
	h := header{pic.Version, pic.Last, p.fingerprint, 0}
	h.Sum = h.sum(state)
	data, err = json.Marshal(h)
	if err != nil {
		return nil, err
	}
	data = append(append(data, '\n'), state...)
	back, err := p.decode(data)
	if err != nil {
		return nil, fmt.Errorf("read it again: %w", err)
	}
	if !reflect.DeepEqual(back.State, pic.State) {
		return nil, errors.New("the state is another one after it was written as JSON and read again")
	}
	return data, nil
}

// decode reads what encode wrote.
func (p *Plan) decode(data []byte) (pic Picture, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	line, state, _ := bytes.Cut(data, []byte("\n"))
	var h header
	if err := json.Unmarshal(line, &h); err != nil {
		return pic, fmt.Errorf("the snapshot is damaged: %w", err)
	}
	if h.Fingerprint != p.fingerprint {
		return pic, errOther
	}
	if h.Version < 1 || h.Sum != h.sum(state) {
		return pic, errors.New("the snapshot is damaged: its sum does not match")
	}
	into := p.def.New()
	if err := json.Unmarshal(state, into); err != nil {
		return pic, fmt.Errorf("decode the snapshot's state: %w", err)
	}
	return Picture{State: into, Version: h.Version, Last: h.Last, Size: len(state), Plan: p}, nil
}

// sum covers everything but itself.
func (h header) sum(state []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli)
	head := fmt.Appendf(nil, "%d %s %s ", h.Version, h.Last, h.Fingerprint)
	return crc32.Update(crc32.Checksum(head, table), table, state)
}
