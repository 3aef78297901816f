package move_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/talix-dev/talix/internal/move"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
)

func exportOf(s store.Store) move.ExportConfig {
	return move.ExportConfig{From: s, IDs: ids(), Now: time.Now}
}

func export(t testing.TB, c move.ExportConfig) []byte {
	t.Helper()
	var out bytes.Buffer
	if _, err := move.Export(t.Context(), &out, c); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func importInto(t testing.TB, to move.Store, text []byte) (move.Imported, error) {
	t.Helper()
	return move.Import(t.Context(), bytes.NewReader(text), move.ImportConfig{To: to, IDs: ids(), Size: int64(len(text)), Pace: move.Pace{Chunk: 16}})
}

func TestExportAndImport(t *testing.T) {
	t.Parallel()
	for _, n := range [][2]int{{1, 1}, {4, 1}, {1, 5}} {
		from, to := inMemory(n[0]), inMemory(n[1])
		fill(t, from, 20, 500, 12)
		text := export(t, exportOf(from))
		if lines := bytes.Count(text, []byte("\n")); lines != 502 {
			t.Errorf("%d lines", lines)
		}
		did, err := importInto(t, to, text)
		if err != nil || did.Added != 500 || did.Same != 0 {
			t.Fatalf("%+v, %v", did, err)
		}
		same(t, from, to)
		if did, err := importInto(t, to, text); err != nil || did.Added != 0 || did.Same != 500 {
			t.Errorf("again: %+v, %v", did, err)
		}
		if spaces, err := to.Spaces(t.Context(), 0); err != nil || len(spaces) > 0 {
			t.Errorf("it left records in %v, %v", spaces, err)
		}
	}
}

// What cannot be said in JSON as it is comes back all the same.
func TestOddEventsSurvive(t *testing.T) {
	t.Parallel()
	from, to := inMemory(1), inMemory(1)
	odd := []string{
		"", `{"a":  1 }`, "{\n}", " 1", "null", `"<&>"`, "\"\u2028\"", "\xff\xfe", "\x00", `{"sum":"12345678"}`, `{"end":true}`, "[]", `"` + strings.Repeat("x", 100_000) + `"`,
	}
	for i, text := range odd {
		name := text[:min(len(text), 300)]
		s := store.Stream{Type: "t" + name, ID: fmt.Sprint(i, name)}
		b := batchOf(ids(), s, 1, i)
		e := &b.Appends[0].Events[0]
		e.Data, e.Metadata, e.Type, e.Schema = []byte(text), []byte(text), "T"+name, i
		e.Time = []time.Time{noon(), {}, time.Date(-5, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(12_000, 1, 1, 0, 0, 0, 0, time.UTC)}[i%4]
		commit(t, from, 0, b)
	}
	text := export(t, exportOf(from))
	for i, line := range bytes.Split(bytes.TrimSpace(text), []byte("\n")) {
		if !json.Valid(line) {
			t.Errorf("line %d is no JSON: %.200s", i+1, line)
		}
	}
	if _, err := importInto(t, to, text); err != nil {
		t.Fatal(err)
	}
	if v := same(t, from, to); v.Events != int64(len(odd)) {
		t.Errorf("%+v", v)
	}
}

func TestExportTakesWhatTheFilterWants(t *testing.T) {
	t.Parallel()
	from := inMemory(3)
	fill(t, from, 12, 300, 13)
	for name, f := range map[string]move.Filter{
		"entities": {Entities: []string{"type/1", "type/2"}},
		"ids":      {IDs: []string{"e%4"}},
		"events":   {Events: []string{"THING:HAPPENED_2"}},
		"from":     {From: noon().Add(100 * time.Second)},
		"until":    {Until: noon().Add(100 * time.Second)},
		"both":     {From: noon().Add(50 * time.Second), Until: noon().Add(100 * time.Second), Entities: []string{"type/0"}},
		"nothing":  {IDs: []string{"none"}},
	} {
		c := exportOf(from)
		c.Filter = f
		want := 0
		for p := range store.Partition(3) {
			for _, e := range logOf(t, from, p) {
				if f.Wants(&e) {
					want++
				}
			}
		}
		if got := bytes.Count(export(t, c), []byte("\n")) - 2; got != want || want == 300 {
			t.Errorf("%s: %d events, want %d", name, got, want)
		}
	}
	early, late := exportOf(from), exportOf(from)
	early.Filter, late.Filter = move.Filter{Until: noon().Add(100 * time.Second)}, move.Filter{From: noon().Add(100 * time.Second)}
	to := inMemory(1)
	if _, err := importInto(t, to, export(t, late)); err == nil || !strings.Contains(err.Error(), "bring the ones between first") {
		t.Errorf("events without those before: %v", err)
	}
	for _, text := range [][]byte{export(t, early), export(t, late)} {
		if _, err := importInto(t, to, text); err != nil {
			t.Fatal(err)
		}
	}
	same(t, from, to)
}

// Cut off at any byte and gone on with, an export is whole in the end.
func TestExportIsGoneOnWith(t *testing.T) {
	t.Parallel()
	from := inMemory(2)
	fill(t, from, 5, 40, 14)
	full := export(t, exportOf(from))
	name := filepath.Join(t.TempDir(), "export.ndjson")
	for at := 0; at <= len(full); at += 1 + at/19 {
		if err := os.WriteFile(name, full[:at], 0o600); err != nil {
			t.Fatal(err)
		}
		got, done := resume(t, name, from)
		if done.Complete != (at == len(full)) || done.Events != 40 || done.Bytes != int64(len(got)) {
			t.Fatalf("cut at %d: %+v", at, done)
		}
		if at > bytes.IndexByte(full, '\n') && !bytes.Equal(got, full) {
			t.Fatalf("cut at %d: it is not the same", at)
		}
		to := inMemory(1)
		if _, err := importInto(t, to, got); err != nil {
			t.Fatalf("cut at %d: %v", at, err)
		}
		same(t, from, to)
	}
}

func resume(t *testing.T, name string, from store.Store) ([]byte, move.Exported) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	done, err := move.Resume(t.Context(), f, exportOf(from))
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return got, done
}

func TestExportGoesOnInItsOwnFileAlone(t *testing.T) {
	t.Parallel()
	from := inMemory(2)
	fill(t, from, 5, 40, 15)
	full := export(t, exportOf(from))
	filtered := exportOf(from)
	filtered.Filter.IDs = []string{"1"}
	for name, c := range map[string]struct {
		text   []byte
		config move.ExportConfig
	}{
		"another store":  {full[:2000], exportOf(inMemory(2))},
		"another filter": {full[:2000], filtered},
		"another thing":  {[]byte("hello\nworld\n"), exportOf(from)},
		"damaged":        {bytes.Replace(full[:4000], []byte(`"version":1`), []byte(`"version":7`), 1), exportOf(from)},
	} {
		file := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(file, c.text, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(file, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := move.Resume(t.Context(), f, c.config); err == nil {
			t.Errorf("%s: it was gone on with", name)
		}
		f.Close()
		if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, c.text) {
			t.Errorf("%s: the file was changed, %v", name, err)
		}
	}
}

// Each damage is noticed, its line is named, and what stands before it is
// brought in; after a mend, the same import goes on.
func TestImportNamesTheDamagedLine(t *testing.T) {
	t.Parallel()
	from := inMemory(1)
	fill(t, from, 5, 60, 16)
	full := export(t, exportOf(from))
	lines := bytes.SplitAfter(full, []byte("\n"))
	change := func(n int, text string) []byte {
		changed := append([][]byte{}, lines...)
		changed[n-1] = []byte(text)
		return bytes.Join(changed, nil)
	}
	for name, c := range map[string]struct {
		text []byte
		want string
	}{
		"no JSON":       {change(40, "{\n"), "line 40"},
		"other content": {change(40, strings.Replace(string(lines[39]), `"text": "<&>"`, `"text": "<&<"`, 1)), "line 40: it was damaged"},
		"no entity":     {change(40, `{"id":"01890a5d-ac96-774b-bcce-b302099a8057","version":1}`+"\n"), "line 40: it names no entity"},
		"bad id":        {change(40, `{"id":"x"}`+"\n"), "line 40"},
		"missing":       {change(40, ""), ""},
		"twice":         {change(40, string(lines[39])+string(lines[39])), "lines are missing or were added"},
		"cut":           {full[:len(full)-len(lines[61])], "after line 61"},
		"cut in a line": {full[:len(full)-len(lines[61])-5], "after line 60"},
		"no header":     {[]byte("{}\n"), "line 1: this is no export"},
		"newer format":  {change(1, strings.Replace(string(lines[0]), `"format":1`, `"format":2`, 1)), "line 1: it has format 2"},
		"empty":         {nil, "nothing to read"},
	} {
		to := inMemory(1)
		did, err := importInto(t, to, c.text)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if strings.HasPrefix(c.want, "line 40") && (did.Added != 38 || len(logOf(t, to, 0)) != 38) {
			t.Errorf("%s: %+v", name, did)
		}
		if did, err := importInto(t, to, full); err != nil || did.Lines != 62 {
			t.Errorf("%s, mended: %+v, %v", name, did, err)
		}
		same(t, from, to)
	}
}

func TestImportBoundsLines(t *testing.T) {
	t.Parallel()
	from := inMemory(1)
	fill(t, from, 5, 10, 17)
	text := export(t, exportOf(from))
	_, err := move.Import(t.Context(), bytes.NewReader(text), move.ImportConfig{To: inMemory(1), IDs: ids(), MaxLine: 300})
	if err == nil || !strings.Contains(err.Error(), "line 2 has more than 300 bytes") {
		t.Errorf("%v", err)
	}
}

func TestImportOfAPart(t *testing.T) {
	t.Parallel()
	from, to := inMemory(1), inMemory(1)
	fill(t, from, 5, 60, 18)
	text := export(t, exportOf(from))
	part := text[:len(text)/2]
	did, err := move.Import(t.Context(), bytes.NewReader(part), move.ImportConfig{To: to, IDs: ids(), Partial: true})
	if err != nil || did.Added != int64(bytes.Count(part, []byte("\n")))-1 {
		t.Errorf("%+v, %v", did, err)
	}
}

func TestImportFindsOtherEvents(t *testing.T) {
	t.Parallel()
	from, to := inMemory(1), inMemory(2)
	fill(t, from, 5, 60, 19)
	fill(t, to, 5, 60, 20)
	_, err := importInto(t, to, export(t, exportOf(from)))
	if d, ok := errors.AsType[*move.Difference](err); !ok || d.Version != 1 {
		t.Errorf("%v", err)
	}
}

// Killed after every commit and gone on with: equal, and lines that are in
// are not read anew.
func TestImportIsGoneOnWith(t *testing.T) {
	t.Parallel()
	from := inMemory(2)
	fill(t, from, 10, 200, 21)
	text := export(t, exportOf(from))
	calls, limit := 0, 0
	var cancel context.CancelCauseFunc
	to := memory.New(memory.Config{Partitions: 1, Fault: func(store.Partition, []store.Batch) memory.Fault {
		if calls++; calls != limit {
			return memory.Fault{}
		}
		cancel(errKilled)
		return memory.Fault{Kind: []memory.Kind{memory.UnknownWritten, memory.UnknownLost}[limit%2], Err: errKilled}
	}})
	for limit = 1; ; limit++ {
		var ctx context.Context
		ctx, cancel = context.WithCancelCause(t.Context())
		calls = 0
		did, err := move.Import(ctx, bytes.NewReader(text), move.ImportConfig{To: to, IDs: ids(), Pace: move.Pace{Chunk: 16}})
		cancel(nil)
		if err == nil {
			if limit > 4 && did.Added+did.Same == 200 {
				t.Errorf("the last of %d rounds read all lines", limit)
			}
			break
		}
		if !errors.Is(err, errKilled) {
			t.Fatal(err)
		}
	}
	same(t, from, to)
}

func TestImportRefusesAnotherFileOfTheSameName(t *testing.T) {
	t.Parallel()
	from, to := inMemory(1), inMemory(1)
	fill(t, from, 5, 60, 22)
	text := export(t, exportOf(from))
	if _, err := importInto(t, to, text[:len(text)/2]); err == nil {
		t.Fatal("half an export was taken")
	}
	other := bytes.Replace(text, []byte(`<&>`), []byte(`<&<`), 1)
	if _, err := importInto(t, to, other); err == nil || !strings.Contains(err.Error(), "not those that were imported before") {
		t.Errorf("%v", err)
	}
	did, err := move.Import(t.Context(), bytes.NewReader(text), move.ImportConfig{To: to, IDs: ids(), Again: true})
	if err != nil || did.Added+did.Same != 60 || did.Same == 0 {
		t.Errorf("%+v, %v", did, err)
	}
}

// What ends in an export is a line, whenever it is broken off.
func TestExportEndsWithAWholeLine(t *testing.T) {
	t.Parallel()
	from := inMemory(1)
	fill(t, from, 5, 100, 23)
	ctx, cancel := context.WithCancel(t.Context())
	c := exportOf(from)
	c.Pace = move.Pace{Chunk: 10, Progress: func(p move.Progress) {
		if p.Done > 30 {
			cancel()
		}
	}}
	var out bytes.Buffer
	if _, err := move.Export(ctx, &out, c); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if text := out.Bytes(); len(text) == 0 || text[len(text)-1] != '\n' || bytes.Contains(text, []byte(`"end"`)) {
		t.Errorf("it ends with %q", text[max(0, len(text)-100):])
	}
	if _, err := move.Export(t.Context(), failing{}, exportOf(from)); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("what could not be written: %v", err)
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func FuzzImport(f *testing.F) {
	from := inMemory(1)
	for i := range 3 {
		s := streamOf(i)
		commit(f, from, 0, batchOf(ids(), s, 1, i))
	}
	text := export(f, exportOf(from))
	f.Add(text)
	for _, line := range bytes.Split(text, []byte("\n")) {
		f.Add(append(bytes.SplitAfter(text, []byte("\n"))[0], line...))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		to := inMemory(2)
		did, err := move.Import(t.Context(), bytes.NewReader(text), move.ImportConfig{To: to, IDs: ids(), MaxLine: 1 << 16})
		n := 0
		for p := range store.Partition(2) {
			n += len(logOf(t, to, p))
		}
		if err == nil && int64(n) != did.Added {
			t.Errorf("%d events, and it said %+v", n, did)
		}
	})
}
