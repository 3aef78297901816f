package httpedge

import (
	"encoding/hex"

	"github.com/talix-dev/talix/store"
)

// traceID is the trace id of a traceparent header, as in
// 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01, or zero.
func traceID(s string) (id store.ID) {
	if len(s) < 55 || s[2] != '-' || s[35] != '-' || s[52] != '-' || s[:2] == "ff" {
		return store.ID{}
	}
	if len(s) > 55 && (s[:2] == "00" || s[55] != '-') {
		return store.ID{}
	}
	for _, c := range []byte(s[3:35]) {
		if c >= 'A' && c <= 'F' {
			return store.ID{}
		}
	}
	if _, err := hex.Decode(id[:], []byte(s[3:35])); err != nil {
		return store.ID{}
	}
	return id
}
