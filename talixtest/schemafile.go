package talixtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/internal/registry"
)

// Compatible compares the events of the parts, services mostly, with a file that is
// kept with the code, such as testdata/events.json: what every version of every
// event holds, with documents as they are stored. It fails the test where events
// that were stored can't be read any more, or are something else than before,
// and says what to write to mend that:
//
//   - a field is gone, has another JSON type, or is required and was not there;
//   - an event type is gone, has another name, or a lower version;
//   - a document of the file can't be read and folded, or an upcaster makes
//     something else of it.
//
// New events, new versions and new optional fields are no fault, but are to
// stand in the file: it is written where the environment variable TALIX_UPDATE
// is 1, or the test's own flag -update is set. What is a fault is never written
// over; who knows that an event was never stored removes it from the file by
// hand. Documents may be added by hand, such as real ones.
func Compatible(t T, file string, parts ...talix.Part) {
	t.Helper()
	entities, faults := entitiesOf(parts)
	if err := errors.Join(faults...); err != nil {
		t.Errorf("%v", err)
		return
	}
	was, before, err := readSchema(file)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !updating():
		t.Errorf("there is no %s yet: write it by running this test with TALIX_UPDATE=1, and commit it", file)
		return
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		t.Errorf("read the events that were stored: %v", err)
		return
	}
	c := &comparison{entities: entities, was: was, now: schemaOf(entities)}
	c.compare()
	for _, fault := range c.faults {
		t.Errorf("%s", fault)
	}
	switch {
	case len(c.faults) > 0:
	case updating():
		if err := c.now.write(file, before); err != nil {
			t.Errorf("write the events that are stored: %v", err)
		}
	case len(c.news) > 0:
		t.Errorf("%s is behind the code:\n\t%s\nIf all of that is meant, run this test with TALIX_UPDATE=1, and commit the file", file, strings.Join(c.news, "\n\t"))
	}
}

// updating tells whether golden files are to be written.
func updating() bool {
	if os.Getenv("TALIX_UPDATE") == "1" {
		return true
	}
	f := flag.Lookup("update")
	return f != nil && f.Value.String() == "true"
}

func entitiesOf(parts []talix.Part) (map[string]*registry.Entity, []error) {
	r := registry.New()
	for _, p := range parts {
		p.Register(r)
	}
	entities := map[string]*registry.Entity{}
	for _, e := range r.Entities {
		entities[e.Type] = e
	}
	return entities, r.Faults()
}

// schemas are what the file holds: by entity type and event type.
type schemas map[string]map[string]*eventSchema

// eventSchema is what was stored as one event type.
type eventSchema struct {
	Names    []string         `json:"names,omitempty"` // before
	State    string           `json:"state,omitempty"` // became or retired, if it is not stored any more
	Versions []*versionSchema `json:"versions"`        // from 1

	def  *registry.Event // nil: it is not stored any more
	past *registry.Past
}

// The states of an event that is not stored any more.
const (
	stateBecame  = "became"
	stateRetired = "retired"
)

// versionSchema is one version of an event.
type versionSchema struct {
	Fields   fields    `json:"fields,omitempty"` // nil: they are not known
	Examples []example `json:"examples,omitempty"`
}

// example is a document as it was stored.
type example struct {
	Data json.RawMessage `json:"data"`
	// Becomes is what it is by now, if its version is one of the past.
	Becomes []became `json:"becomes,omitzero"`
	// Alone is false where the document can't be folded into a new state, as it
	// needs others before it.
	Alone *bool `json:"alone,omitempty"`
}

// became is an event that a document is by now.
type became struct {
	Type string          `json:"type"`
	Data json.RawMessage `json:"data"`
}

// schemaFile is the form of the file.
type schemaFile struct {
	About    string  `json:"about"`
	Entities schemas `json:"entities"`
}

const aboutSchema = "How events are stored, for talixtest.Compatible: commit it. TALIX_UPDATE=1 go test writes what is new."

func readSchema(file string) (schemas, []byte, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, err
	}
	var f schemaFile
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return nil, nil, fmt.Errorf("%s is no file of events: %w", file, err)
	}
	return f.Entities, data, nil
}

func (s schemas) write(file string, before []byte) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "\t")
	if err := e.Encode(schemaFile{aboutSchema, s}); err != nil || bytes.Equal(b.Bytes(), before) {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, b.Bytes(), 0o644)
}

// schemaOf describes the events of a program.
func schemaOf(entities map[string]*registry.Entity) schemas {
	s := schemas{}
	for typ, e := range entities {
		s[typ] = map[string]*eventSchema{}
		for _, name := range e.Names() {
			p := e.Past[name]
			if p == nil {
				p = &registry.Past{Name: name, Now: e.ByName[name]}
			}
			s[typ][p.Name] = s[typ][p.Name].of(name, p)
		}
	}
	return s
}

// of adds a name to what is known of an event.
func (s *eventSchema) of(name string, p *registry.Past) *eventSchema {
	if s == nil {
		s = &eventSchema{def: p.Now, past: p, Versions: []*versionSchema{}}
		for _, shape := range p.Shapes {
			v := &versionSchema{}
			if shape.Go != nil {
				v.Fields = fieldsOf(shape.Go)
			}
			s.Versions = append(s.Versions, v)
		}
		switch {
		case p.Now != nil:
			s.Versions = append(s.Versions, &versionSchema{Fields: fieldsOf(p.Now.Go)})
		case p.Retired:
			s.State = stateRetired
		default:
			s.State = stateBecame
		}
	}
	if name != p.Name {
		s.Names = append(s.Names, name)
	}
	return s
}
