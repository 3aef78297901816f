package talixtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

// examples reads and folds the documents of an event, and makes one of each
// version that has none.
func (c *comparison) examples(entity, name string) {
	e, s := c.entities[entity], c.now[entity][name]
	if s.State == stateRetired { // nothing is read
		return
	}
	for i, v := range s.Versions {
		fresh := len(v.Examples) == 0
		if fresh {
			v.Examples = s.made(i + 1)
		}
		for j := range v.Examples {
			if err := c.example(e, s, i+1, &v.Examples[j], fresh); err != nil {
				first, _, _ := strings.Cut(err.Error(), "\ngoroutine ")
				c.fault("event %q of entity %q: a document of its version %d %s\n\t%s\nMend the upcasters of that version, or the Apply that it leads to.",
					name, entity, i+1, first, compact(v.Examples[j].Data))
			}
		}
	}
}

// made is a document for the file.
func (s *eventSchema) made(n int) []example {
	var t reflect.Type
	if n <= len(s.past.Shapes) {
		t = s.past.Shapes[n-1].Go
	} else {
		t = s.def.Go
	}
	if t == nil {
		return nil
	}
	f := filler{seed: 1, plain: true}
	data, err := json.Marshal(f.value(t))
	if err != nil {
		return nil // Check tells
	}
	return []example{{Data: data}}
}

// example reads and folds one document. Fresh: it was made a moment ago.
func (c *comparison) example(e *registry.Entity, s *eventSchema, n int, x *example, fresh bool) error {
	at := &store.Event{
		ID: counted(forEvents, 1), Stream: store.Stream{Type: e.Type, ID: "example"}, Version: 1, Position: 1, Type: s.past.Name, Schema: n,
		Time: Begin(), Command: counted(forCommands, 1), Correlation: counted(forCauses, 1), Data: x.Data,
	}
	facts, err := e.Decode(at)
	if err != nil {
		return fmt.Errorf("can't be read: %w", err)
	}
	if facts.Upcast() {
		if err := c.becomes(s, n, x, &facts); err != nil {
			return err
		}
	}
	err = guard(func() {
		if err := e.Fold(e.New(), at); err != nil {
			panic(err)
		}
	})
	switch {
	case err == nil || x.Alone != nil && !*x.Alone:
	case fresh:
		x.Alone = new(bool)
	default:
		return fmt.Errorf(`can't be folded into a new state (if it needs other events before it, write "alone": false beside it): %w`, err)
	}
	return nil
}

// becomes compares what a document is by now with what it was before.
func (c *comparison) becomes(s *eventSchema, n int, x *example, facts *registry.Facts) error {
	is := make([]became, facts.Len())
	for i := range is {
		f := facts.At(i)
		data, err := f.Event.Encode(f.Data)
		if err != nil {
			return fmt.Errorf("becomes an event %s that can't be written: %w", f.Event.Type, err)
		}
		is[i] = became{f.Event.Type, data}
	}
	if was := text(x.Becomes); x.Becomes != nil && was != text(is) {
		c.tell("version %d of event %q is something else by now: its document\n\t\t%s\n\tbecame\n\t\t%s\n\tand becomes\n\t\t%s\n\tIf no version was added, snapshots and views don't see that by themselves: raise the CodeVersion of the entity, and of the views that take it.",
			n, s.past.Name, compact(x.Data), was, text(is))
	}
	x.Becomes = is
	return nil
}

func text(all []became) string {
	var words []string
	for _, b := range all {
		words = append(words, b.Type+" "+string(compact(b.Data)))
	}
	return strings.Join(words, ", ")
}

func compact(data json.RawMessage) []byte {
	var b bytes.Buffer
	if err := json.Compact(&b, data); err != nil {
		return data
	}
	return b.Bytes()
}
