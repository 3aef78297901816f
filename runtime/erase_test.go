package runtime_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/talix-dev/talix"
	brokermemory "github.com/talix-dev/talix/broker/memory"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store/sqlite"
)

// forms are the forms in which a text could stand somewhere: as it is, in hex,
// in UTF-16, in base64 at any place in what was encoded, and in base64 within
// base64. The first letters are left out, as an index may have them elsewhere.
func forms(text string) (all [][]byte) {
	text = text[3:]
	plain := [][]byte{[]byte(text)}
	var le, be []byte
	for _, u := range utf16.Encode([]rune(text)) {
		le, be = append(le, byte(u), byte(u>>8)), append(be, byte(u>>8), byte(u))
	}
	plain = append(plain, le, be)
	for _, p := range plain {
		all = append(all, p, []byte(hex.EncodeToString(p)), []byte(strings.ToUpper(hex.EncodeToString(p))))
		for _, once := range inBase64(p) {
			all = append(all, once)
			all = append(all, inBase64(once)...)
		}
	}
	return all
}

func inBase64(p []byte) (all [][]byte) {
	for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for before := range 3 {
			s := e.EncodeToString(append(make([]byte, before), p...))
			all = append(all, []byte(s[4:len(s)-4]))
		}
	}
	return all
}

// holding are the files under a folder that have a text in any form.
func holding(t *testing.T, dir, text string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		for _, f := range forms(text) {
			if bytes.Contains(data, f) {
				names = append(names, filepath.Base(path))
				return err
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// folder is a place in a folder, as a program has it.
func folder(t *testing.T, dir string) (p place, shut func()) {
	t.Helper()
	events, err := sqlite.Open(t.Context(), sqlite.Config{Dir: dir, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	tables, err := sqlite.OpenTables(t.Context(), sqlite.TablesConfig{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := sqlite.OpenKeys(t.Context(), sqlite.KeysConfig{Dir: dir, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	shut = func() {
		if err := errors.Join(tables.Close(), events.Close(), keys.Close()); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(shut)
	return place{events, tables, keys}, shut
}

const (
	annsText = "qzebrafinktannhaus4711"
	bobsText = "wxylophonist0815karavelle"
)

// without is what readers see once a text was erased that stands in JSON, rows
// and texts.
func (s shown) without(client, text string) shown {
	out := shown{Plans: s.Plans, Letters: map[string][]string{}}
	erase := func(rows []clientRow) (out []clientRow) {
		for _, r := range rows {
			if r.ID == client {
				r.Email, r.City = "", ""
			}
			out = append(out, r)
		}
		return out
	}
	out.Clients, out.History = erase(s.Clients), erase(s.History)
	for c, all := range s.Letters {
		for _, l := range all {
			out.Letters[c] = append(out.Letters[c], strings.ReplaceAll(l, text, ""))
		}
	}
	for _, e := range s.Events {
		if strings.Contains(e, text) {
			payload, state, _ := strings.Cut(e, "} {")
			payload = strings.NewReplacer(`{"City":"`+text+`"}`, "null", `"`+text+`"`, "null").Replace(payload)
			for year := 2000; year < 2005; year++ {
				payload = strings.Replace(payload, fmt.Sprintf(`"year":%d`, year), `"year":null`, 1)
			}
			e = payload + "} {" + strings.ReplaceAll(state, text, "")
		}
		out.Events = append(out.Events, e)
	}
	return out
}

func same(t *testing.T, what string, got, want shown) {
	t.Helper()
	g, w := reflect.ValueOf(got), reflect.ValueOf(want)
	for i := range g.NumField() {
		if !reflect.DeepEqual(g.Field(i).Interface(), w.Field(i).Interface()) {
			t.Errorf("%s: %s are\n%v\nwant\n%v", what, g.Type().Field(i).Name, g.Field(i), w.Field(i))
		}
	}
}

// After an erasure, the personal text of the subject is nowhere: not in the data
// folder, not in a backup, not in what was restored from it. What is left is the
// same as before, and views can be made anew.
func TestErasedTextIsNowhere(t *testing.T) {
	t.Parallel()
	o, dir := newOffice(), t.TempDir()
	p, shut := folder(t, dir)
	queue := brokermemory.New(brokermemory.Config{})
	defer queue.Close()
	rt := o.run(t, p, queue)
	o.fill(t, rt, queue, "bob", bobsText)
	o.fill(t, rt, queue, "ann", annsText)
	before := o.look(t, rt, "ann", "bob")
	if !strings.Contains(fmt.Sprint(before), annsText) {
		t.Fatal("the text is not there at all")
	}
	if found := holding(t, dir, annsText); len(found) == 0 || strings.Contains(strings.ReplaceAll(fmt.Sprint(found), "views.db", ""), ".db") {
		t.Fatalf("before the erasure the text stands in %v, want views.db alone", found)
	}
	backup := filepath.Join(t.TempDir(), "backup.db")
	if err := p.store.(*sqlite.Store).Backup(t.Context(), backup); err != nil {
		t.Fatal(err)
	}
	erase(t, rt, "ann")
	after := o.look(t, rt, "ann", "bob")
	same(t, "after the erasure", after, before.without("ann", annsText))
	if found := holding(t, dir, annsText); found != nil {
		t.Errorf("after the erasure the text stands in %v", found)
	}
	if found := holding(t, filepath.Dir(backup), annsText); found != nil {
		t.Errorf("after the erasure the backup has the text")
	}
	hits, err := talix.Ask(rt.Context(t.Context()), o.find, struct{ Word string }{annsText})
	if err != nil || len(hits.Items) != 0 {
		t.Errorf("a search finds %v, %v", hits.Items, err)
	}
	rebuild(t, rt, "clients", "letters", "plans")
	same(t, "after a rebuild", o.look(t, rt, "ann", "bob"), after)
	rt.Stop()
	shut()
	if found := holding(t, dir, annsText); found != nil {
		t.Errorf("after the end of the program the text stands in %v", found)
	}
	restore(t, o, dir, backup, after)
}

// restore restores a backup beside the keys as they are now.
func restore(t *testing.T, o *office, dir, backup string, want shown) {
	t.Helper()
	to := t.TempDir()
	for from, name := range map[string]string{backup: "events.db", filepath.Join(dir, "keys.db"): "keys.db"} {
		data, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(filepath.Join(to, name), data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	p, shut := folder(t, to)
	rt := o.run(t, p, nil)
	o.settled(t, rt, "ann")
	same(t, "after the restore", o.look(t, rt, "ann", "bob"), want)
	rebuild(t, rt, "clients", "letters", "plans")
	same(t, "after a rebuild of what was restored", o.look(t, rt, "ann", "bob"), want)
	rt.Stop()
	shut()
	if found := holding(t, to, annsText); found != nil {
		t.Errorf("after the restore the text stands in %v", found)
	}
}

func erase(t *testing.T, rt *runtime.Runtime, subject string) {
	t.Helper()
	if _, err := rt.Personal().Erase(t.Context(), subject); err != nil {
		t.Fatal(err)
	}
	if err := rt.Personal().Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// rebuild makes views anew, and waits until they are.
func rebuild(t *testing.T, rt *runtime.Runtime, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := rt.Views().Rebuild(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, func() bool {
		for _, v := range rt.Views().Status() {
			if v.Rebuild != nil || v.Lag > 0 {
				return false
			}
		}
		return true
	})
}
