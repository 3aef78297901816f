package httpedge_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/talix-dev/talix/internal/httpedge"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

// documented are the statuses that the edge of a fuzz test may answer.
var documented = []int{200, 201, 404, 405, 409, 413, 415, 422}

type tree struct {
	ID       string          `path:"id"`
	Name     string          `json:"name,omitempty" minLength:"1" maxLength:"5" pattern:"^[a-z]+$"`
	Children []*tree2        `json:"children,omitempty" maxItems:"3"`
	Level    Level           `json:"level,omitempty"`
	Any      any             `json:"any,omitempty"`
	Raw      json.RawMessage `json:"raw,omitempty"`
	Map      map[string]int8 `json:"map,omitempty" maxProperties:"2"`
	Small    *uint8          `json:"small,omitempty"`
	Unique   []string        `json:"unique,omitempty" uniqueItems:"true"`
}

type tree2 struct {
	Kind     string   `json:"kind" enum:"a,b"`
	Children []*tree2 `json:"children,omitempty"`
}

func fuzzEdge(t testing.TB) *httpedge.Edge {
	del := on("DELETE /things/{id}", func(_ context.Context, in byID) (shown, error) {
		return shown{}, registry.Faultf(registry.Rejected, "%s stays", in.ID)
	})
	raw := on("POST /raw/{id}", func(_ context.Context, in upload) (created, error) {
		n, err := io.Copy(io.Discard, in.Body)
		return created{Status: 201, Location: in.ID, Count: new(int(n))}, err
	})
	raw.HTTP.MaxBody = 100
	return edge(t, &backend{}, deposit(), del, raw,
		on("PUT /things/{id}", show[tree]), on("POST /form", func(_ context.Context, in form) (shown, error) {
			_, err := in.Parts.NextPart()
			return shown{}, errors.Join(registry.Faultf(registry.Rejected, "no"), err)
		}),
		query("all", "/all", show[everything]), query("files", "/files/{path...}", show[byPath]))
}

type byID struct {
	ID string `path:"id"`
}

func FuzzRequest(f *testing.F) {
	f.Add("POST", "/accounts/a/deposits", "", "application/json", "k", `{"amount":5}`)
	f.Add("GET", "/all", "i=1&ss=a,b&limit=3", "", "", "")
	f.Add("PUT", "/things/1", "", "application/json", "", `{"children":[{"kind":"a"}],"unique":[{},[]]}`)
	f.Add("POST", "/form", "", "multipart/form-data; boundary=B", "", "--B\r\n\r\n")
	f.Add("POST", "/raw/x", "", "a/b", "", strings.Repeat("x", 101))
	f.Add("CONNECT", "/files//../x", "%zz;=", "\x00", "\xff", "\xff")
	f.Add("HEAD", "/openapi.json", "", "", "", "")
	e := fuzzEdge(f)
	f.Fuzz(func(t *testing.T, method, path, query, contentType, key, body string) {
		r := &http.Request{
			Method: method, URL: &url.URL{Path: path, RawQuery: query}, Host: "h", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
		}
		if u, err := url.ParseRequestURI(path); err == nil {
			r.URL.Path, r.URL.RawPath, r.RequestURI = u.Path, u.RawPath, path
		}
		if len(body)%2 == 1 {
			r.ContentLength = -1
		}
		for name, value := range map[string]string{"Content-Type": contentType, "Idempotency-Key": key, "X-H": contentType, "Traceparent": key} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r.WithContext(t.Context()))
		if !slices.Contains(documented, w.Code) {
			t.Errorf("status %d: %s", w.Code, w.Body)
		}
		if w.Code >= 400 {
			problemOf(t, w)
		}
	})
}

// FuzzBind holds the edge to encoding/json: what it accepts, that decodes to the
// same value.
func FuzzBind(f *testing.F) {
	f.Add(`{"name":"ab","small":255,"map":{"a":1},"any":[1e3,null]}`)
	f.Add(`{"raw":{"a":"\u00e4"},"level":"low","children":[null]}`)
	f.Add(`{"small":2.0}`)
	var got tree
	e := edge(f, &backend{}, on("PUT /things/{id}", func(_ context.Context, in tree) (shown, error) {
		got = in
		return shown{}, nil
	}))
	f.Fuzz(func(t *testing.T, body string) {
		w := call(e, "PUT", "/things/7", body)
		if w.Code != 200 {
			if problemOf(t, w); w.Code != 422 {
				t.Errorf("status %d: %s", w.Code, w.Body)
			}
			return
		}
		want := tree{}
		if body != "" {
			dec := json.NewDecoder(strings.NewReader(body))
			dec.DisallowUnknownFields()
			if err := dec.Decode(&want); err != nil {
				t.Fatalf("accepted, though %v", err)
			}
		}
		want.ID = "7"
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
		if len(got.Name) > 20 || len(got.Children) > 3 || len(got.Map) > 2 {
			t.Errorf("a rule was not held: %+v", got)
		}
	})
}

// recalling has an answer for every key.
type recalling struct {
	quick
	data []byte
}

func (r recalling) Recall(context.Context, store.ID) ([]byte, bool, error) { return r.data, true, nil }

// FuzzRecord answers from damaged memories.
func FuzzRecord(f *testing.F) {
	b := &backend{}
	call(edge(f, b, deposit()), "POST", "/accounts/a/deposits", `{"amount":5}`, "Idempotency-Key: k")
	for _, data := range b.answers {
		f.Add(data)
	}
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, data []byte) {
		e := edgeOf(t, httpedge.Config{Backend: recalling{data: data}, Log: slog.New(slog.DiscardHandler)}, deposit())
		w := call(e, "POST", "/accounts/a/deposits", `{"amount":5}`, "Idempotency-Key: k")
		if w.Code != 500 && w.Code != 422 && (w.Code > 299 || w.Header().Get("Talix-Replayed") != "true") {
			t.Errorf("status %d, %v", w.Code, w.Header())
		}
	})
}
