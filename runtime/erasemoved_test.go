package runtime_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/talix-dev/talix"
	brokermemory "github.com/talix-dev/talix/broker/memory"
	"github.com/talix-dev/talix/internal/id"
	mover "github.com/talix-dev/talix/internal/move"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store/memory"
)

// What is poured after an erasure comes without what was erased, and a group of
// which one subject was erased is refused as a whole.
func TestPoursAndGroupsAfterAnErasure(t *testing.T) {
	t.Parallel()
	o, queue := newOffice(), brokermemory.New(brokermemory.Config{})
	defer queue.Close()
	rt := o.run(t, inMemory(t), queue)
	o.fill(t, rt, queue, "ann", annsText)
	o.fill(t, rt, queue, "bob", bobsText)
	told := map[string]bool{<-o.cards: true, <-o.cards: true}
	erase(t, rt, "ann")
	err := rt.Pours().Start(t.Context(), runtime.Pour{Name: "again", Actions: []string{"card"}})
	if err != nil {
		t.Fatal(err)
	}
	poured := map[string]bool{<-o.cards: true, <-o.cards: true}
	if !told["ann "+annsText] || !poured["ann "] || !poured["bob "+bobsText] {
		t.Errorf("told %v, and poured %v", told, poured)
	}
	ctx := rt.Context(t.Context())
	err = talix.Group(ctx, talix.Do(o.open, "bob-case", Opened{"bob", bobsText, "late"}), talix.Do(o.open, "ann-case", Opened{"ann", annsText, "late"}))
	if e, ok := errors.AsType[*talix.Error](err); !ok || e.Status != 410 {
		t.Errorf("a group got %v", err)
	}
	if shown := fmt.Sprint(o.look(t, rt, "ann", "bob")); strings.Contains(shown, "late") || strings.Contains(shown, annsText) {
		t.Errorf("after it: %s", shown)
	}
	// Uniqueness outlives the erasure, until the holder lets go.
	if _, err := talix.Run(ctx, o.join, "eve", Joined{Email: annsText}); !errors.Is(err, talix.ErrTaken) {
		t.Errorf("the address of who was erased: %v", err)
	}
}

// A copy and an export carry what is personal sealed: on the copy, the program
// goes on with its keys, and what is erased then stands in none of them.
func TestErasureReachesWhatWasMoved(t *testing.T) {
	t.Parallel()
	o, dir := newOffice(), t.TempDir()
	p, shut := folder(t, dir)
	queue := brokermemory.New(brokermemory.Config{})
	defer queue.Close()
	rt := o.run(t, p, queue)
	o.fill(t, rt, queue, "bob", bobsText)
	o.fill(t, rt, queue, "ann", annsText)
	before := o.look(t, rt, "ann", "bob")
	rt.Stop()
	target := checked(t, memory.Config{Partitions: 5})
	copied(t, p.store.(mover.Store), target)
	lines := o.exported(t, p)
	shut()
	if err := os.Remove(filepath.Join(dir, "events.db")); err != nil {
		t.Fatal(err)
	}
	keys, _ := folder(t, dir)
	rt = o.run(t, place{target, tables(t), keys.keys}, queue)
	o.settled(t, rt, "ann")
	same(t, "on the copy", o.look(t, rt, "ann", "bob"), before)
	if _, err := talix.Run(rt.Context(t.Context()), o.join, "eve", Joined{Email: annsText}); !errors.Is(err, talix.ErrTaken) {
		t.Errorf("on the copy, the address of another one: %v", err)
	}
	erase(t, rt, "ann")
	after := before.without("ann", annsText)
	same(t, "after the erasure", o.look(t, rt, "ann", "bob"), after)
	rt.Stop()
	imported := checked(t, memory.Config{Partitions: 3})
	if _, err := mover.Import(t.Context(), bytes.NewReader(lines), mover.ImportConfig{To: imported, IDs: id.NewSource(time.Now)}); err != nil {
		t.Fatal(err)
	}
	rt = o.run(t, place{imported, tables(t), keys.keys}, queue)
	eventually(t, func() bool {
		for _, v := range rt.Views().Status() {
			if v.Lag > 0 {
				return false
			}
		}
		return true
	})
	same(t, "after an import", o.look(t, rt, "ann", "bob"), after)
}

// exported is a folder's log as lines, which tell nothing.
func (o *office) exported(t *testing.T, p place) []byte {
	t.Helper()
	var lines bytes.Buffer
	_, err := mover.Export(t.Context(), &lines, mover.ExportConfig{From: p.store, IDs: id.NewSource(time.Now), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range append(forms(annsText), forms(bobsText)...) {
		if bytes.Contains(lines.Bytes(), form) {
			t.Errorf("the export has %s", form)
		}
	}
	return lines.Bytes()
}
