package console_test

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"
)

// answers asks the API, which has to answer with a status and some text.
func (s *site) answers(status int, want, method, path, body string) {
	s.t.Helper()
	resp, got := s.send(method, "/api/v1/"+path, body, "Content-Type", "application/json")
	if resp.StatusCode != status || !strings.Contains(got, want) {
		s.t.Errorf("%s %s: %d %s; want %d with %s", method, path, resp.StatusCode, got, status, want)
	}
}

func TestStateThen(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.deposit("alice", 5, 7, 11)
	s.answers(200, `{"type":"account","id":"alice","version":3,"state":{"Balance":23}}`, "GET", "state?type=account&id=alice", "")
	s.answers(200, `"version":2,"state":{"Balance":12}`, "GET", "state?type=account&id=alice&version=2", "")
	s.answers(200, `"version":3`, "GET", "state?type=account&id=alice&time=2999-01-01T00:00:00Z", "")
	s.answers(404, "did not exist then", "GET", "state?type=account&id=alice&time=1999-01-01T00:00:00Z", "")
	s.answers(404, "no version 4", "GET", "state?type=account&id=alice&version=4", "")
	s.answers(404, "nobody", "GET", "state?type=account&id=nobody", "")
	s.answers(404, "planet", "GET", "state?type=planet&id=mars", "")
	s.answers(422, "query.time", "GET", "state?type=account&id=alice&time=noon", "")
	s.answers(422, "query.version", "GET", "state?type=account&id=alice&version=-1", "")
}

func TestEventsOfAnEntity(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.deposit("alice", 5, 7, 11)
	s.answers(200, `{"items":[]}`, "GET", "events?type=account&id=nobody", "")
	_, all := s.send("GET", "/api/v1/events?type=account&id=alice", "")
	if strings.Count(all, `"payload"`) != 3 || strings.Index(all, `{"amount":5}`) > strings.Index(all, `{"amount":11}`) {
		t.Error(all)
	}
	_, some := s.send("GET", "/api/v1/events?type=account&id=alice&from=1&to=2&reverse=true&max=1", "")
	if strings.Count(some, `"payload"`) != 1 || !strings.Contains(some, `{"amount":7}`) {
		t.Error(some)
	}
	s.answers(422, "query.max", "GET", "events?type=account&id=alice&max=few", "")
}

func TestPreviewOfACommand(t *testing.T) {
	t.Parallel()
	s := newSite(t, readOnly) // it changes nothing
	s.deposit("alice", 5)
	s.answers(200, `"state":{"Balance":12}`, "POST", "preview", `{"name":"account.deposit","id":"alice","input":{"amount":7}}`)
	s.answers(409, "holds 5", "POST", "preview", `{"name":"account.withdraw","id":"alice","input":{"amount":7}}`)
	s.answers(404, "account.nothing", "POST", "preview", `{"name":"account.nothing","id":"alice"}`)
	if s.balance("alice") != 5 {
		t.Error("something was stored")
	}
}

// stream reads server-sent events.
type stream struct {
	t     *testing.T
	lines *bufio.Scanner
}

func (s *site) tail(query string) *stream {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/api/v1/tail"+query, http.NoBody)
	if err != nil {
		s.t.Fatal(err)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		cancel()
		_ = resp.Body.Close()
	})
	if resp.StatusCode != http.StatusOK {
		s.t.Fatalf("tail%s: %s", query, resp.Status)
	}
	return &stream{s.t, bufio.NewScanner(resp.Body)}
}

// next is the next event of the stream that is no beat.
func (s *stream) next() (id, kind, data string) {
	s.t.Helper()
	for s.lines.Scan() {
		name, value, _ := strings.Cut(s.lines.Text(), ": ")
		switch {
		case name == "id":
			id = value
		case name == "event":
			kind = value
		case name == "data":
			data = value
		case kind != "beat":
			return id, kind, data
		}
	}
	s.t.Fatalf("the stream ended: %v", s.lines.Err())
	return "", "", ""
}

func (s *stream) expect(kind, data string) (id string) {
	s.t.Helper()
	id, k, d := s.next()
	if k != kind || !strings.Contains(d, data) {
		s.t.Errorf("%s %s came, want %s with %s", k, d, kind, data)
	}
	return id
}

// A tail tells of events as they happen, of those that are wanted, and goes on
// from where it was.
func TestTail(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.deposit("alice", 5)
	all, bobs := s.tail(""), s.tail("?type=account&id=bob&event=ACCOUNTS:DEPOSITED")
	all.expect("begin", "{}")
	bobs.expect("begin", "{}")
	s.deposit("alice", 7)
	last := all.expect("event", `{"amount":7}`)
	s.deposit("bob", 9) // of another partition: it might have come before
	all.expect("event", `{"amount":9}`)
	bobs.expect("event", `"entityId":"bob"`)

	again := s.tail("?after=" + last)
	again.expect("begin", "{}")
	again.expect("event", `{"amount":9}`)
	s.answers(422, "is no cursor", "GET", "tail?after=yesterday", "")
	s.answers(422, "its log ends at", "GET", "tail?after=99.0.0.0", "")
	s.close()
	all.expect("end", "unavailable")
	s.answers(503, "the program ends", "GET", "tail", "")
}

// Streams are bounded, and a place is free again when one ends.
func TestTailsAreBounded(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for range 64 {
		s.tail("").expect("begin", "{}")
	}
	s.answers(429, "64 callers", "GET", "tail", "")
}
