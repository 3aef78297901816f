package admin

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// Event is one server-sent event.
type Event struct {
	ID   string // where to go on
	Kind string
	Data json.RawMessage
}

// maxEvent bounds a line of a stream, in bytes.
const maxEvent = 64 << 20

// ErrCut is a stream that ended without a word: the program, or the way to it,
// is gone.
var ErrCut = errors.New("the stream was cut")

// Stream gives the server-sent events at a path to fn, until fn fails, ctx ends,
// or the stream does, with ErrCut or the *Problem that the program told. After
// is the ID of the last event that is known; empty: none.
func (c *Client) Stream(ctx context.Context, path string, query url.Values, after string, fn func(Event) error) error {
	header := http.Header{"Accept": {"text/event-stream"}}
	if after != "" {
		header.Set("Last-Event-ID", after)
	}
	return c.stream(ctx, http.MethodGet, path, query, nil, header, fn)
}

// PostStream is Stream of what is asked for by a POST. In is sent as JSON.
func (c *Client) PostStream(ctx context.Context, path string, in any, fn func(Event) error) error {
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("write request: %w", err)
	}
	return c.stream(ctx, http.MethodPost, path, nil, body, nil, fn)
}

func (c *Client) stream(ctx context.Context, method, path string, query url.Values, body []byte, header http.Header, fn func(Event) error) error {
	resp, err := c.send(ctx, method, path, query, body, header)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return c.events(resp.Body, fn)
}

// events reads events until there are no more.
func (c *Client) events(from io.Reader, fn func(Event) error) error {
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, maxEvent)
	var e Event
	for lines.Scan() {
		name, value, _ := bytes.Cut(lines.Bytes(), []byte(": "))
		switch string(name) {
		case "id":
			e.ID = string(value)
		case "event":
			e.Kind = string(value)
		case "data":
			e.Data = bytes.Clone(value)
		case "":
			if err := tell(e, fn); err != nil {
				return err
			}
			e = Event{}
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%w: %w", ErrCut, err)
	}
	return ErrCut
}

func tell(e Event, fn func(Event) error) error {
	if e.Kind != "end" {
		return fn(e)
	}
	p := &Problem{}
	if err := json.Unmarshal(e.Data, p); err != nil {
		return fmt.Errorf("read the end of a stream: %w", err)
	}
	return p
}
