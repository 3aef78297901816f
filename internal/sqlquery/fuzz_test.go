package sqlquery_test

import (
	"encoding/base64"
	"errors"
	"testing"

	"github.com/talix-dev/talix/internal/registry"
)

// FuzzCursor gives cursors that pass the check of what they were made for.
func FuzzCursor(f *testing.F) {
	tables := open(f)
	put(f, tables, expenses, []any{"e1", "d", "v", 1}, []any{"e2", "d", "v", 2}, []any{"e3", "d", "v", 3})
	q := compile(f, tables, many[filter, listed](`SELECT id, cents FROM expenses WHERE cents >= :least`, "cents desc", "id"))
	raw, err := base64.RawURLEncoding.DecodeString(run[pageOf[listed]](f, q, filter{paging: paging{Limit: 1}}).Next)
	if err != nil {
		f.Fatal(err)
	}
	head, keys := raw[:10], raw[10:]
	f.Add(keys)
	f.Add([]byte{4, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Add([]byte{2, 0x7f, 0xf8, 0, 0, 0, 0, 0, 1, 0})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, keys []byte) {
		cursor := base64.RawURLEncoding.EncodeToString(append(append([]byte(nil), head...), keys...))
		_, err := q.Run(t.Context(), filter{paging: paging{Cursor: cursor}})
		if fault, _ := errors.AsType[*registry.Fault](err); err != nil && (fault == nil || fault.Code != registry.Invalid) {
			t.Errorf("cursor %q: %v", cursor, err)
		}
	})
}
