package form

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Encode makes the JSON of what was entered. value gives what stands in the
// field of a name. Optional fields that are empty are left out. The error names
// all fields whose text cannot be their kind; whether the values are allowed is
// for the runtime to say.
func Encode(fields []Field, value func(name string) string) (json.RawMessage, error) {
	var root any = map[string]any{}
	var errs []error
	for _, f := range fields {
		v, ok, err := f.parse(value(f.Name))
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("%s: %w", f.Label, err))
		case ok && len(f.path) == 0:
			root = v
		case ok:
			put(root.(map[string]any), f.path, v)
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return json.Marshal(root)
}

func put(m map[string]any, path []string, v any) {
	for _, name := range path[:len(path)-1] {
		next, ok := m[name].(map[string]any)
		if !ok {
			next = map[string]any{}
			m[name] = next
		}
		m = next
	}
	m[path[len(path)-1]] = v
}

// parse reads a text; false: the field is left out.
func (at Field) parse(text string) (v any, ok bool, err error) {
	if text == "" && (!at.Required || at.Kind == JSON || at.Kind == Choice) {
		return nil, false, nil
	}
	switch at.Kind {
	case Number:
		n := json.RawMessage(text)
		if !isNumber(n) {
			return nil, false, errors.New("is no number")
		}
		return n, true, nil
	case Bool:
		return text != "" && text != "false", true, nil
	case JSON:
		if !json.Valid([]byte(text)) {
			return nil, false, errors.New("is no JSON; texts stand in quotes")
		}
		return json.RawMessage(text), true, nil
	}
	return text, true, nil
}

func isNumber(n json.RawMessage) bool {
	return len(n) > 0 && json.Valid(n) && (n[0] == '-' || n[0] >= '0' && n[0] <= '9')
}
