package registry

import (
	"encoding/json"
	"strings"
	"sync"
)

// Carry adds a name and its value to what goes along with an event, in the form
// of metadata: a JSON object of strings, or nil. Empty names and values, and
// names of talix's own, are left out.
func Carry(metadata []byte, name, value string) []byte {
	if name == "" || value == "" || strings.HasPrefix(name, "talix.") {
		return metadata
	}
	if metadata == nil {
		metadata = append(make([]byte, 0, len(name)+len(value)+7), '{')
	} else {
		metadata[len(metadata)-1] = ','
	}
	metadata = append(appendString(metadata, name), ':')
	return append(appendString(metadata, value), '}')
}

// appendString appends a text as JSON.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(s) // a text always encodes
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

// Carried reads what Carry has put into metadata; nil if there is none. What is
// no object of strings has nothing. It may be called from many goroutines.
func Carried(metadata []byte) func(name string) string {
	if len(metadata) == 0 {
		return nil
	}
	read := sync.OnceValue(func() (all map[string]string) {
		if json.Unmarshal(metadata, &all) != nil {
			return nil
		}
		return all
	})
	return func(name string) string { return read()[name] }
}
