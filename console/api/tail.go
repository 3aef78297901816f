package api

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/runtime"
)

// TailQuery says which events are wanted as they happen. Zero fields want all.
type TailQuery struct {
	Type  string // of the entity
	ID    string // of the entity
	Event string // the event's type
	// After is the Cursor of the last Tailed; empty: what happens from now on.
	After string
}

// Tailed is an event that has just happened, or that nothing has.
type Tailed struct {
	Event *Event // nil: the log has come to Cursor without one that is wanted
	// Cursor is where to go on.
	Cursor string
}

// passed is after how many events that are not wanted it is told how far it is.
const passed = 1000

// Tail yields events as they become durable, in the order of each entity, until
// ctx ends. It first yields where it begins. An error is the last that is
// yielded.
func (a *API) Tail(ctx context.Context, q TailQuery) iter.Seq2[Tailed, error] {
	return func(yield func(Tailed, error) bool) {
		at, events, err := a.tailFrom(ctx, q.After)
		if err != nil {
			yield(Tailed{}, err)
			return
		}
		if !yield(Tailed{Cursor: cursorOf(at)}, nil) {
			return
		}
		n := 0
		for e, err := range events {
			if err != nil {
				yield(Tailed{}, err)
				return
			}
			at[e.Partition] = e.Position
			out := Tailed{}
			if n++; q.wants(&e) {
				event := eventOf(&e)
				event.Payload = a.coverEvent(ctx, e.EventType, event.Payload)
				out.Event = &event
			} else if n < passed {
				continue
			}
			n, out.Cursor = 0, cursorOf(at)
			if !yield(out, nil) {
				return
			}
		}
	}
}

func (q *TailQuery) wants(e *runtime.Logged) bool {
	return (q.Type == "" || q.Type == e.EntityType) && (q.ID == "" || q.ID == e.EntityID) && (q.Event == "" || q.Event == e.EventType)
}

// tailFrom goes on behind a cursor, or begins at the end of the log.
func (a *API) tailFrom(ctx context.Context, cursor string) (at []int64, events iter.Seq2[runtime.Logged, error], err error) {
	if at = a.rt.Log().Head(); cursor != "" {
		if at, err = positionsOf(cursor); err != nil {
			return nil, nil, err
		}
	}
	events, err = a.rt.Log().Follow(ctx, at)
	return at, events, err
}

// positionsOf reads a cursor: positions with dots between them.
func positionsOf(cursor string) (at []int64, err error) {
	for text := range strings.SplitSeq(cursor, ".") {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, talix.Invalid("after", "is no cursor of a tail")
		}
		at = append(at, n)
	}
	return at, nil
}

func cursorOf(at []int64) string {
	text := make([]string, len(at))
	for i, n := range at {
		text[i] = strconv.FormatInt(n, 10)
	}
	return strings.Join(text, ".")
}

// The bounds of streams.
const (
	maxTails  = 64
	beatEvery = 15 * time.Second // shorter than proxies wait
)

// serveTail answers a tail as server-sent events: "begin", an "event" for each,
// and a "beat" where nothing happens. The id of each is the cursor to go on
// from, as Last-Event-ID or in the query.
func (a *API) serveTail(w http.ResponseWriter, r *http.Request) {
	if err := a.seat(); err != nil {
		WriteProblem(w, err)
		return
	}
	defer func() { <-a.tails }()
	q := tailQueryOf(r.URL.Query(), r.Header.Get("Last-Event-ID"))
	ctx, cancel := context.WithCancel(r.Context())
	found, failed := make(chan Tailed), make(chan error, 1)
	go func() {
		defer close(found)
		failed <- a.tailTo(ctx, q, found)
	}()
	copyTail(newEventStream(w), found, failed, a.ending)
	cancel()
	for range found {
		continue // until the goroutine has ended
	}
}

// seat takes a place among those who follow the log.
func (a *API) seat() error {
	select {
	case <-a.ending:
		return errEnding()
	default:
	}
	select {
	case a.tails <- struct{}{}:
		return nil
	default:
		return &talix.Error{Code: talix.CodeOverloaded, Message: fmt.Sprintf("%d callers follow the log already", maxTails)}
	}
}

func errEnding() error {
	return &talix.Error{Code: talix.CodeUnavailable, Message: "the program ends; come back later"}
}

// tailTo hands on what a tail yields.
func (a *API) tailTo(ctx context.Context, q TailQuery, found chan<- Tailed) error {
	for t, err := range a.Tail(ctx, q) {
		if err != nil {
			return err
		}
		select {
		case found <- t:
		case <-ctx.Done():
		}
	}
	return ctx.Err()
}

func tailQueryOf(q url.Values, last string) TailQuery {
	t := TailQuery{Type: q.Get("type"), ID: q.Get("id"), Event: q.Get("event"), After: q.Get("after")}
	if last != "" {
		t.After = last
	}
	return t
}

// copyTail writes what is found until there is no more, the caller is gone, or
// the program ends.
func copyTail(s *eventStream, found <-chan Tailed, failed <-chan error, ending <-chan struct{}) {
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	for {
		var err error
		select {
		case t, ok := <-found:
			if !ok {
				err = <-failed
				s.end(err)
				return
			}
			err = tellTail(s, t)
		case <-tick.C:
			err = s.beat()
		case <-ending:
			s.end(errEnding())
			return
		}
		if err != nil {
			return
		}
	}
}

func tellTail(s *eventStream, t Tailed) error {
	s.cursor = t.Cursor
	switch {
	case !s.begun:
		return s.send("begin", struct{}{})
	case t.Event == nil:
		return s.beat()
	}
	return s.send("event", t.Event)
}
