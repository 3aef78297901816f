package seal

import (
	"context"
	"slices"
	"strings"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/vault"
)

// snapshots is the space of the records that hold snapshots of entities. A
// state may have anything of its events, whatever its own tags say, so a
// snapshot of an entity with personal events is sealed as a whole, for the
// entity's subject. Where events name other subjects, no one key could undo it,
// and none is stored.
const snapshots = "snapshot"

// Shade says what becomes of the snapshots of an entity type.
type Shade uint8

// The shades.
const (
	Clear  Shade = iota // its events have nothing personal: stored as they are
	Sealed              // sealed for the entity's id
	Never               // not stored
)

// shadeOf is the shade of a record, and the entity's id.
func (s *Store) shadeOf(space, key string) (shade Shade, id string) {
	if space != snapshots || len(s.shades) == 0 {
		return Clear, ""
	}
	typ, id, _ := strings.Cut(key, "/")
	return s.shades[typ], id
}

// Shaded names the shade of an entity type. It is called before the store is
// used.
func (s *Store) Shaded(entityType string, shade Shade) { s.shades[registry.Escape(entityType)] = shade }

// hide seals the snapshots among changes, or leaves them out where they can't be:
// an entity can always be folded from its events.
func (s *Store) hide(ctx context.Context, changes []store.Change) []store.Change {
	same := true
	for i := range changes {
		shade, _ := s.shadeOf(changes[i].Space, changes[i].Key)
		same = same && (shade == Clear || changes[i].Op != store.Put)
	}
	if same {
		return changes
	}
	out := make([]store.Change, 0, len(changes))
	for _, c := range changes {
		shade, id := s.shadeOf(c.Space, c.Key)
		if shade == Clear || c.Op != store.Put {
			out = append(out, c)
			continue
		}
		name := s.box.Name(id)
		keys, err := s.box.fetch(ctx, []vault.Name{name}, s.box.vault.Make)
		if err != nil || keys[name] == nil || shade == Never {
			continue
		}
		c.Data = appendSealed(nil, name, encrypt(keys[name], c.Data, snapshots+"/"+c.Key))
		out = append(out, c)
	}
	return out
}

// show opens a snapshot; false if it was erased, or is none that was sealed.
func (s *Store) show(ctx context.Context, r *store.Record) (bool, error) {
	found := sealedIn(r.Data)
	if len(found) != 1 || found[0].to-found[0].from != len(r.Data) {
		return false, nil
	}
	name := found[0].name
	keys, err := s.box.fetch(ctx, []vault.Name{name}, s.box.vault.Find)
	if err != nil || keys[name] == nil {
		return false, err
	}
	r.Data, err = found[0].decrypt(nil, keys[name], snapshots+"/"+r.Key)
	return err == nil, err
}

// Record implements store.Keeper.
func (s *Store) Record(ctx context.Context, p store.Partition, space, key string) (store.Record, bool, error) {
	r, found, err := s.Keeper.Record(ctx, p, space, key)
	if shade, _ := s.shadeOf(space, key); shade == Clear || !found || err != nil {
		return r, found, err
	}
	if found, err = s.show(ctx, &r); !found {
		r = store.Record{}
	}
	return r, found, err
}

// plainRecords tells whether no batch has a snapshot to be sealed.
func (s *Store) plainRecords(batches []store.Batch) bool {
	return len(s.shades) == 0 || !slices.ContainsFunc(batches, func(b store.Batch) bool {
		return slices.ContainsFunc(b.Records, func(c store.Change) bool { return c.Space == snapshots })
	})
}
