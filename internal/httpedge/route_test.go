package httpedge_test

import (
	"context"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/talix-dev/talix/internal/httpedge"
	"github.com/talix-dev/talix/internal/registry"
)

type byPath struct {
	Path string `path:"path"`
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	e := edge(t, &backend{},
		on("POST /a", show[struct{}]), on("PUT /a", show[struct{}]), query("a", "/a", show[struct{}]),
		on("POST /b", show[struct{}]), query("files", "/files/{path...}", show[byPath]),
		query("slash", "/slash/{$}", show[struct{}]), query("tree", "/tree/", show[struct{}]))
	for _, test := range []struct{ method, target, want, allow string }{
		{"GET", "/a", `200 {"in":"{}"}`, ""},
		{"HEAD", "/a", `200 {"in":"{}"}`, ""}, // the server leaves out the body
		{"DELETE", "/a", "405 invalid: the path has no such method", "GET, HEAD, POST, PUT"},
		{"OPTIONS", "/a", "405 invalid: the path has no such method", "GET, HEAD, POST, PUT"},
		{"HEAD", "/b", "405 invalid: the path has no such method", "POST"},
		{"BREW", "/b", "405 invalid: the path has no such method", "POST"},
		{"GET", "/", "404 not_found: no route has this path", ""},
		{"GET", "/A", "404 not_found: no route has this path", ""},
		{"GET", "/a/", "404 not_found: no route has this path", ""},
		{"GET", "//a", "404 not_found: no route has this path", ""},
		{"GET", "/x/../a", "404 not_found: no route has this path", ""},
		{"GET", "/./a", "404 not_found: no route has this path", ""},
		{"POST", "/a//", "404 not_found: no route has this path", ""},
		{"GET", "/a/<script>", "404 not_found: no route has this path", ""},
		{"GET", "/files", "404 not_found: no route has this path", ""},
		{"GET", "/files/", `200 {"in":"{Path:}"}`, ""},
		{"GET", "/files/a/b%2Fc", `200 {"in":"{Path:a/b/c}"}`, ""},
		{"GET", "/files/a/%2e%2e/b", `200 {"in":"{Path:a/../b}"}`, ""},
		{"GET", "/slash/", `200 {"in":"{}"}`, ""},
		{"GET", "/slash", "404 not_found: no route has this path", ""},
		{"GET", "/tree", "404 not_found: no route has this path", ""},
		{"GET", "http://other.example/a", `200 {"in":"{}"}`, ""},
		{"CONNECT", "/a", "405 invalid: the path has no such method", "GET, HEAD, POST, PUT"},
		{"CONNECT", "/tree", "405 invalid: the path has no such method", "GET, HEAD"},
	} {
		w := call(e, test.method, test.target, "")
		if got := summary(t, w); got != test.want || w.Header().Get("Allow") != test.allow {
			t.Errorf("%s %s: got %s, allow %q\nwant %s, allow %q", test.method, test.target, got, w.Header().Get("Allow"), test.want, test.allow)
		}
		if l := w.Header().Get("Location"); l != "" {
			t.Errorf("%s %s: leads to %s", test.method, test.target, l)
		}
	}
}

// TestOddTargets sends what a client library would not.
func TestOddTargets(t *testing.T) {
	t.Parallel()
	e := edge(t, &backend{}, query("a", "/a", show[struct{}]))
	for _, r := range []*http.Request{
		{Method: "OPTIONS", RequestURI: "*", URL: &url.URL{Path: "*"}, ProtoMajor: 1, ProtoMinor: 1},
		{Method: "GET", RequestURI: "*", URL: &url.URL{Path: "/a"}, ProtoMajor: 1, ProtoMinor: 1},
		{Method: "CONNECT", Host: "a:80", URL: &url.URL{Host: "a:80"}},
		{Method: "GET", URL: &url.URL{Path: ""}},
		{Method: "GET", URL: &url.URL{Path: "a"}},
		{Method: "GET", URL: &url.URL{Opaque: "x"}},
		{Method: "", URL: &url.URL{Path: "/b"}},
	} {
		r.Header = http.Header{}
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		if w.Code != 404 && w.Code != 405 {
			t.Errorf("%s %v: status %d", r.Method, r.URL, w.Code)
		}
		problemOf(t, w)
	}
}

// TestServer goes through a real server and client.
func TestServer(t *testing.T) {
	t.Parallel()
	e := edge(t, &backend{}, deposit(), query("a", "/a", show[struct{}]))
	s := httptest.NewServer(e)
	t.Cleanup(s.Close)
	for _, test := range []struct {
		method, path, body string
		status             int
		answer             string
	}{
		{"POST", "/accounts/a/deposits", `{"amount":5}`, 200, `{"balance":5,"version":1}`},
		{"HEAD", "/a", "", 200, ""},
		{"HEAD", "/b", "", 404, ""},
		{"POST", "/accounts/a/deposits", `{"x":"` + strings.Repeat("x", 2<<20) + `"}`, 413, ""},
	} {
		r, err := http.NewRequest(test.method, s.URL+test.path, strings.NewReader(test.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		res, err := s.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		if err := res.Body.Close(); err != nil {
			t.Fatal(err)
		}
		if res.StatusCode != test.status || test.answer != "" && strings.TrimSpace(string(body)) != test.answer {
			t.Errorf("%s %s: %d %s", test.method, test.path, res.StatusCode, body)
		}
		if test.method == "HEAD" && (len(body) > 0 || res.ContentLength <= 0) {
			t.Errorf("HEAD %s: body %q, length %d", test.path, body, res.ContentLength)
		}
	}
}

// sql makes a query one in SQL.
func sql(page bool, in *registry.Query) *registry.Query {
	in.SQL = &registry.SQL{}
	if page {
		in.SQL.Page = []registry.PageKey{{Column: "id"}}
	}
	return in
}

type id struct {
	ID string `path:"id"`
}

// faults are definitions and what their error says.
var faults = map[string]struct {
	defs []any
	want []string
}{
	"no wildcard": {list(on("POST /a", show[id])), []string{`"POST /a"`, `field ID takes "id" from the path, which has no {id}`, "route_test.go:"}},
	"no field":    {list(on("POST /a/{x}", show[struct{}])), []string{`no field of struct {} takes {x} from the path`, "`path:\"x\"`"}},
	"bad pattern": {list(on("POST /a/{x", show[struct{}])), []string{"bad pattern", "bad wildcard segment", "write it as in"}},
	"bad method":  {list(on("TRACE /a", show[struct{}])), []string{`method "TRACE"`, "GET, POST"}},
	"conflict":    {list(on("POST /a/{id}", show[id]), on("POST /{id}/b", show[id])), []string{`"POST /{id}/b": conflicts with "POST /a/{id}" at httpedge/route_test.go:`, "rename one"}},
	"same":        {list(query("a", "/a", show[struct{}]), query("b", "/a", show[struct{}])), []string{`conflicts with "GET /a" at`}},
	"all at once": {list(on("POST /a", show[id]), on("POST /b/{x}", show[struct{}])), []string{"POST /a", "POST /b/{x}"}},
	"bad path type": {list(on("POST /a/{id}", show[struct {
		ID []string `path:"id"`
	}])), []string{"field ID", "cannot be taken from the path"}},
	"bad query type": {list(query("a", "/a", show[struct {
		Q map[string]int `query:"q"`
	}])), []string{"field Q", "cannot be taken from the query"}},
	"bad header type": {list(query("a", "/a", show[struct {
		H struct{} `header:"h"`
	}])), []string{"field H", "cannot be taken from the header"}},
	"bad body type": {list(on("POST /a", show[struct {
		B string `body:"raw"`
	}])), []string{"field B", "io.Reader"}},
	"bad body kind": {list(on("POST /a", show[struct {
		B io.Reader `body:"xml"`
	}])), []string{"field B", `body:"raw"`}},
	"two bodies": {list(on("POST /a", show[struct {
		A io.Reader         `body:"raw"`
		B *multipart.Reader `body:"multipart"`
	}])), []string{"field B: there is one body only"}},
	"body and JSON": {list(on("POST /a", show[struct {
		A io.Reader `body:"raw"`
		B string
	}])), []string{"field B", "taken as a stream"}},
	"GET with body": {list(on("GET /a", show[struct{ B string }])), []string{"field B", "GET requests have not"}},
	"query with stream": {list(query("a", "/a", show[struct {
		A io.Reader `body:"raw"`
	}])), []string{"field A", "GET requests have not"}},
	"two places": {list(query("a", "/a", show[struct {
		A string `query:"a" header:"a"`
	}])), []string{"field A has the tags query and header"}},
	"unexported": {list(query("a", "/a", show[struct {
		a string `query:"a"`
	}])), []string{"field a", "capital"}},
	"no name": {list(query("a", "/a", show[struct {
		A string `query:""`
	}])), []string{"field A", "name its value"}},
	"same name": {list(query("a", "/a", show[struct {
		A string `query:"a"`
		B string `query:"a"`
	}])), []string{"field B", `query "a" is taken`}},
	"after": {list(query("a", "/a", show[struct {
		A string `query:"after"`
	}])), []string{"field A", "waits for"}},
	"bad rule": {list(query("a", "/a", show[struct {
		A string `query:"a" minLength:"x"`
	}])), []string{"field A", "minLength"}},
	"bad body rule": {list(on("POST /a", show[struct {
		A string `pattern:"["`
	}])), []string{"field A", "pattern"}},
	"bad default": {list(query("a", "/a", show[struct {
		A int `query:"a" default:"x"`
	}])), []string{"field A", "invalid integer tag value 'x'"}},
	"bad text default": {list(query("a", "/a", show[struct {
		A []Level `query:"a" default:"low,x"`
	}])), []string{"field A", "unable to convert"}},
	"default in a list": {list(on("POST /a", show[struct {
		A []struct {
			B int `default:"1"`
		}
	}])), []string{"field B", "remove it"}},
	"hidden name":      {list(on("POST /a/{id}", show[hidden])), []string{"field Other has the JSON name of another field"}},
	"pointer input":    {list(on("POST /a", show[*id])), []string{"take httpedge_test.id"}},
	"embedded pointer": {list(on("POST /a", show[struct{ *Move }])), []string{"field Move: embed httpedge_test.Move, not a pointer"}},
	"no JSON":          {list(on("POST /a", show[struct{ A chan int }])), []string{"field A", "cannot be JSON"}},
	"no paging":        {list(sql(true, query("a", "/a", show[struct{}]))), []string{"has PageBy", "embed talix.Paging"}},
	"no page key":      {list(sql(false, query("a", "/a", show[struct{ Paging }]))), []string{"add PageBy"}},
	"output type":      {list(on("POST /a", func(context.Context, struct{}) (o struct{ A func() }, _ error) { return o, nil })), []string{"field A", "cannot be JSON"}},
	"output status": {list(on("POST /a", func(context.Context, struct{}) (o struct {
		A string `status:""`
	}, _ error) {
		return o, nil
	})), []string{"field A", "a status is an int"}},
	"output header": {list(on("POST /a", func(context.Context, struct{}) (o struct {
		A struct{} `header:"x"`
	}, _ error) {
		return o, nil
	})), []string{"field A", "a header is"}},
	"output pointer":  {list(on("POST /a", func(context.Context, struct{}) (*created, error) { return nil, nil })), []string{"answer httpedge_test.created"}},
	"output embedded": {list(on("POST /a", func(context.Context, struct{}) (o struct{ Headers }, _ error) { return o, nil })), []string{"field Headers", "too deep"}},
	"untagged reader": {list(on("POST /a", show[struct{ R io.Reader }])), []string{"field R", "body:\"raw\""}},
	"own header": {list(on("POST /a", func(context.Context, struct{}) (o struct {
		A string `header:"talix-position"`
	}, _ error) {
		return o, nil
	})), []string{"field A", "not to be set"}},
	"output stream": {list(on("POST /a", func(context.Context, struct{}) (o struct {
		A []byte `body:"raw"`
	}, _ error) {
		return o, nil
	})), []string{"field A", "io.Reader"}},
	"stream and JSON": {list(on("POST /a", func(context.Context, struct{}) (o struct {
		A io.Reader `body:"raw"`
		B string
	}, _ error) {
		return o, nil
	})), []string{"the body is a stream"}},
}

func TestFaults(t *testing.T) {
	t.Parallel()
	for name, test := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := httpedge.New(with(httpedge.Config{Backend: &backend{}}, test.defs))
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q\ndoes not say %q", err, want)
				}
			}
		})
	}
}

// Headers are embedded where they are not seen.
type Headers struct {
	Location string `header:"Location"`
}

// Hid holds a field whose JSON name is taken where it is embedded.
type Hid struct {
	Other string `json:"id"`
}

type hidden struct {
	ID string `path:"id" json:"id"`
	Hid
	More string
}

func list(defs ...any) []any { return defs }
