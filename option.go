package talix

import (
	"encoding/json"
	"errors"
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

// Backoff sets the pause before a failed delivery is tried again: first, then
// twice as long each time up to most, with jitter. Defaults to 100 ms and one
// minute.
func Backoff(first, most time.Duration) ActionOption {
	return func(a *registry.Action) {
		if first <= 0 || most < first {
			a.Faults = append(a.Faults, errors.New("Backoff: the first pause must be above zero and not above the longest"))
		}
		a.Retry = registry.Retry{First: first, Max: most}
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
		Decode: func(m source.Message) (any, error) { return decode(m) },
	}
}
