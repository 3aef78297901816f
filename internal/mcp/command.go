package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/talix-dev/talix/internal/admin"
)

func (s *server) previews() {
	add(s, tool{
		name: "preview_command", title: "Try a command without running it",
		about: "Decides a command on an entity as it is now and tells the reply, the events and the states that it would lead to, or why it would be refused. Nothing is stored and nobody else learns of it. describe_definition has the schema of the input.",
		rules: append(named("command", "id"), document("input")),
	}, s.previewCommand)
}

// document is a JSON value of any kind; most are objects.
func document(name string) rule {
	return rule{name, func(s *jsonschema.Schema) {
		about := s.Description
		*s = jsonschema.Schema{Description: about, Types: []string{"object", "array", "string", "number", "boolean", "null"}}
	}}
}

type previewCommand struct {
	Command string `json:"command" jsonschema:"The command, as list_definitions has it, such as account.deposit."`
	ID      string `json:"id" jsonschema:"The id of the entity that it would run on."`
	Input   raw    `json:"input,omitempty" jsonschema:"The input, a JSON value of the command's schema."`
	Path    string `json:"path,omitempty" jsonschema:"Only this part of the answer's preview, as a JSON pointer such as /events/0/state."`
}

func (s *server) previewCommand(ctx context.Context, in previewCommand) (answer, error) {
	v, err := s.post(ctx, "preview", object{{"name", in.Command}, {"id", in.ID}}.with("input", in.Input))
	if err != nil {
		return answer{}, err
	}
	return windowed("What the command would lead to; nothing of it was stored", nil, "preview", v, in.Path, 0)
}

// with adds a document as it came, if there is one.
func (o object) with(name string, data raw) map[string]any {
	body := map[string]any{}
	for _, m := range o {
		body[m.name] = m.value
	}
	if len(data) > 0 {
		body[name] = data
	}
	return body
}

type runCommand struct {
	Command string `json:"command" jsonschema:"The command, as list_definitions has it, such as account.deposit."`
	ID      string `json:"id" jsonschema:"The id of the entity that it runs on."`
	Input   raw    `json:"input,omitempty" jsonschema:"The input, a JSON value of the command's schema."`
	Key     string `json:"key" jsonschema:"A text of your own that names this one change, such as a UUID. The same call with the same key has its effect once and tells the first reply again: keep the key when you repeat a call whose answer was lost, and take a new one for a new change."`
}

func (s *server) runCommand(ctx context.Context, in runCommand) (answer, error) {
	body := object{{"kind", "command"}, {"name", in.Command}, {"id", in.ID}, {"key", in.Key}, {"hide", true}}.with("input", in.Input)
	data, err := s.client.Post(ctx, "run", body)
	if err != nil {
		return answer{}, unsure(err)
	}
	var ran struct {
		OK          bool
		Body        string
		Problem     *admin.Problem
		Correlation string
	}
	if err := json.Unmarshal(data, &ran); err != nil {
		return answer{}, fmt.Errorf("read answer: %w", err)
	}
	if !ran.OK {
		return answer{}, refusal(ran.Problem)
	}
	reply, err := decode([]byte(ran.Body))
	if err != nil {
		return answer{}, err
	}
	a, err := windowed("The command has run", object{{"correlation", ran.Correlation}}, "reply", reply, "", 0)
	a.note("get_flow tells what it led to")
	return a, err
}

func refusal(p *admin.Problem) error {
	switch {
	case p == nil:
		return errors.New("the command was refused, without a word")
	case p.Code == "unknown":
		return unsure(p)
	}
	return p
}

// unsure says what to do where it is not known whether a command had its
// effect.
func unsure(err error) error {
	if p, ok := errors.AsType[*admin.Problem](err); ok && p.Code != "unknown" {
		return err
	}
	return fmt.Errorf("it is not known whether the command had its effect: repeat the call with the same key, which has it once: %w", err)
}
