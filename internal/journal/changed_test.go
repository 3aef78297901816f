package journal_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/talix-dev/talix/internal/journal"
	"github.com/talix-dev/talix/store"
)

// before is what ran, to its end or to the end of these steps.
func before() program {
	return append(steps("a", "b", "c"), all("fork", steps("d", "e"), steps("f")), op{kind: "step", name: "g"})
}

func TestChangedActionIsDetected(t *testing.T) {
	t.Parallel()
	fork := func(branches ...program) op { return all("fork", branches...) }
	g := op{kind: "step", name: "g"}
	de, f := steps("d", "e"), steps("f")
	for name, p := range map[string]program{
		"renamed at the front":        append(steps("x", "b", "c"), fork(de, f), g),
		"renamed in the middle":       append(steps("a", "x", "c"), fork(de, f), g),
		"renamed at the end":          append(steps("a", "b", "c"), fork(de, f), op{kind: "step", name: "x"}),
		"inserted at the front":       append(steps("x", "a", "b", "c"), fork(de, f), g),
		"inserted in the middle":      append(steps("a", "x", "b", "c"), fork(de, f), g),
		"inserted before the end":     append(steps("a", "b", "c"), fork(de, f), op{kind: "step", name: "x"}, g),
		"removed at the front":        append(steps("b", "c"), fork(de, f), g),
		"removed in the middle":       append(steps("a", "c"), fork(de, f), g),
		"removed at the end":          append(steps("a", "b", "c"), fork(de, f)),
		"exchanged":                   append(steps("b", "a", "c"), fork(de, f), g),
		"another kind":                append(program{{kind: "run", name: "a"}}, append(steps("b", "c"), fork(de, f), g)...),
		"fork removed":                append(steps("a", "b", "c"), g),
		"fork for a step":             append(steps("a", "b"), fork(program{}), fork(de, f), g),
		"a step for a fork":           append(steps("a", "b", "c", "fork"), g),
		"fork renamed":                append(steps("a", "b", "c"), all("x", de, f), g),
		"branch added":                append(steps("a", "b", "c"), fork(de, f, steps("x")), g),
		"branch removed":              append(steps("a", "b", "c"), fork(de), g),
		"empty branch added":          append(steps("a", "b", "c"), fork(de, f, program{}), g),
		"branches exchanged":          append(steps("a", "b", "c"), fork(f, de), g),
		"renamed in a branch":         append(steps("a", "b", "c"), fork(steps("d", "x"), f), g),
		"inserted at branch's front":  append(steps("a", "b", "c"), fork(steps("x", "d", "e"), f), g),
		"inserted in a branch":        append(steps("a", "b", "c"), fork(steps("d", "x", "e"), f), g),
		"inserted at a branch's end":  append(steps("a", "b", "c"), fork(steps("d", "e", "x"), f), g),
		"forked at a branch's end":    append(steps("a", "b", "c"), fork(append(steps("d", "e"), fork(f)), f), g),
		"removed at a branch's front": append(steps("a", "b", "c"), fork(steps("e"), f), g),
		"removed at a branch's end":   append(steps("a", "b", "c"), fork(steps("d"), f), g),
		"emptied branch":              append(steps("a", "b", "c"), fork(de, program{}), g),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := onMemory(t)
			w.runs(t, before())
			n := len(w.entries(t))
			if err := w.run(p); !errors.Is(err, journal.ErrChanged) {
				t.Errorf("the run ended with %v", err)
			}
			if now := len(w.entries(t)); now != n {
				t.Errorf("it wrote %d entries more", now-n)
			}
			w.runs(t, before()) // it can be finished by what it was
		})
	}
}

// What was not reached yet may change.
func TestChangeAheadIsNone(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]program{
		"as before":       before(),
		"appended":        append(before(), op{kind: "step", name: "x"}),
		"renamed":         append(steps("a", "b", "x"), op{kind: "step", name: "g"}),
		"removed":         steps("a", "b"),
		"inserted":        append(steps("a", "b", "x", "c"), op{kind: "step", name: "g"}),
		"fork for a step": append(steps("a", "b"), all("x", steps("d"), steps("e"))),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := onMemory(t)
			l := &life{journal: w.open(), do: echo}
			if err := l.line(context.Background(), l.journal.Root(), steps("a", "b")); err != nil {
				t.Fatal(err)
			}
			w.runs(t, p)
			w.runs(t, p)
		})
	}
}

// A branch that was cut off goes on, however far the others are.
func TestBranchGoesOn(t *testing.T) {
	t.Parallel()
	w := onMemory(t)
	ctx := context.Background()
	l := &life{journal: w.open(), do: echo}
	branches, err := l.journal.Root().Fork(ctx, "fork", []string{"0", "1"})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.line(ctx, branches[1], steps("x", "y", "z")); err != nil {
		t.Fatal(err)
	}
	w.runs(t, program{all("fork", steps("d", "e"), steps("x", "y", "z")), {kind: "step", name: "g"}})
	if got := len(w.entries(t)); got != 7 {
		t.Errorf("there are %d entries", got)
	}
}

func TestChangedNamesBothSteps(t *testing.T) {
	t.Parallel()
	w := onMemory(t)
	w.runs(t, steps("charge", "send"))
	for _, want := range []struct {
		program
		parts []string
	}{
		{steps("bill"), []string{"charge", "bill", "0001"}},
		{steps("charge"), []string{"send", "0002"}},
	} {
		err := w.run(want.program)
		for _, part := range want.parts {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%v does not name %s", err, part)
			}
		}
	}
}

// The hole is where an entry was put in before those that are there.
func TestHoleIsAChange(t *testing.T) {
	t.Parallel()
	w := onMemory(t)
	j := w.open()
	b := j.Root()
	ctx := context.Background()
	for _, name := range []string{"a", "b"} {
		step, err := b.Find(ctx, "step", name)
		if err != nil {
			t.Fatal(err)
		}
		if name == "b" { // a is given to nobody, which a run must not do
			if _, err := j.Keep(ctx, step); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.run(steps("a", "b")); !errors.Is(err, journal.ErrChanged) {
		t.Errorf("the run ended with %v", err)
	}
}

// Many steps stay in order.
func TestManySteps(t *testing.T) {
	t.Parallel()
	w := onMemory(t)
	var p program
	for range 10_050 {
		p = append(p, op{kind: "run", name: "same", noted: true})
	}
	w.runs(t, append(p, op{kind: "step", name: "last"}))
	before := w.count()
	entries := w.entries(t)
	if pages := w.count() - before; pages > 500 {
		t.Errorf("it was read in %d pages", pages)
	}
	if n := len(entries); n != 10_051 || entries[n-1].Name != "last" || entries[9_998].Path != "9999" || entries[9_999].Path <= "9999" {
		t.Errorf("%d entries, the last is %v", n, entries[n-1])
	}
	w.runs(t, append(p, op{kind: "step", name: "last"}))
}

func TestRenamedBranches(t *testing.T) {
	t.Parallel()
	w := onMemory(t)
	fork := func(names ...string) (*journal.Journal, error) {
		j := w.open()
		_, err := j.Root().Fork(context.Background(), "f", names)
		return j, err
	}
	j, err := fork("a", "b")
	if err != nil {
		t.Fatal(err)
	}
	w.commit1(t, j.Changes(), store.Durable)
	if _, err := fork("a", "x"); !errors.Is(err, journal.ErrChanged) || !strings.Contains(err.Error(), "x") {
		t.Errorf("renamed: %v", err)
	}
	if _, err := fork("a", "b"); err != nil {
		t.Errorf("as before: %v", err)
	}
}
