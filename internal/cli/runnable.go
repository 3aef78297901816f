package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/talix-dev/talix/internal/admin"
)

// runnable is something that a program lets people run.
type runnable struct {
	Kind    string
	Name    string
	Method  string
	Path    string
	NeedsID bool
	Params  []field
	Input   []field
}

// field is a value that a runnable takes; the first part of its name says where
// it goes, as in path.id and input.amount.
type field struct {
	Name string
	Kind string // text, number, choice, bool or json
}

// runRequest says what is to be run.
type runRequest struct {
	Kind   string            `json:"kind"`
	Name   string            `json:"name"`
	ID     string            `json:"id,omitempty"`
	Key    string            `json:"key,omitempty"`
	Params map[string]string `json:"params,omitempty"`
	Input  json.RawMessage   `json:"input,omitempty"`
	Header map[string]string `json:"header,omitempty"`
}

// runAnswer is what came of it.
type runAnswer struct {
	Status      int
	OK          bool
	Body        string
	Problem     *admin.Problem
	Correlation string
	Duration    time.Duration `json:"durationNanos"`
}

// find finds what arguments name, and gives the rest of them. An HTTP action is
// named as in POST /orders or "POST /orders", by its pattern or by a path of it.
func (s *session) find(ctx context.Context, args []string, kinds ...string) (runnable, map[string]string, []string, error) {
	if len(args) == 0 {
		return runnable{}, nil, nil, misused("name what is to be run; talix ls lists it")
	}
	var all []runnable
	if _, err := s.get(ctx, "runnables", nil, &all); err != nil {
		return runnable{}, nil, nil, err
	}
	name, rest := args[0], args[1:]
	if len(rest) > 0 && strings.HasPrefix(rest[0], "/") && name == strings.ToUpper(name) {
		name, rest = name+" "+rest[0], rest[1:]
	}
	for _, exact := range []bool{true, false} {
		for _, r := range all {
			if params, ok := r.matches(name, exact); ok && slices.Contains(kinds, r.Kind) {
				return r, params, rest, nil
			}
		}
	}
	return runnable{}, nil, nil, fmt.Errorf("there is no %s %q that can be run here: talix ls lists what there is", strings.Join(kinds, ", "), name)
}

// matches tells whether a name is a runnable's, or a path that it answers, and
// gives the values in the path.
func (r *runnable) matches(name string, exact bool) (map[string]string, bool) {
	params := map[string]string{}
	if exact || r.Path == "" {
		return params, name == r.Name
	}
	want, got := strings.Split(r.Method+" "+r.Path, "/"), strings.Split(name, "/")
	if len(want) != len(got) {
		return nil, false
	}
	for i, w := range want {
		switch {
		case strings.HasPrefix(w, "{") && strings.HasSuffix(w, "}") && got[i] != "":
			params["path."+strings.Trim(w, "{}.")] = got[i]
		case w != got[i]:
			return nil, false
		}
	}
	return params, true
}

// named reads arguments such as amount=5 into the fields of a runnable, and
// gives the rest.
func (r *runnable) named(args []string, into map[string]string) ([]string, map[string]any, error) {
	input := map[string]any{}
	for len(args) > 0 {
		name, value, ok := strings.Cut(args[0], "=")
		if !ok || name == "" || strings.ContainsAny(name, `{["' `) {
			break
		}
		f, err := r.field(name)
		if err != nil {
			return nil, nil, err
		}
		if rest, ok := strings.CutPrefix(f.Name, "input."); ok {
			if err := set(input, strings.Split(rest, "."), f.value(value)); err != nil {
				return nil, nil, misused("%s: %v", name, err)
			}
		} else {
			into[f.Name] = value
		}
		args = args[1:]
	}
	return args, input, nil
}

// field finds a field by its whole name, or by what follows where it goes.
func (r *runnable) field(name string) (field, error) {
	var names []string
	for _, f := range append(slices.Clone(r.Params), r.Input...) {
		_, last, _ := strings.Cut(f.Name, ".")
		if f.Name == name || last == name {
			return f, nil
		}
		names = append(names, last)
	}
	return field{}, misused("%s takes no %q; it takes: %s", r.Name, name, dash(strings.Join(names, ", ")))
}

// value is what was written for a field: a text, or what it is in JSON.
func (f field) value(text string) any {
	if f.Kind != "text" && f.Kind != "choice" && json.Valid([]byte(text)) {
		return json.RawMessage(text)
	}
	return text
}

// set sets a member of nested objects.
func set(in map[string]any, path []string, value any) error {
	for ; len(path) > 1; path = path[1:] {
		next, ok := in[path[0]].(map[string]any)
		if !ok {
			next = map[string]any{}
			in[path[0]] = next
		}
		in = next
	}
	if _, given := in[path[0]]; given {
		return fmt.Errorf("it is given twice")
	}
	in[path[0]] = value
	return nil
}

// input is what is sent: the JSON of the last argument, with - of the standard
// input, or what was named.
func (c *call) input(args []string, named map[string]any) (json.RawMessage, error) {
	switch {
	case len(args) > 1:
		return nil, misused("%q is too much: name values as in amount=5, or give one JSON document", args[1])
	case len(args) == 1 && len(named) > 0:
		return nil, misused("both values by name (%s) and a document are given: choose one", strings.Join(slices.Sorted(maps.Keys(named)), ", "))
	case len(args) == 1:
		return c.document(args[0])
	case len(named) > 0:
		return json.Marshal(named)
	}
	return nil, nil
}

// maxInput bounds what is read from the standard input, in bytes: more is
// refused by programs.
const maxInput = 1 << 20

func (c *call) document(text string) (json.RawMessage, error) {
	data := []byte(text)
	if text == "-" {
		var err error
		if data, err = io.ReadAll(io.LimitReader(c.Stdin, maxInput+1)); err != nil {
			return nil, fmt.Errorf("read input: %w", err)
		}
		if len(data) > maxInput {
			return nil, misused("the input has more than %d bytes", maxInput)
		}
	}
	if data = bytes.TrimSpace(data); !json.Valid(data) {
		return nil, misused("the input is no JSON: %s", short(plain(string(data)), widest))
	}
	return data, nil
}
