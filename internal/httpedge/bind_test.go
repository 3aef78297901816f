package httpedge_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/talix-dev/talix/internal/httpedge"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/schema"
)

// Level reads one of a few texts.
type Level int

// UnmarshalText reads "low" and "high".
func (l *Level) UnmarshalText(text []byte) error {
	switch string(text) {
	case "low":
		*l = 1
	case "high":
		*l = 2
	default:
		return errors.New("low or high")
	}
	return nil
}

// Paging is embedded as talix.Paging is.
type Paging struct {
	Cursor string `query:"cursor" json:"cursor,omitempty" maxLength:"8"`
	Limit  int    `query:"limit" json:"limit,omitempty" minimum:"1" maximum:"100" default:"20"`
}

type everything struct {
	S     string    `query:"s" minLength:"2"`
	I     int8      `query:"i" maximum:"50"`
	U     uint16    `query:"u"`
	F     float32   `query:"f"`
	B     bool      `query:"b"`
	T     time.Time `query:"t"`
	L     Level     `query:"l"`
	P     *int      `query:"p"`
	PS    *string   `query:"ps" minLength:"2"`
	Ss    []string  `query:"ss" maxItems:"3" minLength:"1"`
	Is    []int     `query:"is" minimum:"1"`
	Ls    []Level   `query:"ls"`
	E     string    `query:"e" enum:"a,b"`
	D     int       `query:"d" default:"7"`
	DL    []string  `query:"dl" default:"x,y"`
	H     string    `header:"x-h" maxLength:"3"`
	HI    int       `header:"X-Number"`
	HL    []string  `header:"X-List"`
	HT    time.Time `header:"X-Time"`
	Plain string
	Paging
}

func (e everything) String() string {
	var b strings.Builder
	v := reflect.ValueOf(e)
	for i := range v.NumField() {
		f := v.Field(i)
		if f.IsZero() {
			continue
		}
		if f.Kind() == reflect.Pointer {
			f = f.Elem()
		}
		fmt.Fprintf(&b, "%s=%v ", v.Type().Field(i).Name, f)
	}
	return strings.TrimSpace(b.String())
}

// rest is what the defaults give.
const rest = "D=7 DL=[x y] Paging={ 20}"

// parameters are queries and what comes of them.
var parameters = map[string]struct {
	query, want string
	headers     []string
}{
	"nothing":         {"", rest, nil},
	"string":          {"s=ab%20c+d", "S=ab c d " + rest, nil},
	"string rule":     {"s=a", "query.s: expected length >= 2", nil},
	"empty":           {"s=", "query.s: expected length >= 2", nil},
	"int":             {"i=-5", "I=-5 " + rest, nil},
	"int rule":        {"i=51", "query.i: expected number <= 50", nil},
	"int range":       {"i=128", "query.i: expected integer of at most 8 bits", nil},
	"no int":          {"i=x", "query.i: expected integer of at most 8 bits", nil},
	"plus":            {"i=%2B5", "query.i: expected integer of at most 8 bits", nil},
	"empty int":       {"i=", "query.i: expected integer of at most 8 bits", nil},
	"uint":            {"u=65535", "U=65535 " + rest, nil},
	"negative uint":   {"u=-1", "query.u: expected integer from 0 of at most 16 bits", nil},
	"float":           {"f=1.5e3", "F=1500 " + rest, nil},
	"infinite":        {"f=Inf", "query.f: expected number", nil},
	"not a number":    {"f=nan", "query.f: expected number", nil},
	"hex":             {"f=0x1p4", "query.f: expected number", nil},
	"bool":            {"b=true", "B=true " + rest, nil},
	"no bool":         {"b=1", "query.b: expected true or false", nil},
	"time":            {"t=2025-01-02T03:04:05Z", "T=2025-01-02 03:04:05 +0000 UTC " + rest, nil},
	"no time":         {"t=today", "query.t: expected time as in 2025-03-14T15:09:26Z", nil},
	"text":            {"l=high", "L=2 " + rest, nil},
	"no text":         {"l=x", "query.l: expected a valid value: low or high", nil},
	"pointer":         {"p=0", "P=0 " + rest, nil},
	"pointer rule":    {"ps=a", "query.ps: expected length >= 2", nil},
	"repeated":        {"ss=a&ss=b,c", "Ss=[a b c] " + rest, nil},
	"too many":        {"ss=a,b,c,d", "query.ss: expected at most 3 items", nil},
	"item rule":       {"ss=a,,b", "query.ss[1]: expected length >= 1", nil},
	"list of ints":    {"is=1,2", "Is=[1 2] " + rest, nil},
	"list item":       {"is=1,x", "query.is[1]: expected integer of at most 64 bits", nil},
	"list item rule":  {"is=1,0", "query.is[1]: expected number >= 1", nil},
	"list of texts":   {"ls=low,high", "Ls=[1 2] " + rest, nil},
	"enum":            {"e=c", `query.e: expected value to be one of "a, b"`, nil},
	"default beaten":  {"d=0&dl=z&limit=5", "DL=[z] Paging={ 5}", nil},
	"default rule":    {"limit=0", "query.limit: expected number >= 1", nil},
	"embedded":        {"cursor=abc", "D=7 DL=[x y] Paging={abc 20}", nil},
	"embedded rule":   {"cursor=abcdefghi", "query.cursor: expected length <= 8", nil},
	"untagged":        {"plain=x", "D=7 DL=[x y] Plain=x Paging={ 20}", nil},
	"twice":           {"i=1&i=2", "query.i: is given more than once", nil},
	"unknown":         {"foo=1&i=1", "query.foo: unknown parameter", nil},
	"other case":      {"I=1", "query.I: unknown parameter", nil},
	"after":           {"after=17", rest, nil},
	"bad escape":      {"i=%zz", "query: expected name=value pairs with valid escapes", nil},
	"semicolon":       {"i=1;b=true", "query: expected name=value pairs with valid escapes", nil},
	"NUL":             {"s=a%00b", "query.s: expected UTF-8 text without NUL", nil},
	"UTF-8":           {"s=a%ffb", "query.s: expected UTF-8 text without NUL", nil},
	"strange unknown": {"a%ffb%00=1", "query.a\uFFFDb\x00: unknown parameter", nil},
	"empty pairs":     {"&&i=1&", "I=1 " + rest, nil},
	"header":          {"", "D=7 DL=[x y] H=abc HI=5 HL=[a b c] HT=2025-01-02 03:04:05 +0000 UTC Paging={ 20}", []string{"X-H: abc", "X-Number: 5", "X-List: a, b", "X-List: c", "X-Time: Thu, 02 Jan 2025 03:04:05 GMT"}},
	"header rule":     {"", "header.X-H: expected length <= 3", []string{"X-H: abcd"}},
	"header twice":    {"", "header.X-H: is given more than once", []string{"X-H: a", "X-H: b"}},
	"header type":     {"", "header.X-Number: expected integer of at most 64 bits", []string{"X-Number: x"}},
	"several":         {"i=x&foo=1", "query.i: expected integer of at most 8 bits; query.foo: unknown parameter", nil},
}

func TestParameters(t *testing.T) {
	t.Parallel()
	e := edge(t, &backend{}, query("all", "/all", func(_ context.Context, in everything) (shown, error) { return shown{in.String()}, nil }))
	for name, test := range parameters {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := call(e, "GET", "/all?"+test.query, "", test.headers...)
			want := fmt.Sprintf(`200 {"in":%q}`, test.want)
			if strings.Contains(test.want, ": ") {
				want = "422 invalid; " + test.want
			}
			if got := summary(t, w); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

func TestManyUnknownParameters(t *testing.T) {
	t.Parallel()
	e := edge(t, &backend{}, query("none", "/none", show[struct{}]))
	w := call(e, "GET", "/none?"+strings.Repeat("x"+strings.Repeat("y", 100)+"&", 500), "")
	if p := problemOf(t, w); len(p.Errors) != 50 || len(p.Errors[0].Location) > 80 {
		t.Errorf("%d errors, the first at %q", len(p.Errors), p.Errors[0].Location)
	}
}

type mixed struct {
	ID   string   `path:"id"`
	Name string   `json:"name" minLength:"1"`
	Tags []string `json:"tags" default:"a,b"`
	Size int      `json:"size" default:"3"`
	Sub  struct {
		Deep string `json:"deep" default:"d"`
	} `json:"sub,omitempty"`
	Rest map[string]int `json:"rest,omitempty"`
}

func TestMixedBody(t *testing.T) {
	t.Parallel()
	e := edge(t, &backend{}, on("PUT /things/{id}", show[mixed]))
	for body, want := range map[string]string{
		`{"name":"n"}`:                          `200 {"in":"{ID:7 Name:n Tags:[a b] Size:3 Sub:{Deep:d} Rest:map[]}"}`,
		`{"name":"n","tags":["x"],"size":0}`:    `200 {"in":"{ID:7 Name:n Tags:[x] Size:0 Sub:{Deep:d} Rest:map[]}"}`,
		`{"name":"n","sub":{"deep":"e"}}`:       `200 {"in":"{ID:7 Name:n Tags:[a b] Size:3 Sub:{Deep:e} Rest:map[]}"}`,
		`{"name":"n","sub":{}}`:                 `200 {"in":"{ID:7 Name:n Tags:[a b] Size:3 Sub:{Deep:d} Rest:map[]}"}`,
		`{"name":"","sub":{"Deep":"e"}}`:        `422 invalid; body.name: expected length >= 1; body.sub.Deep: unknown field`,
		`{"name":"n","rest":{"a":1,"b":1.5}}`:   `422 invalid; body.rest.b: expected integer`,
		`{"name":"n","ID":"8"}`:                 `422 invalid; body.ID: unknown field`,
		`{"name":"n","at":8}`:                   `422 invalid; body.at: unknown field`,
		`{"name":"\ud83d\ude00\u00e4\n\"\\\/"}`: `200 {"in":"{ID:7 Name:😀ä\n\"\\/ Tags:[a b] Size:3 Sub:{Deep:d} Rest:map[]}"}`,
		`{"name":"\ud83d"}`:                     `422 invalid; body: has half of a surrogate pair in a text`,
	} {
		if got := summary(t, call(e, "PUT", "/things/7", body)); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", body, got, want)
		}
	}
}

// TestDefaultsAreFresh: what one request does to a default is not seen by the
// next one.
func TestDefaultsAreFresh(t *testing.T) {
	t.Parallel()
	e := edge(t, &backend{}, on("PUT /things/{id}", func(_ context.Context, in mixed) (shown, error) {
		in.Tags[0] += "!"
		return shown{fmt.Sprint(in.Tags)}, nil
	}))
	for range 2 {
		call(e, "PUT", "/things/7", `{"name":"n","tags":["q"]}`)
		if got, want := summary(t, call(e, "PUT", "/things/7", `{"name":"n"}`)), `200 {"in":"[a! b]"}`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestBodies(t *testing.T) {
	t.Parallel()
	type none struct {
		ID string `path:"id"`
	}
	type optional struct {
		A string `json:"a,omitempty"`
	}
	small := on("POST /small", show[optional])
	small.HTTP.MaxBody = 10
	e := edge(t, &backend{}, small,
		on("POST /big", show[struct {
			N int64
			U uint64
		}]), on("POST /none/{id}", show[none]), on("POST /optional", show[optional]), on("POST /list", show[[]Move]),
		on("POST /map", show[map[string]int]), on("DELETE /none/{id}", show[none]), query("q", "/q", show[struct{}]))
	for name, test := range map[string]struct{ method, path, body, want string }{
		"none":          {"POST", "/none/1", "", `200 {"in":"{ID:1}"}`},
		"none, given":   {"POST", "/none/1", "{}", `422 invalid; body: this route takes no body`},
		"delete":        {"DELETE", "/none/1", "", `200 {"in":"{ID:1}"}`},
		"optional":      {"POST", "/optional", "", `200 {"in":"{A:}"}`},
		"optional null": {"POST", "/optional", "null", `422 invalid; body: expected object`},
		"list":          {"POST", "/list", `[{"amount":1},{"amount":2}]`, `200 {"in":"[{Amount:1} {Amount:2}]"}`},
		"list rule":     {"POST", "/list", `[{"amount":1},{"amount":0}]`, `422 invalid; body[1].amount: expected number >= 1`},
		"map":           {"POST", "/map", `{"a":1}`, `200 {"in":"map[a:1]"}`},
		"exact":         {"POST", "/big", `{"N":-9007199254740993,"U":18446744073709551615}`, `200 {"in":"{N:-9007199254740993 U:18446744073709551615}"}`},
		"beyond":        {"POST", "/big", `{"N":9223372036854775808,"U":18446744073709551616}`, `422 invalid; body.N: number 9223372036854775808 does not fit int64; body.U: number 18446744073709551616 does not fit uint64`},
		"map rule":      {"POST", "/map", `{"a":"b"}`, `422 invalid; body.a: expected integer`},
		"fits":          {"POST", "/small", `{"a":"12"}`, `200 {"in":"{A:12}"}`},
		"too large":     {"POST", "/small", `{"a":"123"}`, `413 invalid: the body has more than 10 bytes`},
		"query":         {"GET", "/q", "{}", `422 invalid; body: this route takes no body`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := summary(t, call(e, test.method, test.path, test.body)); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
			if test.body == "" {
				return
			}
			// The same without a Content-Length.
			r := httptest.NewRequest(test.method, test.path, io.MultiReader(strings.NewReader(test.body)))
			r.ContentLength = -1
			r.Header.Set("Content-Type", "application/json")
			w := httptest.NewRecorder()
			e.ServeHTTP(w, r)
			if got := summary(t, w); got != test.want {
				t.Errorf("chunked: got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestDefaultLimit(t *testing.T) {
	t.Parallel()
	e := edge(t, &backend{}, on("POST /text", func(_ context.Context, in struct{ A string }) (int, error) { return len(in.A), nil }))
	for n, want := range map[int]string{
		1<<20 - 8: "200 1048568",
		1<<20 - 7: "413 invalid: the body has more than 1048576 bytes",
	} {
		if got := summary(t, call(e, "POST", "/text", `{"A":"`+strings.Repeat("x", n)+`"}`)); got != want {
			t.Errorf("%d: got %s, want %s", n, got, want)
		}
	}
}

type broken struct{ io.Reader }

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestBrokenBody(t *testing.T) {
	t.Parallel()
	e := edge(t, &backend{}, deposit(), on("POST /none", show[struct{}]))
	for _, path := range []string{"/accounts/a/deposits", "/none"} {
		r := httptest.NewRequest(http.MethodPost, path, broken{})
		r.ContentLength = 5
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		if got, want := summary(t, w), "422 invalid; body: cannot be read to its end"; path == "/accounts/a/deposits" && got != want {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
	}
}

type upload struct {
	ID   string    `path:"id"`
	Type string    `header:"Content-Type"`
	Body io.Reader `body:"raw"`
}

type csv struct {
	Body io.Reader `body:"raw" contentType:"text/csv"`
}

type form struct {
	Parts *multipart.Reader `body:"multipart"`
	Name  string            `query:"name"`
}

func TestStreams(t *testing.T) {
	t.Parallel()
	raw := on("POST /raw/{id}", func(_ context.Context, in upload) (shown, error) {
		data, err := io.ReadAll(in.Body)
		return shown{in.ID + " " + in.Type + " " + string(data)}, err
	})
	raw.HTTP.MaxBody = 10
	e := edge(t, &backend{}, raw,
		on("POST /csv", func(_ context.Context, in csv) (shown, error) {
			data, err := io.ReadAll(in.Body)
			return shown{string(data)}, err
		}),
		on("POST /form", func(_ context.Context, in form) (shown, error) {
			var names []string
			for {
				part, err := in.Parts.NextPart()
				if errors.Is(err, io.EOF) {
					return shown{strings.Join(names, ",")}, nil
				}
				if err != nil {
					return shown{}, err
				}
				data, err := io.ReadAll(part)
				if err != nil {
					return shown{}, err
				}
				names = append(names, part.FormName()+"="+string(data))
			}
		}))
	const parts = "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--B\r\nContent-Disposition: form-data; name=\"b\"\r\n\r\n2\r\n--B--\r\n"
	for name, test := range map[string]struct {
		path, body, typ, want string
	}{
		"raw":           {"/raw/7", "abc", "text/x", `200 {"in":"7 text/x abc"}`},
		"raw, empty":    {"/raw/7", "", "text/x", `200 {"in":"7 text/x "}`},
		"too large":     {"/raw/7", "12345678901", "text/x", `413 invalid: the body has more than 10 bytes`},
		"csv":           {"/csv", "a,b", "text/csv; charset=utf-8", `200 {"in":"a,b"}`},
		"no csv":        {"/csv", "a,b", "text/plain", `415 invalid: the body's type is not supported: send text/csv`},
		"form":          {"/form", parts, "multipart/form-data; boundary=B", `200 {"in":"a=1,b=2"}`},
		"no form":       {"/form", parts, "application/json", `415 invalid: the body's type is not supported: send multipart/form-data with a boundary`},
		"no boundary":   {"/form", parts, "multipart/form-data", `415 invalid: the body's type is not supported: send multipart/form-data with a boundary`},
		"raw and query": {"/raw/7?x=1", "abc", "text/x", `422 invalid; query.x: unknown parameter`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodPost, test.path, strings.NewReader(test.body))
			r.Header.Set("Content-Type", test.typ)
			w := httptest.NewRecorder()
			e.ServeHTTP(w, r)
			if got := summary(t, w); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestCustomValidator(t *testing.T) {
	t.Parallel()
	set := schema.New()
	set.Custom = func(typ reflect.Type) (func(any) []registry.Field, error) {
		if typ != reflect.TypeFor[bankRequest]() {
			t.Errorf("asked for %s", typ)
		}
		return func(doc any) []registry.Field {
			if want := map[string]any{"ID": "abc", "amount": 13.0}; reflect.DeepEqual(doc, want) {
				return []registry.Field{{Location: "amount", Message: "brings bad luck"}}
			}
			return nil
		}, nil
	}
	e := edgeOf(t, httpedge.Config{Backend: &backend{}, Schemas: set}, deposit())
	for body, want := range map[string]string{
		`{"amount":13}`:           `422 invalid; amount: brings bad luck`,
		`{"amount":-1}`:           `200 {"balance":-1,"version":3}`, // the tags' rules are replaced
		`{"amount":1,"Amount":1}`: `422 invalid; body.Amount: unknown field`,
		`{"amount":"x"}`:          `422 invalid; body.amount: string does not fit int64`,
	} {
		if got := summary(t, call(e, "POST", "/accounts/abc/deposits", body)); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", body, got, want)
		}
	}
}

var _ http.Handler = (*httpedge.Edge)(nil)
