package httpedge_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/talix-dev/talix/internal/registry"
)

// item is a row with everything that a cell can be.
type item struct {
	ID      string         `json:"id"`
	Count   int            `json:"count"`
	Rate    float64        `json:"rate"`
	Done    bool           `json:"done"`
	At      time.Time      `json:"at"`
	Note    *string        `json:"note,omitempty"`
	Size    size           `json:"size"`
	Tags    []string       `json:"tags"`
	Extra   map[string]int `json:"extra"`
	Secret  string         `json:"-"`
	private int
}

// size writes itself as text, by a pointer.
type size struct{ n int }

func (s *size) MarshalText() ([]byte, error) { return []byte("=" + strings.Repeat("x", s.n)), nil }

func (s *size) UnmarshalText(text []byte) error {
	s.n = len(text) - 1
	return nil
}

type itemPage struct {
	Items []item `json:"items"`
}

// listed is what talix.SQL makes, with Live.
func listed(name, path string) *registry.Query {
	q := query(name, path, func(context.Context, struct{}) (itemPage, error) { return itemPage{}, nil })
	q.SQL = &registry.SQL{Row: reflect.TypeFor[item](), Live: true}
	return q
}

func items(err error, all ...item) func(*registry.Query) iter.Seq2[any, error] {
	return func(*registry.Query) iter.Seq2[any, error] {
		return func(yield func(any, error) bool) {
			for i := range all {
				if !yield(&all[i], nil) {
					return
				}
			}
			if err != nil {
				yield(nil, err)
			}
		}
	}
}

func TestForms(t *testing.T) {
	t.Parallel()
	b := &backend{rows: items(nil), changes: func(func(registry.Change, error) bool) {}}
	plain := listed("plain", "/plain")
	plain.SQL.Live = false
	e := edge(t, b, listed("list", "/list"), plain, query("one", "/one", show[struct{}]))
	const lines, csv, js = "application/x-ndjson", "text/csv; charset=utf-8; header=present", "application/json"
	for _, test := range []struct{ path, accept, want string }{
		{"/list", "", js}, {"/list", "*/*", js}, {"/list", "application/*", js}, {"/list", "text/*", csv},
		{"/list", "application/json", js}, {"/list", "application/x-ndjson", lines}, {"/list", "text/csv", csv},
		{"/list", "Text/CSV; q=0.5, application/json;q=0.4", csv},
		{"/list", "text/csv;q=0.4, application/json;q=0.5", js},
		{"/list", "text/csv;q=0, */*", js}, {"/list", "text/csv, */*", csv},
		{"/list", "text/*;q=0.9, application/x-ndjson;q=0.8, */*;q=0.1", csv},
		{"/list", "text/csv;q=0, text/event-stream;q=0, application/*;q=0, text/*", "406"},
		{"/list", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", js},
		{"/list", "image/png", "406"}, {"/list", "text/csv;q=2", "406"}, {"/list", "nonsense;;;", "406"}, {"/list", "application/json;q=0", "406"},
		{"/plain", "text/event-stream", "406"}, {"/one", "text/csv", "406"}, {"/one", "application/json, text/csv", js},
	} {
		header := []string{}
		if test.accept != "" {
			header = append(header, "Accept: "+test.accept)
		}
		w := call(e, "GET", test.path, "", header...)
		got := w.Header().Get("Content-Type")
		if w.Code == http.StatusNotAcceptable {
			got = "406"
			if p := problemOf(t, w); !strings.Contains(p.Detail, "accept application/json") {
				t.Errorf("%s: %s", test.accept, p.Detail)
			}
		}
		if got != test.want {
			t.Errorf("%s with Accept %q: %s, want %s", test.path, test.accept, got, test.want)
		}
		if test.path == "/list" && got != "406" && w.Header().Get("Vary") != "Accept" {
			t.Errorf("%s: Vary is %q", got, w.Header().Get("Vary"))
		}
	}
}

func TestRowsInLinesAndCSV(t *testing.T) {
	t.Parallel()
	note := "he said \"no\",\nthen left"
	b := &backend{rows: items(nil,
		item{ID: "a", Count: -1, Rate: 0.5, Done: true, At: time.Date(2025, 3, 14, 15, 9, 26, 0, time.UTC), Note: &note, Size: size{2}, Tags: []string{"x", "<y>"}, Extra: map[string]int{"n": 1}, Secret: "s", private: 1},
		item{ID: "=1+1"}, item{ID: "-12.5"}, item{ID: "-cmd"}, item{ID: "@x"}, item{ID: "+x"}, item{ID: "\tx"}, item{ID: "\rx"}, item{ID: "'x"},
	)}
	e := edge(t, b, listed("list", "/list"))
	w := call(e, "GET", "/list", "", "Accept: text/csv")
	want := "id,count,rate,done,at,note,size,tags,extra\r\n" +
		"a,-1,0.5,true,2025-03-14T15:09:26Z,\"he said \"\"no\"\",\nthen left\",'=xx,\"[\"\"x\"\",\"\"\\u003cy\\u003e\"\"]\",\"{\"\"n\"\":1}\"\r\n" +
		"'=1+1,REST\r\n-12.5,REST\r\n'-cmd,REST\r\n'@x,REST\r\n'+x,REST\r\n'\tx,REST\r\n\"'\rx\",REST\r\n'x,REST\r\n"
	want = strings.ReplaceAll(want, "REST", "0,0,false,0001-01-01T00:00:00Z,,'=,,")
	if got := w.Body.String(); got != want {
		t.Errorf("CSV:\n%q\nwant\n%q", got, want)
	}
	w = call(e, "GET", "/list", "", "Accept: application/x-ndjson")
	lines := strings.Split(strings.TrimSuffix(w.Body.String(), "\n"), "\n")
	var first item
	if err := json.Unmarshal([]byte(lines[0]), &first); err != nil || len(lines) != 9 || first.ID != "a" || *first.Note != note {
		t.Errorf("%d lines, the first %s", len(lines), lines[0])
	}
	for _, accept := range []string{"text/csv", "application/x-ndjson", "text/event-stream"} {
		b.changes = func(yield func(registry.Change, error) bool) { yield(registry.Change{Kind: registry.Present}, nil) }
		if w := call(e, "HEAD", "/list", "", "Accept: "+accept); w.Code != 200 || w.Body.Len() > 0 || !strings.HasPrefix(w.Header().Get("Content-Type"), accept) {
			t.Errorf("HEAD of %s: %d %q", accept, w.Code, w.Body)
		}
	}
}

func TestAWholeHasNoPages(t *testing.T) {
	t.Parallel()
	q := query("list", "/list", func(context.Context, Paging) (itemPage, error) { return itemPage{}, nil })
	q.SQL = &registry.SQL{Row: reflect.TypeFor[item](), Page: []registry.PageKey{{Column: "id"}}}
	e := edge(t, &backend{rows: items(nil)}, q)
	for _, target := range []string{"/list?limit=5", "/list?cursor=x", "/list?limit=100"} {
		if w := call(e, "GET", target, "", "Accept: text/csv"); w.Code != 422 || !strings.Contains(w.Body.String(), "remove it") {
			t.Errorf("%s: %d %s", target, w.Code, w.Body)
		}
	}
	if w := call(e, "GET", "/list", "", "Accept: text/csv"); w.Code != 200 {
		t.Errorf("without a page: %d %s", w.Code, w.Body)
	}
}

// TestRowsThatFail: at once, that is a problem; midway, the last line says so
// and the connection is cut.
func TestRowsThatFail(t *testing.T) {
	t.Parallel()
	fault := registry.Faultf(registry.Unavailable, "the view is being made")
	e := edge(t, &backend{rows: items(fault)}, listed("list", "/list"))
	if got := summary(t, call(e, "GET", "/list", "", "Accept: text/csv")); got != "503 unavailable: the view is being made" {
		t.Error(got)
	}
	for _, test := range []struct {
		accept, want string
		err          error
	}{
		{"application/x-ndjson", `"detail":"the view is being made"`, fault},
		{"application/x-ndjson", `"code":"internal"`, errors.New("a secret")},
		{"text/csv", "b,0,", fault},
	} {
		s := httptest.NewServer(edge(t, &backend{rows: items(test.err, item{ID: "a"}, item{ID: "b"})}, listed("list", "/list")))
		t.Cleanup(s.Close)
		body, err := get(t, s, "/list", test.accept)
		if err == nil {
			t.Errorf("%s: the answer looks whole: %s", test.accept, body)
		}
		lines := strings.Split(strings.TrimSpace(body), "\n")
		if last := lines[len(lines)-1]; !strings.Contains(last, test.want) || strings.Contains(body, "secret") {
			t.Errorf("%s: the last line is %s", test.accept, last)
		}
	}
}

func get(t *testing.T, s *httptest.Server, path, accept string) (string, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", s.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", accept)
	resp, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

func liveRow(key, data string) *registry.LiveRow {
	return &registry.LiveRow{Key: key, JSON: func() ([]byte, error) { return []byte(data), nil }}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	bad := &registry.LiveRow{Key: "bad", JSON: func() ([]byte, error) { return nil, errors.New("not JSON") }}
	b := &backend{changes: func(yield func(registry.Change, error) bool) {
		_ = yield(registry.Change{Kind: registry.Present, ID: "F-0", Rows: []*registry.LiveRow{liveRow("a", `{"n":1}`), liveRow(`"b"`, `{"n":2}`)}}, nil) &&
			yield(registry.Change{Kind: registry.Beat}, nil) &&
			yield(registry.Change{Kind: registry.Delete, ID: "F-1", Row: liveRow("a", "")}, nil) &&
			yield(registry.Change{Kind: registry.Insert, ID: "F-2", At: 1, Row: liveRow("c", `{"n":3}`)}, nil) &&
			yield(registry.Change{Kind: registry.Update, ID: "F-3", At: 1, Row: liveRow("c", `{"n":4}`)}, nil) &&
			yield(registry.Change{}, registry.Faultf(registry.Overloaded, "too slow"))
	}}
	e := edge(t, b, listed("list", "/list"))
	w := call(e, "GET", "/list", "", "Accept: text/event-stream", "Last-Event-ID: F-9")
	want := "retry: 1000\n\n" +
		"id: F-0\nevent: present\ndata: {\"items\":[{\"key\":\"a\",\"row\":{\"n\":1}},{\"key\":\"\\\"b\\\"\",\"row\":{\"n\":2}}]}\n\n" +
		":\n\n" +
		"id: F-1\nevent: delete\ndata: {\"key\":\"a\"}\n\n" +
		"id: F-2\nevent: insert\ndata: {\"key\":\"c\",\"at\":1,\"row\":{\"n\":3}}\n\n" +
		"id: F-3\nevent: update\ndata: {\"key\":\"c\",\"at\":1,\"row\":{\"n\":4}}\n\n" +
		"event: end\ndata: {\"type\":\"about:blank\",\"title\":\"Too Many Requests\",\"status\":429,\"detail\":\"too slow\",\"code\":\"overloaded\"}\n\n"
	if got := w.Body.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if b.last.Resume != "F-9" || w.Header().Get("Content-Type") != "text/event-stream" || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("resume %q, headers %v", b.last.Resume, w.Header())
	}
	b.changes = func(yield func(registry.Change, error) bool) {
		yield(registry.Change{Kind: registry.Insert, Row: bad}, nil)
	}
	if w := call(e, "GET", "/list", "", "Accept: text/event-stream"); !strings.Contains(w.Body.String(), `"code":"internal"`) {
		t.Errorf("a row that is not JSON: %s", w.Body)
	}
	b.changes = func(yield func(registry.Change, error) bool) {
		yield(registry.Change{}, registry.Faultf(registry.Overloaded, "too many"))
	}
	if got := summary(t, call(e, "GET", "/list", "", "Accept: text/event-stream")); got != "429 overloaded: too many" {
		t.Errorf("an error at once: %s", got)
	}
}

// pipes is a listener whose connections are in memory, so that their deadlines
// are of a test's own time.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	if c, ok := <-p; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (p pipes) Close() error { return nil }

func (p pipes) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "unix"} }

// TestEventsOutliveTheServersReadTimeout, and a caller that does not read is
// cut.
func TestEventsOutliveTheServersReadTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan error, 1)
		b := &backend{}
		e := edge(t, b, listed("list", "/list"))
		listener := make(pipes)
		s := &http.Server{Handler: e, ReadTimeout: time.Minute}
		go func() { _ = s.Serve(listener) }()
		ask := func() *bufio.Reader {
			ours, theirs := net.Pipe()
			t.Cleanup(func() { ours.Close() })
			listener <- theirs
			if _, err := io.WriteString(ours, "GET /list HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			return bufio.NewReader(ours)
		}
		b.watch = func(ctx context.Context, yield func(registry.Change, error) bool) {
			_ = yield(registry.Change{Kind: registry.Present, ID: "F-0"}, nil)
			select {
			case <-time.After(time.Hour):
				_ = yield(registry.Change{Kind: registry.Delete, ID: "F-1", Row: liveRow("late", "")}, nil)
			case <-ctx.Done(): // the caller is taken for gone
			}
		}
		resp, err := http.ReadResponse(ask(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(resp.Body); err != nil || !strings.Contains(string(body), "late") {
			t.Errorf("after an hour: %s, %v", body, err)
		}
		resp.Body.Close()

		b.watch = func(_ context.Context, yield func(registry.Change, error) bool) {
			started := time.Now()
			defer func() {
				if took := time.Since(started); took > time.Minute {
					ended <- errors.New("the writer waited " + took.String())
				}
				ended <- nil
			}()
			for yield(registry.Change{Kind: registry.Beat}, nil) {
			}
		}
		ask() // and read nothing
		if err := <-ended; err != nil {
			t.Error(err)
		}
		close(listener)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}
