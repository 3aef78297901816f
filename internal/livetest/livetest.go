// Package livetest watches live queries over HTTP as strictly as can be: a
// change that does not fit is one that was missed, or that came twice.
package livetest

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Watcher is what one caller knows of a live query. Its methods may be called
// from one goroutine.
type Watcher struct {
	Client *http.Client
	// URL is asked; it may be another one for each call of Follow.
	URL string

	// Keys and Rows are the present result.
	Keys []string
	Rows []json.RawMessage
	// ID is that of the last event.
	ID string
	// Presents and Changes count the events that had all rows, and the others.
	Presents, Changes int
	// End is the last event's data, where the server ended the watch.
	End string
}

// ErrWrong is what Follow returns of an event that does not fit.
var ErrWrong = errors.New("the event does not fit")

// Follow watches, from the last event on, until done says so after an event, or
// ctx or the connection ends. It returns ErrWrong if something was missed or
// came twice, the error of the connection, or nil.
func (w *Watcher) Follow(ctx context.Context, done func() bool) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.URL, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "text/event-stream")
	if w.ID != "" {
		req.Header.Set("Last-Event-ID", w.ID)
	}
	resp, err := w.Client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(resp.Body)
		return fmt.Errorf("watch %s: %s: %s", w.URL, resp.Status, text)
	}
	return w.read(bufio.NewReader(resp.Body), done)
}

// event is one server-sent event.
type event struct{ id, name, data string }

func (w *Watcher) read(r *bufio.Reader, done func() bool) error {
	var e event
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return err // an event that is cut off is none
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch name {
		case "id":
			e.id = value
		case "event":
			e.name = value
		case "data":
			e.data = value
		case "":
			if e.name == "" {
				continue
			}
			if err := w.apply(e); err != nil || done() {
				return err
			}
			e = event{}
		}
	}
}

type change struct {
	Key   string
	At    int
	Row   json.RawMessage
	Items []struct {
		Key string
		Row json.RawMessage
	}
}

func (w *Watcher) apply(e event) error {
	var c change
	if err := json.Unmarshal([]byte(e.data), &c); err != nil {
		return fmt.Errorf("%w: %w: %s", ErrWrong, err, e.data)
	}
	if e.name == "end" {
		w.End = e.data
		return nil
	}
	if e.name == "present" {
		w.present(e, c)
		return nil
	}
	if !follows(w.ID, e.id) {
		return fmt.Errorf("%w: event %s comes after %s", ErrWrong, e.id, w.ID)
	}
	w.ID = e.id
	w.Changes++
	return w.change(e.name, c)
}

func (w *Watcher) present(e event, c change) {
	w.ID, w.Keys, w.Rows = e.id, nil, nil
	w.Presents++
	for _, item := range c.Items {
		w.Keys, w.Rows = append(w.Keys, item.Key), append(w.Rows, item.Row)
	}
}

// follows tells whether an event is the next one after another.
func follows(before, id string) bool {
	feed, last, _ := strings.Cut(before, "-")
	same, number, _ := strings.Cut(id, "-")
	m, err := strconv.Atoi(last)
	n, err2 := strconv.Atoi(number)
	return err == nil && err2 == nil && feed == same && n == m+1
}

func (w *Watcher) change(name string, c change) error {
	at := slices.Index(w.Keys, c.Key)
	switch {
	case name == "insert" && at < 0 && c.At <= len(w.Keys):
		w.Keys, w.Rows = slices.Insert(w.Keys, c.At, c.Key), slices.Insert(w.Rows, c.At, c.Row)
	case name == "update" && at == c.At:
		w.Rows[at] = c.Row
	case name == "delete" && at >= 0:
		w.Keys, w.Rows = slices.Delete(w.Keys, at, at+1), slices.Delete(w.Rows, at, at+1)
	default:
		return fmt.Errorf("%w: %s %q at %d, which stands at %d of %d", ErrWrong, name, c.Key, c.At, at, len(w.Keys))
	}
	return nil
}
