package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/talix-dev/talix/internal/admin"
)

// tool is what is told of a tool. Its arguments are the fields of a struct;
// rules bound them.
type tool struct {
	name, title, about string
	rules              []rule
	changes            *change // nil: it only reads
}

// change says what a tool does that changes something.
type change struct {
	destroys bool // it cannot be taken back
	repeats  bool // the same call again has no further effect
}

// rule bounds one argument.
type rule struct {
	name  string
	bound func(s *jsonschema.Schema)
}

func between(name string, low, high float64) rule {
	return rule{name, func(s *jsonschema.Schema) { s.Minimum, s.Maximum = &low, &high }}
}

// limited is how many items are wanted.
func limited(most, otherwise int) rule {
	return rule{"limit", func(s *jsonschema.Schema) {
		low, high := 1.0, float64(most)
		s.Minimum, s.Maximum, s.Default = &low, &high, json.RawMessage(fmt.Sprint(otherwise))
	}}
}

// named is a text that may not be empty.
func named(names ...string) (all []rule) {
	for _, name := range names {
		all = append(all, long(name, maxText))
	}
	return all
}

// long is a text of one to so many characters.
func long(name string, most int) rule {
	return rule{name, func(s *jsonschema.Schema) {
		low := 1
		s.MinLength, s.MaxLength = &low, &most
	}}
}

func oneOf(name string, values ...any) rule {
	return rule{name, func(s *jsonschema.Schema) { s.Enum = values }}
}

// maxText bounds names and ids, in characters.
const maxText = 1024

// add gives a server a tool. In's fields are its arguments: those without
// omitempty are required.
func add[In any](s *server, t tool, do func(ctx context.Context, in In) (answer, error)) {
	yes, no := true, false
	hints := &sdk.ToolAnnotations{Title: t.title, OpenWorldHint: &no, ReadOnlyHint: true, IdempotentHint: true, DestructiveHint: &no}
	if c := t.changes; c != nil {
		hints.ReadOnlyHint, hints.IdempotentHint = false, c.repeats
		if c.destroys {
			hints.DestructiveHint = &yes
		}
	}
	def := &sdk.Tool{
		Name: t.name, Title: t.title, Description: t.about, Annotations: hints,
		InputSchema: inputSchema[In](t.rules), OutputSchema: json.RawMessage(outputSchema),
	}
	sdk.AddTool(s.mcp, def, func(ctx context.Context, req *sdk.CallToolRequest, _ In) (*sdk.CallToolResult, any, error) {
		var in In // once more, as numbers lose digits on the way here
		if len(req.Params.Arguments) > 0 {
			if err := json.Unmarshal(req.Params.Arguments, &in); err != nil {
				return nil, nil, fmt.Errorf("read arguments: %w", err)
			}
		}
		out, err := do(ctx, in)
		if err != nil {
			return nil, nil, advise(err)
		}
		return out.result(), nil, nil
	})
}

func inputSchema[In any](rules []rule) *jsonschema.Schema {
	schema, err := jsonschema.For[In](&jsonschema.ForOptions{})
	if err != nil {
		panic(err) // the arguments are defined in this package
	}
	for _, r := range rules {
		r.bound(schema.Properties[r.name])
	}
	return schema
}

// advise adds to what a program refused what can be done about it.
func advise(err error) error {
	p, ok := errors.AsType[*admin.Problem](err)
	if !ok {
		return err
	}
	ours := strings.TrimSuffix(err.Error(), p.Error()) // what stands before the program's words
	text := ours + "the program says " + string(quote(nil, head(p.Error(), perItem)))
	switch p.Code {
	case "not_found":
		return fmt.Errorf("%s: list_definitions tells what it hosts, find_entities which entities there are, list_work what is not finished", text)
	case "unavailable", "overloaded":
		return fmt.Errorf("%s: try again in a moment; get_health tells why it may be busy", text)
	}
	return errors.New(text)
}
