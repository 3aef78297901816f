package rowmap_test

import (
	"encoding/json"
	"fmt"
	"math"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/talix-dev/talix/internal/rowmap"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/table"
)

type status string

type address struct {
	Street string
	City   string `db:"town,index"`
}

// everything has a column of each kind.
type everything struct {
	ID         string
	DocumentID store.ID
	HTTPPort   uint16
	Status     status
	Small      int8
	Large      int64
	Count      uint64
	Ratio      float64
	Single     float32
	Done       bool
	At         time.Time
	Raw        []byte
	Address    netip.Addr
	address
	Name    *string
	Paid    *time.Time
	Limit   *int
	Tags    []string
	Scores  map[string]float64
	Nested  struct{ A, B int }
	Doc     json.RawMessage
	Any     any
	Skipped chan int `db:"-"`
	Points  [2]int
	Inner   *address
}

func plan(tb testing.TB, t reflect.Type) *rowmap.Plan {
	tb.Helper()
	p, faults := rowmap.Compile(t)
	if len(faults) > 0 {
		tb.Fatal(faults)
	}
	return p
}

func TestColumns(t *testing.T) {
	t.Parallel()
	p := plan(t, reflect.TypeFor[everything]())
	want := []table.Column{
		{Name: "id", Kind: table.Text, Key: true},
		{Name: "document_id", Kind: table.Text},
		{Name: "http_port", Kind: table.Int},
		{Name: "status", Kind: table.Text},
		{Name: "small", Kind: table.Int},
		{Name: "large", Kind: table.Int},
		{Name: "count", Kind: table.Int},
		{Name: "ratio", Kind: table.Float},
		{Name: "single", Kind: table.Float},
		{Name: "done", Kind: table.Int},
		{Name: "at", Kind: table.Text},
		{Name: "raw", Kind: table.Blob, Null: true},
		{Name: "address", Kind: table.Text},
		{Name: "street", Kind: table.Text},
		{Name: "town", Kind: table.Text, Index: true},
		{Name: "name", Kind: table.Text, Null: true},
		{Name: "paid", Kind: table.Text, Null: true},
		{Name: "limit", Kind: table.Int, Null: true},
		{Name: "tags", Kind: table.Text},
		{Name: "scores", Kind: table.Text},
		{Name: "nested", Kind: table.Text},
		{Name: "doc", Kind: table.Text},
		{Name: "any", Kind: table.Text},
		{Name: "points", Kind: table.Text},
		{Name: "inner", Kind: table.Text, Null: true},
	}
	if diff := cmp.Diff(want, p.Columns()); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
	if p.Exact() {
		t.Error("a type with JSON is said to be exact")
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"DocumentID": "document_id", "HTTPPort": "http_port", "ID": "id", "Name": "name", "CreatedAt": "created_at",
		"IDs": "ids", "DocIDs": "doc_ids", "URLsSeen": "urls_seen", "A": "a", "AB": "ab", "Line2Total": "line2_total",
		"Snake_Case": "snake_case", "SHA256Sum": "sha256_sum", "AsIs": "as_is", "Größe": "größe",
	} {
		if got := rowmap.Snake(name); got != want {
			t.Errorf("Snake(%q) is %q, want %q", name, got, want)
		}
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	type tagged struct {
		ID   int
		Name string `db:"name,key"`
	}
	type uuid struct{ ID store.ID }
	p := plan(t, reflect.TypeFor[tagged]())
	row := &tagged{}
	if err := p.SetKey(reflect.ValueOf(row).Elem(), []table.Value{table.TextValue("x")}); err != nil || row.Name != "x" || !slices.Equal(p.Key(), []int{1}) || p.KeyFault() != nil {
		t.Errorf("the tagged key: row %+v, index %d, fault %v, error %v", row, p.Key(), p.KeyFault(), err)
	}
	p = plan(t, reflect.TypeFor[uuid]())
	id := "01890a5d-ac96-774b-bcce-b302099a8057"
	byID := &uuid{}
	if err := p.SetKey(reflect.ValueOf(byID).Elem(), []table.Value{table.TextValue(id)}); err != nil || byID.ID.String() != id {
		t.Errorf("a key with text methods: %v, %v", byID, err)
	}
	for _, bad := range []string{"x", strings.ToUpper(id)} {
		if _, err := p.KeyFromID(nil, reflect.ValueOf(byID).Elem(), bad); err == nil {
			t.Errorf("the key %q, which is not what is written, was taken", bad)
		}
	}
}

type oneWay struct{ A int }

func (oneWay) MarshalText() ([]byte, error) { return nil, nil }

func TestFaults(t *testing.T) {
	t.Parallel()
	type inner struct{ Name string }
	for want, typ := range map[string]reflect.Type{
		"make it a struct":                    reflect.TypeFor[int](),
		"field Ch: chan int can't be stored":  reflect.TypeFor[struct{ Ch chan int }](),
		"field F: func() can't be stored":     reflect.TypeFor[struct{ F func() }](),
		"field C: complex128 can't be stored": reflect.TypeFor[struct{ C complex128 }](),
		"field C of struct { C chan int }":    reflect.TypeFor[struct{ S struct{ C chan int } }](),
		"is an interface, which can't be":     reflect.TypeFor[struct{ E error }](),
		"pointer to a pointer":                reflect.TypeFor[struct{ P **int }](),
		"no UnmarshalText to read it back":    reflect.TypeFor[struct{ W oneWay }](),
		"keys that JSON can't hold":           reflect.TypeFor[struct{ M map[float64]int }](),
		"has no exported field":               reflect.TypeFor[struct{ S struct{ a int } }](),
		"both the column \"name\"":            reflect.TypeFor[struct{ Name, NAME string }](),
		"inner.Name and Name are both the column": reflect.TypeFor[struct {
			inner
			Name string
		}](),
		"an embedded pointer is not supported": reflect.TypeFor[struct{ *address }](),
		"asks for \"uniq\"": reflect.TypeFor[struct {
			A string `db:"a,uniq"`
		}](),
		"column would be named \"my name\"": reflect.TypeFor[struct {
			A string `db:"my name"`
		}](),
	} {
		_, faults := rowmap.Compile(typ)
		if len(faults) != 1 || !strings.Contains(faults[0].Error(), want) {
			t.Errorf("%s: faults %q; want one with %q", typ, faults, want)
		}
	}
}

func TestShapeTellsChanges(t *testing.T) {
	t.Parallel()
	seen := map[string]reflect.Type{}
	for _, typ := range []reflect.Type{
		reflect.TypeFor[struct{ A string }](),
		reflect.TypeFor[struct{ A *string }](),
		reflect.TypeFor[struct{ B string }](),
		reflect.TypeFor[struct{ A int }](),
		reflect.TypeFor[struct{ A uint }](),
		reflect.TypeFor[struct{ A bool }](),
		reflect.TypeFor[struct{ A time.Time }](),
		reflect.TypeFor[struct{ A store.ID }](),
		reflect.TypeFor[struct{ A, B string }](),
		reflect.TypeFor[struct{ B, A string }](),
		reflect.TypeFor[struct{ A []string }](),
		reflect.TypeFor[struct{ A []int }](),
		reflect.TypeFor[struct{ A struct{ B int } }](),
		reflect.TypeFor[struct{ A struct{ C int } }](),
		reflect.TypeFor[struct {
			A struct {
				C int `json:"c"`
			}
		}](),
		reflect.TypeFor[struct {
			A string `db:"a,index"`
		}](),
		reflect.TypeFor[struct {
			A string `db:"a,key"`
		}](),
	} {
		shape := plan(t, typ).Shape()
		if other, ok := seen[shape]; ok {
			t.Errorf("%s and %s have the same shape %q", typ, other, shape)
		}
		seen[shape] = typ
	}
}

func someTime() *rapid.Generator[time.Time] {
	return rapid.Custom(func(t *rapid.T) time.Time {
		from, to := time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC).Unix(), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC).Unix()
		s := rapid.Int64Range(from, to).Draw(t, "seconds")
		return time.Unix(s, rapid.Int64Range(0, 999_999_999).Draw(t, "nanos")).UTC()
	})
}

func someRow(t *rapid.T) *everything {
	var r everything
	r.ID = rapid.String().Draw(t, "id")
	copy(r.DocumentID[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "uuid"))
	r.HTTPPort = rapid.Uint16().Draw(t, "port")
	r.Status = status(rapid.String().Draw(t, "status"))
	r.Small = rapid.Int8().Draw(t, "small")
	r.Large = rapid.Int64().Draw(t, "large")
	r.Count = rapid.Uint64Max(math.MaxInt64).Draw(t, "count")
	r.Ratio = rapid.Float64().Draw(t, "ratio") + 0
	r.Single = rapid.Float32().Draw(t, "single") + 0
	r.Done = rapid.Bool().Draw(t, "done")
	r.At = someTime().Draw(t, "at")
	r.Raw = rapid.SampledFrom([][]byte{nil, {}, {0, 255}, []byte("bytes")}).Draw(t, "raw")
	r.Address = rapid.SampledFrom([]netip.Addr{{}, netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("::1")}).Draw(t, "address")
	r.Street = rapid.String().Draw(t, "street")
	r.Name = rapid.Ptr(rapid.String(), true).Draw(t, "name")
	r.Paid = rapid.Ptr(someTime(), true).Draw(t, "paid")
	r.Limit = rapid.Ptr(rapid.Int(), true).Draw(t, "limit")
	r.Tags = rapid.SampledFrom([][]string{nil, {}, {"<a&b>", "ü"}}).Draw(t, "tags")
	r.Scores = rapid.SampledFrom([]map[string]float64{nil, {}, {"a": 1.5, "b": -0.25}}).Draw(t, "scores")
	r.Nested.A = rapid.Int().Draw(t, "nested")
	r.Doc = rapid.SampledFrom([]json.RawMessage{json.RawMessage("null"), json.RawMessage(`{"a":[1,2]}`)}).Draw(t, "doc")
	r.Any = rapid.SampledFrom([]any{nil, "x", 1.5, true, []any{"y"}, map[string]any{"z": nil}}).Draw(t, "any")
	r.Points[1] = rapid.Int().Draw(t, "point")
	r.Inner = rapid.SampledFrom([]*address{nil, {}, {Street: "s", City: "c"}}).Draw(t, "inner")
	return &r
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	p := plan(t, reflect.TypeFor[everything]())
	var names []string
	for _, c := range p.Columns() {
		names = append(names, strings.ToUpper(c.Name))
	}
	reader, missing := p.Reader(names)
	if len(missing) > 0 {
		t.Fatal(missing)
	}
	rapid.Check(t, func(rt *rapid.T) {
		row := someRow(rt)
		values, err := p.Values(nil, reflect.ValueOf(row).Elem())
		if err != nil {
			rt.Fatal(err)
		}
		for i, c := range p.Columns() {
			if k := values[i].Kind(); k != c.Kind && (k != table.Null || !c.Null) {
				rt.Errorf("column %s has a value of kind %d, not %d", c.Name, k, c.Kind)
			}
		}
		var scanned, read everything
		if err := p.Scan(reflect.ValueOf(&scanned).Elem(), values); err != nil {
			rt.Fatal(err)
		}
		if err := reader.Scan(reflect.ValueOf(&read).Elem(), values); err != nil {
			rt.Fatal(err)
		}
		if !reflect.DeepEqual(*row, scanned) || !reflect.DeepEqual(*row, read) {
			rt.Errorf("wrote %+v\nread %+v", *row, scanned)
		}
	})
}

type plain struct {
	ID    string
	At    time.Time
	Ratio float64
	N     uint
	B     bool
}

// TestSettle: an exact row is, after Settle, what writing and reading makes of
// it.
func TestSettle(t *testing.T) {
	t.Parallel()
	p := plan(t, reflect.TypeFor[plain]())
	if !p.Exact() {
		t.Fatal("a type of plain values is not exact")
	}
	rapid.Check(t, func(rt *rapid.T) {
		zone := time.FixedZone("z", rapid.IntRange(-40000, 40000).Draw(rt, "zone"))
		row := &plain{
			ID: rapid.String().Draw(rt, "id"), At: someTime().Draw(rt, "at").In(zone),
			Ratio: rapid.SampledFrom([]float64{math.Copysign(0, -1), 0, 1, math.Inf(1), math.NaN()}).Draw(rt, "ratio"),
			N:     uint(rapid.Uint64().Draw(rt, "n")),
		}
		v := reflect.ValueOf(row).Elem()
		values, writeErr := p.Values(nil, v)
		settleErr := p.Settle(v)
		if (writeErr == nil) != (settleErr == nil) {
			rt.Fatalf("writing says %v, settling %v", writeErr, settleErr)
		}
		if writeErr != nil {
			return
		}
		var read plain
		if err := p.Scan(reflect.ValueOf(&read).Elem(), values); err != nil {
			rt.Fatal(err)
		}
		if !reflect.DeepEqual(*row, read) || math.Signbit(row.Ratio) != math.Signbit(read.Ratio) {
			rt.Errorf("settled %+v, read %+v", *row, read)
		}
	})
}

func TestTimesSort(t *testing.T) {
	t.Parallel()
	p := plan(t, reflect.TypeFor[struct{ At time.Time }]())
	text := func(rt *rapid.T, at time.Time) string {
		row := struct{ At time.Time }{at}
		values, err := p.Values(nil, reflect.ValueOf(&row).Elem())
		if err != nil {
			rt.Fatal(err)
		}
		return values[0].Text()
	}
	rapid.Check(t, func(rt *rapid.T) {
		a, b := someTime().Draw(rt, "a"), someTime().Draw(rt, "b")
		if got, want := strings.Compare(text(rt, a), text(rt, b)), a.Compare(b); got != want {
			rt.Errorf("%s and %s compare as %d, their texts as %d", a, b, want, got)
		}
		if got := text(rt, a); got != a.Format("2006-01-02T15:04:05.000000000Z") {
			rt.Errorf("%s is written as %s", a, got)
		}
	})
}

func TestScanRefuses(t *testing.T) {
	t.Parallel()
	type row struct {
		S string
		I int8
		U uint
		F float64
		B bool
		T time.Time
		J []int
		P *int8
	}
	text := table.TextValue
	for column, bad := range map[string][]table.Value{
		"s": {{}, table.IntValue(1), table.BlobValue("x")},
		"i": {{}, text("1"), table.IntValue(128), table.FloatValue(1.5)},
		"u": {{}, table.IntValue(-1)},
		"f": {{}, text("1")},
		"b": {{}, table.IntValue(2), text("true")},
		"t": {{}, table.IntValue(1), text("yesterday")},
		"j": {text("{"), text(`["x"]`), table.BlobValue("[]")},
		"p": {text("x"), table.IntValue(1000)},
	} {
		p := plan(t, reflect.TypeFor[row]())
		reader, _ := p.Reader([]string{column})
		for _, v := range bad {
			var r row
			err := reader.Scan(reflect.ValueOf(&r).Elem(), []table.Value{v})
			if err == nil || !strings.Contains(err.Error(), "field "+strings.ToUpper(column)) {
				t.Errorf("column %s took a value of kind %d: %+v, error %v", column, v.Kind(), r, err)
			}
		}
	}
}

func TestScanIsLenientWithNumbersAndDates(t *testing.T) {
	t.Parallel()
	type row struct {
		I int
		F float64
		T time.Time
		J []int
		A any
	}
	p := plan(t, reflect.TypeFor[row]())
	var r row
	err := p.Scan(reflect.ValueOf(&r).Elem(), []table.Value{
		table.FloatValue(3), table.IntValue(4), table.TextValue("2025-03-14 09:26:53"), {}, table.IntValue(5),
	})
	want := row{3, 4, time.Date(2025, 3, 14, 9, 26, 53, 0, time.UTC), nil, 5.0}
	if err != nil || !reflect.DeepEqual(r, want) {
		t.Errorf("read %+v, error %v; want %+v", r, err, want)
	}
}

func TestInput(t *testing.T) {
	t.Parallel()
	type paging struct {
		Limit int `query:"limit" json:"other"`
	}
	type input struct {
		ID      string   `path:"documentId"`
		Tenant  string   `header:"X-Tenant"`
		Vendor  *string  `json:"vendor,omitempty"`
		IDs     []string `query:"ids"`
		MinRate float64
		paging
	}
	in := rowmap.NewInput(reflect.TypeFor[input]())
	if diff := cmp.Diff([]string{"documentId", "X_Tenant", "vendor", "ids", "min_rate", "limit"}, in.Names()); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	v := &input{ID: "d", MinRate: 1.5, paging: paging{7}}
	for name, want := range map[string]table.Value{
		"documentId": table.TextValue("d"), "vendor": {}, "ids": {}, "min_rate": table.FloatValue(1.5), "limit": table.IntValue(7),
	} {
		p, err := in.Param(name)
		if err != nil {
			t.Fatal(err)
		}
		if arg, err := p.Arg(reflect.ValueOf(v).Elem()); err != nil || arg != (table.Arg{Name: name, Value: want}) {
			t.Errorf("parameter %s: %+v, error %v", name, arg, err)
		}
	}
	for name, want := range map[string]string{"other": "is no field of"} {
		if _, err := in.Param(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("parameter %s: %v; want %q", name, err, want)
		}
	}
}

func BenchmarkRow(b *testing.B) {
	type row struct {
		ID      string
		Balance int64
		Version int64
	}
	p := plan(b, reflect.TypeFor[row]())
	v := reflect.ValueOf(&row{}).Elem()
	values, key := []table.Value(nil), []table.Value{table.TextValue("an-id")}
	b.ReportAllocs()
	for b.Loop() {
		_ = p.SetKey(v, key)
		values, _ = p.Values(values[:0], v)
		v.SetZero()
		_ = p.Scan(v, values)
	}
}

func TestKeysOfSeveralFields(t *testing.T) {
	t.Parallel()
	type row struct {
		Sum  float64
		Day  time.Time `db:"day,key"`
		Name string
		Line uint8 `db:"line,key"`
	}
	p := plan(t, reflect.TypeFor[row]())
	if !slices.Equal(p.Key(), []int{1, 3}) || p.KeyFault() != nil || p.IDFault() == nil {
		t.Errorf("key %v, faults %v and %v", p.Key(), p.KeyFault(), p.IDFault())
	}
	at := time.Date(2025, 3, 1, 12, 0, 0, 0, time.FixedZone("here", 3600))
	k, err := p.Keyer(reflect.TypeFor[row]())
	if err != nil {
		t.Fatal(err)
	}
	var fresh row
	key, err := k.Key(nil, reflect.ValueOf(&fresh).Elem(), row{Day: at, Line: 7, Name: "begins so"})
	want := []table.Value{table.TextValue("2025-03-01T11:00:00.000000000Z"), table.IntValue(7)}
	if err != nil || !slices.Equal(key, want) || fresh.Name != "begins so" {
		t.Errorf("key %v of %+v, %v", key, fresh, err)
	}
	var other row
	if err := p.SetKey(reflect.ValueOf(&other).Elem(), key); err != nil || !other.Day.Equal(at) || other.Line != 7 {
		t.Errorf("%+v, %v", other, err)
	}
	if _, err := p.Keyer(reflect.TypeFor[string]()); err == nil {
		t.Error("a string names rows whose key has two fields")
	}
}

func TestKeysThatCannotBe(t *testing.T) {
	t.Parallel()
	type null struct {
		ID *string
	}
	type nested struct {
		ID []string
	}
	type searched struct {
		A string `db:"a,key"`
		B string `db:"b,key,fulltext"`
	}
	for _, typ := range []reflect.Type{reflect.TypeFor[null](), reflect.TypeFor[nested](), reflect.TypeFor[searched]()} {
		if p, faults := rowmap.Compile(typ); len(faults) > 0 || p.KeyFault() == nil {
			t.Errorf("%s: faults %v, and none of its key", typ, faults)
		}
	}
	if _, err := plan(t, reflect.TypeFor[struct{ ID int }]()).Keyer(reflect.TypeFor[int64]()); err == nil {
		t.Error("an int64 names rows whose key is an int")
	}
}

func TestIndexes(t *testing.T) {
	t.Parallel()
	type row struct {
		ID     string
		Vendor string  `db:"vendor,index,index=by_vendor"`
		Number *string `db:"number,unique,fulltext"`
		Month  string  `db:"month,unique=pair,index=by_vendor"`
		Year   int     `db:"year,unique=pair"`
	}
	p := plan(t, reflect.TypeFor[row]())
	want := []table.Index{
		{Columns: []string{"vendor", "month"}}, {Columns: []string{"number"}, Unique: true}, {Columns: []string{"month", "year"}, Unique: true},
	}
	if diff := cmp.Diff(want, p.Indexes()); diff != "" {
		t.Error(diff)
	}
	if c := p.Columns(); !c[1].Index || c[2].Index || !c[2].Fulltext || c[1].Fulltext {
		t.Errorf("columns %+v", c)
	}
	type other struct {
		ID     string
		Vendor string  `db:"vendor,index,index=by_vendor"`
		Number *string `db:"number,unique"`
		Month  string  `db:"month,unique=pair,index=by_vendor"`
		Year   int     `db:"year,unique=pair"`
	}
	if plan(t, reflect.TypeFor[other]()).Shape() == p.Shape() {
		t.Error("the shape does not tell fulltext")
	}
	type wrong struct {
		ID string
		A  string `db:"a,index=x"`
		B  string `db:"b,unique=x"`
		C  int    `db:"c,fulltext"`
		D  string `db:"d,indexed"`
		E  string `db:"e,index="`
	}
	_, faults := rowmap.Compile(reflect.TypeFor[wrong]())
	text := fmt.Sprint(faults)
	for _, part := range []string{`the index "x" is unique for one field`, "field C: only text can be searched", `asks for "indexed"`, `asks for "index="`} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not in the faults %v", part, faults)
		}
	}
}
