package salesforce

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/talix-dev/talix/source"
	"github.com/talix-dev/talix/source/webhook"
)

// On is a trigger by an event in Salesforce, as in "Lead.Created". T is filled
// with the record's fields by their API names.
func On[T any](event string) source.Trigger[T] {
	return source.Trigger[T]{Name: "salesforce " + event, Source: reference(event), Decode: webhook.Decode[T]}
}

// reference is an event's name.
type reference string

var _ source.Reference = reference("")

// Resolve implements source.Reference.
func (r reference) Resolve(get func(reflect.Type) (any, error)) (source.Source, error) {
	if err := checkName(string(r)); err != nil {
		return nil, err
	}
	e, err := source.Get[*Endpoint](get)
	if err != nil {
		return nil, fmt.Errorf("find the endpoint of Salesforce: %w: add talix.Provide(sf) with what salesforce.New returned", err)
	}
	return e.Event(string(r)), nil
}

// errUnresolved: whoever runs this is no runtime that knows source.Reference.
var errUnresolved = errors.New("the Salesforce event's name was not resolved: call Resolve first")

// Receive implements source.Source.
func (reference) Receive(context.Context, func(context.Context, source.Message) error) error {
	return errUnresolved
}
