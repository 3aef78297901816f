package talix

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/source"
)

// FromNow lets an event-triggered action begin, when it is first started, with
// the events that come after. Without it, it begins with the first event ever.
func FromNow() ActionOption {
	return startAt(registry.Start{Kind: registry.FromNow})
}

// FromTime lets an event-triggered action begin, when it is first started, with
// the first event at or after t.
func FromTime(t time.Time) ActionOption {
	return startAt(registry.Start{Kind: registry.FromTime, Time: t})
}

func startAt(s registry.Start) ActionOption {
	return func(a *registry.Action) {
		if a.Event == nil {
			a.Faults = append(a.Faults, errors.New("FromNow and FromTime are for actions on events: remove it"))
			return
		}
		a.Event.Start = s
	}
}

// Backoff sets the pause before what failed is tried again: first, then twice
// as long each time up to most, with jitter. Defaults to 100 ms and one minute.
func Backoff(first, most time.Duration) ActionOption {
	return retrying(func(r *registry.Retry) error {
		if first <= 0 || most < first {
			return errors.New("Backoff: the first pause must be above zero and not above the longest")
		}
		r.First, r.Max = first, most
		return nil
	})
}

// Unlimited lets Attempts try for ever.
const Unlimited = -1

// Attempts sets how often work is tried in all before it is parked. Defaults to
// 10.
func Attempts(n int) ActionOption {
	return retrying(func(r *registry.Retry) error {
		if n < 1 && n != Unlimited {
			return errors.New("Attempts must be above zero, or Unlimited")
		}
		r.Attempts = n
		return nil
	})
}

// GiveUpAfter parks work that fails for longer than d since its first failure,
// also if it has Attempts left. By default there is no such limit.
func GiveUpAfter(d time.Duration) ActionOption {
	return retrying(func(r *registry.Retry) error {
		if d <= 0 {
			return errors.New("GiveUpAfter must be above zero")
		}
		r.Limit = d
		return nil
	})
}

func retrying(set func(*registry.Retry) error) ActionOption {
	return func(a *registry.Action) {
		if a.HTTP != nil && !a.HTTP.Async {
			a.Faults = append(a.Faults, errors.New("a request is not tried again by the runtime: remove Backoff, Attempts and GiveUpAfter, or put Async before them"))
			return
		}
		if err := set(&a.Retry); err != nil {
			a.Faults = append(a.Faults, err)
		}
	}
}

// Async lets an HTTP action outlive its request: the input is kept, the request
// is answered with 202, a Location and {"runId", "status", "href"}, and the
// work is done after, with retries as for events. The address tells how far it
// is, and what the handler returned once it is done. The input cannot be a
// stream.
func Async() ActionOption {
	return func(a *registry.Action) {
		if a.HTTP == nil {
			a.Faults = append(a.Faults, errors.New("Async is for OnHTTP: other actions outlive their trigger by themselves"))
			return
		}
		for _, f := range reflect.VisibleFields(a.HTTP.In) {
			if _, stream := f.Tag.Lookup("body"); stream {
				a.Faults = append(a.Faults, fmt.Errorf("Async: field %s is a stream, which cannot be kept: store it in a blob.Storage first, in an action without Async", f.Name))
			}
		}
		a.HTTP.Async = true
		a.HTTP.Out = reflect.TypeFor[registry.Accepted]()
	}
}

// MaxBody bounds the body of a request in bytes. Defaults to the runtime's
// bound, 1 MiB.
func MaxBody(bytes int64) ActionOption {
	return func(a *registry.Action) {
		if a.HTTP == nil || bytes <= 0 {
			a.Faults = append(a.Faults, errors.New("MaxBody is for OnHTTP and must be above zero"))
			return
		}
		a.HTTP.MaxBody = bytes
	}
}

// Summary describes an HTTP action in the OpenAPI document.
func Summary(text string) ActionOption {
	return func(a *registry.Action) {
		if a.HTTP == nil {
			a.Faults = append(a.Faults, errors.New("Summary is for OnHTTP: remove it"))
			return
		}
		a.HTTP.Summary = text
	}
}

func sourceOf[T any](t source.Trigger[T]) *registry.SourceTrigger {
	decode := t.Decode
	if decode == nil {
		decode = func(m source.Message) (T, error) {
			var v T
			err := json.Unmarshal(m.Data, &v)
			return v, err
		}
	}
	return &registry.SourceTrigger{
		Name:   t.Name,
		Source: t.Source,
		In:     reflect.TypeFor[T](),
		Decode: func(m source.Message) (any, error) { return decode(m) },
	}
}
