package schema_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/schema"
	"github.com/talix-dev/talix/internal/schema/testdata/other"
)

type movement struct {
	Amount int64 `json:"amount" minimum:"1" maximum:"1000000000000"`
}

// Decimal reads a text and refuses what is no number.
type Decimal string

func (d *Decimal) UnmarshalText(text []byte) error {
	if err := json.Unmarshal(text, new(float64)); err != nil {
		return errDecimal
	}
	*d = Decimal(text)
	return nil
}

func (d Decimal) MarshalText() ([]byte, error) { return []byte(d), nil }

type decimalError struct{}

func (decimalError) Error() string { return "is no decimal" }

var errDecimal error = decimalError{}

// Own reads JSON by its own code and says no more.
type Own struct{ x any }

func (o *Own) UnmarshalJSON(data []byte) error { return json.Unmarshal(data, &o.x) }
func (o Own) MarshalJSON() ([]byte, error)     { return json.Marshal(o.x) }

type inner struct {
	Code string `json:"code" pattern:"^[A-Z]+$"`
}

type embedded struct {
	Deep string `json:"deep,omitempty" maxLength:"3"`
}

type order struct {
	embedded
	Name    string            `json:"name" minLength:"2" maxLength:"5"`
	Kind    string            `json:"kind" enum:"a,b"`
	Level   int32             `json:"level,omitempty" enum:"1,2"`
	Items   []inner           `json:"items" minItems:"1" maxItems:"2"`
	Tags    []string          `json:"tags,omitempty" uniqueItems:"true" minLength:"1"`
	Extra   map[string]int    `json:"extra,omitempty" maxProperties:"2"`
	At      *time.Time        `json:"at,omitempty"`
	Price   Decimal           `json:"price,omitempty"`
	Data    []byte            `json:"data,omitempty"`
	Any     any               `json:"any,omitempty"`
	Own     Own               `json:"own,omitzero"`
	Self    *order            `json:"self,omitempty"`
	Maybe   *int              `json:"maybe"`
	Mail    string            `json:"mail,omitempty" format:"email" dependentRequired:"level"`
	Labels  map[string]string `json:"labels,omitempty"`
	Ignored string            `json:"-"`
	With    int               `json:"with" default:"5"`
}

const goodOrder = `{"name":"abc","kind":"a","items":[{"code":"X"}],"maybe":null}`

// checks are documents and what is wrong with them.
var checks = map[string]struct{ doc, want string }{
	"good":                   {goodOrder, ""},
	"no object":              {`[1]`, "body: expected object"},
	"null":                   {`null`, "body: expected object"},
	"too short":              {edited("name", `"a"`), "body.name: expected length >= 2"},
	"runes":                  {edited("name", `"äöüäö"`), ""},
	"wrong type":             {edited("name", `5`), "body.name: expected string"},
	"missing":                {edited("name", ``), "body.name: is required"},
	"null for a string":      {edited("name", `null`), "body.name: expected string"},
	"enum":                   {edited("kind", `"c"`), `body.kind: expected value to be one of "a, b"`},
	"number enum":            {edited("level", `2`), ""},
	"number not in enum":     {edited("level", `3`), `body.level: expected value to be one of "1, 2"`},
	"fraction":               {edited("level", `1.5`), `body.level: expected integer; body.level: expected value to be one of "1, 2"`},
	"unknown":                {edited("foo", `1`), "body.foo: unknown field"},
	"other case":             {edited("Name", `"x"`), "body.Name: unknown field"},
	"dotted unknown":         {edited("a.b", `1`), "body.a.b: unknown field"},
	"empty name":             {edited("", `1`), "body.: unknown field"},
	"left out of JSON":       {edited("Ignored", `"x"`), "body.Ignored: unknown field"},
	"nested":                 {edited("items", `[{"code":"X"},{"code":"x"}]`), "body.items[1].code: expected string to match pattern ^[A-Z]+$"},
	"nested unknown":         {edited("items", `[{"code":"X","Code":"x"}]`), "body.items[0].Code: unknown field"},
	"null is no way around":  {edited("items", `null`), "body.items: expected array"},
	"too few":                {edited("items", `[]`), "body.items: expected at least 1 items"},
	"too many":               {edited("items", `[{"code":"X"},{"code":"X"},{"code":"X"}]`), "body.items: expected at most 2 items"},
	"item rule":              {edited("tags", `["a",""]`), "body.tags[1]: expected length >= 1"},
	"unique":                 {edited("tags", `["a","a"]`), "body.tags: expected items to be unique"},
	"unique, not hashable":   {edited("tags", `[{},[]]`), "body.tags[0]: expected string; body.tags[1]: expected string"},
	"map value":              {edited("extra", `{"a":"b"}`), "body.extra.a: expected integer"},
	"map size":               {edited("extra", `{"a":1,"b":2,"c":3}`), "body.extra: expected at most 2 properties"},
	"time":                   {edited("at", `"2025-01-02T03:04:05Z"`), ""},
	"no time":                {edited("at", `"yesterday"`), "body.at: expected string to be RFC 3339 date-time"},
	"text":                   {edited("price", `11`), "body.price: expected string"},
	"empty bytes":            {edited("data", `""`), ""},
	"bytes":                  {edited("data", `"%%"`), "body.data: expected string to be base64 encoded"},
	"any":                    {edited("any", `{"a":[1,{}]}`), ""},
	"own JSON":               {edited("own", `[1]`), ""},
	"recursive":              {edited("self", goodOrder), ""},
	"recursive wrong":        {edited("self", edited("self", `{}`)), "body.self.self.name: is required; body.self.self.kind: is required; body.self.self.items: is required; body.self.self.maybe: is required"},
	"dependent":              {edited("mail", `"a@b.c"`), "body.level: is required when mail is given"},
	"format":                 {edited("mail", `"ab"`), "body.mail: expected string to be RFC 5322 email: mail: missing '@' or angle-addr; body.level: is required when mail is given"},
	"embedded":               {edited("deep", `"long"`), "body.deep: expected length <= 3"},
	"optional may be null":   {edited("deep", `null`), ""},
	"default not required":   {edited("with", ``), ""},
	"default of wrong type":  {edited("with", `""`), "body.with: expected integer"},
	"array in place of map":  {edited("extra", `[]`), "body.extra: expected object"},
	"object in place of any": {edited("items", `{}`), "body.items: expected array"},
}

// edited is goodOrder with another value for one name; "" takes it out.
func edited(key, value string) string {
	var m map[string]json.RawMessage
	if err := json.Unmarshal([]byte(goodOrder), &m); err != nil {
		panic(err)
	}
	if m[key] = json.RawMessage(value); value == "" {
		delete(m, key)
	}
	data, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return string(data)
}

func TestCheck(t *testing.T) {
	t.Parallel()
	c := checker[order](t)
	for name, test := range checks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var doc any
			if err := json.Unmarshal([]byte(test.doc), &doc); err != nil {
				t.Fatal(err)
			}
			if got := text(c.Check(doc, "body")); got != test.want {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}

func TestValue(t *testing.T) {
	t.Parallel()
	c := checker[order](t)
	good := func() order { return order{Name: "abc", Kind: "a", Items: []inner{{"X"}}} }
	with := func(edit func(*order)) order {
		o := good()
		edit(&o)
		return o
	}
	cycle := good()
	cycle.Self = &cycle
	for name, test := range map[string]struct {
		in   order
		want string
	}{
		"good":           {good(), ""},
		"too short":      {with(func(o *order) { o.Name = "" }), "name: expected length >= 2"},
		"enum":           {with(func(o *order) { o.Level = 7 }), `level: expected value to be one of "1, 2"`},
		"left out":       {with(func(o *order) { o.Level = 0 }), ""},
		"nil slice":      {with(func(o *order) { o.Items = nil }), "items: expected at least 1 items"},
		"nested":         {with(func(o *order) { o.Items = []inner{{"X"}, {"x"}} }), "items[1].code: expected string to match pattern ^[A-Z]+$"},
		"item rule":      {with(func(o *order) { o.Tags = []string{"a", ""} }), "tags[1]: expected length >= 1"},
		"unique":         {with(func(o *order) { o.Tags = []string{"a", "a"} }), "tags: expected items to be unique"},
		"map size":       {with(func(o *order) { o.Extra = map[string]int{"a": 1, "b": 2, "c": 3} }), "extra: expected at most 2 properties"},
		"dependent":      {with(func(o *order) { o.Mail = "a@b.c" }), "level: is required when mail is given"},
		"dependent good": {with(func(o *order) { o.Mail, o.Level = "a@b.c", 1 }), ""},
		"embedded":       {with(func(o *order) { o.Deep = "long" }), "deep: expected length <= 3"},
		"recursive":      {with(func(o *order) { o.Self = &order{} }), `self.name: expected length >= 2; self.kind: expected value to be one of "a, b"; self.items: expected at least 1 items`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := text(c.Value(test.in)); got != test.want {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
	if got := text(c.Value(cycle)); !strings.HasSuffix(got, "is nested too deep, or refers to itself") {
		t.Errorf("a value that refers to itself: got %q", got)
	}
}

// TestSame holds Value to Check: a Go value and its JSON are judged alike.
func TestSame(t *testing.T) {
	t.Parallel()
	type all struct {
		S  string            `json:"s" minLength:"1"`
		P  *string           `json:"p" minLength:"1"`
		O  *string           `json:"o,omitempty" minLength:"1"`
		I  int8              `json:"i" minimum:"1"`
		U  uint64            `json:"u" maximum:"3"`
		F  float32           `json:"f" exclusiveMinimum:"0"`
		B  []byte            `json:"b" minLength:"4"`
		D  Decimal           `json:"d" maxLength:"2"`
		L  []int             `json:"l" minimum:"1"`
		M  map[string]inner  `json:"m"`
		R  json.RawMessage   `json:"r,omitempty"`
		T  time.Time         `json:"t" required:"true"`
		In struct{ X inner } `json:"in"`
	}
	c := checker[all](t)
	empty, full := "", "x"
	for i, in := range []all{
		{M: map[string]inner{}, B: []byte{}},
		{S: "x", P: &full, O: &full, I: 1, U: 3, F: 1, B: []byte("xxxx"), D: "1", L: []int{1}, M: map[string]inner{"a": {"X"}}, In: struct{ X inner }{inner{"X"}}},
		{S: "x", P: &empty, O: &empty, I: -1, U: 4, F: -1, B: []byte("x"), D: "1111", L: []int{0, 1, 0}, M: map[string]inner{"a": {"X"}, "b": {"x"}}, R: json.RawMessage(`[]`)},
	} {
		data, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		var doc any
		if err := json.Unmarshal(data, &doc); err != nil {
			t.Fatal(err)
		}
		want := strings.ReplaceAll(text(c.Check(doc, "body")), "body.", "")
		if got := text(c.Value(in)); got != want {
			t.Errorf("%d: Value says %q\nCheck says %q", i, got, want)
		}
	}
}

func TestTrivial(t *testing.T) {
	t.Parallel()
	type plain struct {
		A string         `json:"a" doc:"Something."`
		B []int          `json:"b"`
		C map[string]any `json:"c"`
		D *plain2        `json:"d,omitempty"`
	}
	if !checker[plain](t).Trivial() {
		t.Error("a type without rules is not trivial")
	}
	if checker[movement](t).Trivial() || checker[[]movement](t).Trivial() || checker[map[string]*movement](t).Trivial() {
		t.Error("a type with rules is trivial")
	}
}

type plain2 struct {
	Self *plain2
	T    time.Time
}

type nested struct {
	In []struct {
		X string `minLength:"x"`
	}
}

// badTags are types and what their error says.
var badTags = map[string]struct {
	typ  reflect.Type
	want []string
}{
	"bad int": {typeOf[struct {
		A string `minLength:"x"`
	}](), []string{"field A", "minLength"}},
	"bad pattern": {typeOf[struct {
		A string `pattern:"["`
	}](), []string{"field A", "pattern", "missing closing"}},
	"bad float": {typeOf[struct {
		A int `minimum:"x"`
	}](), []string{"field A", "minimum"}},
	"bad default": {typeOf[struct {
		A int `default:"x"`
	}](), []string{"field A"}},
	"bad enum": {typeOf[struct {
		A int `enum:"x"`
	}](), []string{"field A"}},
	"wrong kind": {typeOf[struct {
		A int `minLength:"1"`
	}](), []string{"field A", "minLength is a rule for string"}},
	"wrong kind 2": {typeOf[struct {
		A string `minItems:"1"`
	}](), []string{"field A", "minItems is a rule for array"}},
	"on a struct": {typeOf[struct {
		A inner `pattern:"x"`
	}](), []string{"field A", "pattern"}},
	"min above max": {typeOf[struct {
		A int `minimum:"2" maximum:"1"`
	}](), []string{"field A", "minimum is above maximum"}},
	"no JSON":  {typeOf[struct{ A chan int }](), []string{"field A", "chan int"}},
	"function": {typeOf[struct{ A []func() }](), []string{"field A", "func()"}},
	"unique": {typeOf[struct {
		A []inner `uniqueItems:"true"`
	}](), []string{"field A", "uniqueItems"}},
	"multiple of 0": {typeOf[struct {
		A int `multipleOf:"0"`
	}](), []string{"field A", "multipleOf"}},
	"dependent": {typeOf[struct {
		A int `dependentRequired:"b"`
	}](), []string{"dependent field 'b'"}},
	"string option": {typeOf[struct {
		A int `json:"a,string"`
	}](), []string{"field A", ",string"}},
	"byte array": {typeOf[struct{ A [4]byte }](), []string{"field A", "[]byte"}},
	"nested":     {typeOf[nested](), []string{"schema_test.nested", "field In", "field X", "minLength"}},
	"two at once": {typeOf[struct {
		A int    `minimum:"x"`
		B string `pattern:"["`
	}](), []string{"field A", "field B"}},
	"required": {typeOf[struct {
		A int `required:"true" default:"1"`
	}](), []string{"field A", "default"}},
}

func TestBadTags(t *testing.T) {
	t.Parallel()
	for name, test := range badTags {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := schema.New().Checker(test.typ)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
		})
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	type movement struct{ Other int }
	s := schema.New()
	refs := map[string]bool{}
	for _, typ := range []reflect.Type{
		typeOf[other.Row](), typeOf[row](), typeOf[other.Page[other.Row]](), typeOf[other.Page[row]](),
		typeOf[movement](), typeOf[outerMovement](),
		typeOf[struct{ A int }](), typeOf[struct{ B int }](),
	} {
		ref, err := s.Schema(typ, "Input")
		if err != nil {
			t.Fatal(err)
		}
		data, err := json.Marshal(ref)
		if err != nil {
			t.Fatal(err)
		}
		if refs[string(data)] {
			t.Errorf("%s shares the name %s", typ, data)
		}
		refs[string(data)] = true
		t.Logf("%s is %s", typ, data)
	}
	for name := range s.Schemas() {
		if strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != "" {
			t.Errorf("name %q needs escapes", name)
		}
	}
}

type outerMovement = movement

type row struct{ B int }

func (row) Name() string { return "" }

// Row has the name of another package's type.
type Row = row

func TestLocate(t *testing.T) {
	t.Parallel()
	c := checker[order](t)
	for doc, want := range map[string]string{
		`{"level":1e2}`:                    "body.level: number 1e2 does not fit int32",
		`{"level":99999999999}`:            "body.level: number 99999999999 does not fit int32",
		`{"self":{"price":"x"}}`:           "body.self.price: is no decimal",
		`{"items":[{"code":1}]}`:           "body.items[0].code: number does not fit string",
		`{"name":"a"}`:                     "body: does not fit schema_test.order",
		`{"extra":{"a":1,"b":1.5}}`:        "body.extra.b: number 1.5 does not fit int",
		`{"at":"2025-13-01T00:00:00Z"}`:    `body.at: parsing time "2025-13-01T00:00:00Z": month out of range`,
		`{"maybe":123456789012345678901}`:  "body.maybe: number 123456789012345678901 does not fit int",
		`{"foo":1,"maybe":12345678901e40}`: "body.maybe: number 12345678901e40 does not fit int",
	} {
		if got := text(c.Locate([]byte(doc), "body")); got != want {
			t.Errorf("%s: got %q\nwant %q", doc, got, want)
		}
	}
}

func TestCustom(t *testing.T) {
	t.Parallel()
	var seen any
	s := schema.New()
	s.Custom = func(t reflect.Type) (func(any) []registry.Field, error) {
		if t != typeOf[order]() {
			return nil, nil
		}
		return func(doc any) []registry.Field {
			seen = doc
			return []registry.Field{{Location: "here", Message: "no"}}
		}, nil
	}
	c, err := s.Checker(typeOf[order]())
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2025, 1, 2, 3, 4, 5, 0, time.UTC)
	in := order{Name: "x", At: &at, Data: []byte("abc"), Any: map[string]int{"a": 1}, Own: Own{[]int{1}}, Price: "1.5",
		Extra: map[string]int{"b": 2}, Items: []inner{{"q"}}, Self: &order{Name: "y", Items: []inner{}}}
	if got := text(c.Value(in)); got != "here: no" {
		t.Errorf("got %q", got)
	}
	var want any
	data, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(seen, want) {
		t.Errorf("the check got %v\nwant          %v", seen, want)
	}
	if got := text(c.Check(map[string]any{"foo": 1.0}, "body")); !strings.Contains(got, "body.foo: unknown field") {
		t.Errorf("a custom check lets unknown fields pass: %q", got)
	}
	other, err := s.Checker(typeOf[movement]())
	if err != nil {
		t.Fatal(err)
	}
	if !other.Trivial() || other.Value(movement{}) != nil || other.Check(map[string]any{"amount": -1.0}, "body") != nil {
		t.Error("a nil check checks something")
	}
}

// Foreign says its own schema, on which huma panics.
type Foreign []any

// Schema is what huma asks for.
func (Foreign) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeArray, UniqueItems: true, Items: &huma.Schema{}}
}

func TestForeignSchema(t *testing.T) {
	t.Parallel()
	c := checker[struct {
		F Foreign `json:"f"`
	}](t)
	if got := text(c.Check(map[string]any{"f": []any{1.0, 1.0}}, "body")); got != "body.f: expected array items to be unique" {
		t.Errorf("got %q", got)
	}
	if got := text(c.Check(map[string]any{"f": []any{map[string]any{}}}, "body")); got != "body.f: does not fit its schema" {
		t.Errorf("got %q", got)
	}
}

func TestValueIsCheap(t *testing.T) {
	c := checker[movement](t)
	var in any = movement{Amount: 12345}
	if n := testing.AllocsPerRun(100, func() { c.Value(in) }); n > 4 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkValue(b *testing.B) {
	c := checker[movement](b)
	var in any = movement{Amount: 12345}
	b.ReportAllocs()
	for b.Loop() {
		if c.Value(in) != nil {
			b.Fatal("refused")
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	c := checker[movement](b)
	doc := any(map[string]any{"amount": 12345.0})
	b.ReportAllocs()
	for b.Loop() {
		if c.Check(doc, "body") != nil {
			b.Fatal("refused")
		}
	}
}

func FuzzCheck(f *testing.F) {
	f.Add([]byte(goodOrder))
	f.Add([]byte(`{"tags":[{},[]],"self":{"items":null}}`))
	c := checker[order](f)
	f.Fuzz(func(t *testing.T, data []byte) {
		var doc any
		if json.Unmarshal(data, &doc) != nil {
			return
		}
		if c.Check(doc, "body") != nil {
			c.Locate(data, "body")
			return
		}
		var in order
		if json.Unmarshal(data, &in) != nil && len(c.Locate(data, "body")) == 0 {
			t.Error("refused without a reason")
		}
	})
}

func checker[T any](t testing.TB) *schema.Checker {
	t.Helper()
	c, err := schema.New().Checker(typeOf[T]())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func typeOf[T any]() reflect.Type { return reflect.TypeFor[T]() }

func text(fields []registry.Field) string {
	var b strings.Builder
	for i, f := range fields {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(f.Location + ": " + f.Message)
	}
	return b.String()
}
