package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/talix-dev/talix/source"
)

// Endpoints are a program's endpoints, by the names that definitions use. The
// program provides it: talix.Provide(webhook.Endpoints{…}).
type Endpoints map[string]*Endpoint

// On is a trigger by the messages of the endpoint of that name. The body is
// read as JSON, or taken as it is where T is []byte.
func On[T any](endpoint string) source.Trigger[T] {
	return source.Trigger[T]{Name: "webhook " + endpoint, Source: reference(endpoint), Decode: Decode[T]}
}

// Decode reads a message's data as JSON, or takes it as it is where T is
// []byte.
func Decode[T any](m source.Message) (T, error) {
	var v T
	if raw, ok := any(&v).(*[]byte); ok {
		*raw = m.Data
		return v, nil
	}
	if err := json.Unmarshal(m.Data, &v); err != nil {
		return v, fmt.Errorf("read message as %T: %w: %w", v, source.ErrInvalid, err)
	}
	return v, nil
}

// reference is an endpoint's name.
type reference string

var _ source.Reference = reference("")

// Resolve implements source.Reference.
func (r reference) Resolve(get func(reflect.Type) (any, error)) (source.Source, error) {
	all, err := source.Get[Endpoints](get)
	if err != nil {
		return nil, fmt.Errorf("find webhook %q: %w: add talix.Provide(webhook.Endpoints{%q: …})", r, err, r)
	}
	e := all[string(r)]
	if e == nil {
		return nil, fmt.Errorf("find webhook %q: it is not among the webhook.Endpoints that are provided: %s", r, names(all))
	}
	return e.Subscribe(nil), nil
}

func names(all Endpoints) string {
	var names []string
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// errUnresolved: whoever runs this is no runtime that knows source.Reference.
var errUnresolved = errors.New("the webhook's name was not resolved: call Resolve first")

// Receive implements source.Source.
func (reference) Receive(context.Context, func(context.Context, source.Message) error) error {
	return errUnresolved
}
