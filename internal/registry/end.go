package registry

import (
	"bytes"
	"encoding/json"

	"github.com/talix-dev/talix/store"
)

// endKey is the key in an event's metadata that says that the event is the last
// one of its entity.
const endKey = "talix.end"

// EndMark is the metadata of the last event of an entity that is deleted.
func EndMark() []byte { return []byte(`{"` + endKey + `":"deleted"}`) }

// EndMarkBeside is EndMark with what metadata has.
func EndMarkBeside(metadata []byte) []byte {
	mark := EndMark()
	if len(metadata) > 2 { // more than {}
		mark[len(mark)-1] = ','
		mark = append(mark, metadata[1:]...)
	}
	return mark
}

// Ends tells whether a stored event is the last one of its entity.
func Ends(e *store.Event) bool {
	if !bytes.Contains(e.Metadata, []byte(endKey)) {
		return false
	}
	var all map[string]string
	return json.Unmarshal(e.Metadata, &all) == nil && all[endKey] != ""
}

// GoneFault refuses what is asked of an entity that was deleted.
func GoneFault(s store.Stream) *Fault {
	return Faultf(Gone, "%s %q was deleted", s.Type, s.ID)
}
