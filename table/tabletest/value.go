package tabletest

import (
	"math"
	"strings"

	"github.com/talix-dev/talix/table"
)

func valueCases() []testCase {
	return []testCase{
		{"ValuesComeBack", valuesComeBack},
		{"BigTextsComeBack", bigTextsComeBack},
		{"NaNIsNull", nanIsNull},
		{"IntFitsFloat", intFitsFloat},
		{"WrongKindsAreRefused", wrongKindsAreRefused},
		{"KeysOfEveryKind", keysOfEveryKind},
	}
}

// everything has a column of each kind.
func everything() *table.Schema {
	return &table.Schema{Name: "everything", Fingerprint: "1", Columns: []table.Column{
		{Name: "id", Kind: table.Int, Key: true},
		{Name: "i", Kind: table.Int, Null: true, Index: true},
		{Name: "f", Kind: table.Float, Null: true, Index: true},
		{Name: "t", Kind: table.Text, Null: true, Index: true},
		{Name: "b", Kind: table.Blob, Null: true, Index: true},
	}}
}

func rowsOfEverything() [][]table.Value {
	bytes := make([]byte, 256)
	for i := range bytes {
		bytes[i] = byte(i)
	}
	values := [][]table.Value{
		{{}, {}, {}, {}},
		{table.IntValue(0), table.FloatValue(0), table.TextValue(""), table.BlobValue("")},
		{table.IntValue(math.MaxInt64), table.FloatValue(math.MaxFloat64), table.TextValue("ünïcode 世界 🎈"), table.BlobValue(string(bytes))},
		{table.IntValue(math.MinInt64), table.FloatValue(-math.MaxFloat64), table.TextValue("a'b\"c\\d\n\t;--"), table.BlobValue("\x00")},
		{table.BoolValue(true), table.FloatValue(math.SmallestNonzeroFloat64), table.TextValue("12"), table.BlobValue("12")},
		{table.BoolValue(false), table.FloatValue(math.Inf(1)), table.TextValue("NULL"), table.BlobValue("text")},
		{table.IntValue(-1), table.FloatValue(math.Inf(-1)), table.TextValue("1e3"), table.BlobValue("\xff\xfe")},
		{table.IntValue(1 << 53), table.FloatValue(1 << 53), table.TextValue(" "), table.BlobValue(" ")},
		{table.IntValue(1<<53 + 1), table.FloatValue(0.1), table.TextValue("0"), table.BlobValue("0")},
	}
	for i, v := range values {
		values[i] = append([]table.Value{table.IntValue(int64(i))}, v...)
	}
	return values
}

// valuesComeBack with the same kind, from Get and from Query.
func valuesComeBack(f *fixture) {
	s, rows := f.made(everything()), rowsOfEverything()
	f.put(s, rows...)
	for _, row := range rows {
		f.wantRow(s, row[0], row)
	}
	f.wantRows(rows, "SELECT id, i, f, t, b FROM everything ORDER BY id")
}

// bigTextsComeBack, from columns without an index: not every database can
// index what is larger than a page.
func bigTextsComeBack(f *fixture) {
	s := f.made(&table.Schema{Name: "large", Fingerprint: "1", Columns: []table.Column{
		{Name: "id", Kind: table.Int, Key: true}, {Name: "t", Kind: table.Text}, {Name: "b", Kind: table.Blob}}})
	for i, size := range []int{1000, 5000, 1 << 16, 8 << 20} {
		row := []table.Value{table.IntValue(int64(i)),
			table.TextValue(strings.Repeat("ä", size/2)), table.BlobValue(strings.Repeat("\x00\xff", size/2))}
		f.put(s, row)
		f.wantRow(s, row[0], row)
		f.wantRows([][]table.Value{row[1:]}, "SELECT t, b FROM large WHERE id = :id", arg("id", row[0]))
	}
}

// nanIsNull: not every database has NaN, and none compares it alike.
func nanIsNull(f *fixture) {
	s := f.made(everything())
	f.put(s, []table.Value{table.IntValue(1), {}, table.FloatValue(math.NaN()), {}, {}})
	f.wantRow(s, table.IntValue(1), []table.Value{table.IntValue(1), {}, {}, {}, {}})
	strict := f.made(&table.Schema{Name: "strict", Fingerprint: "1", Columns: []table.Column{
		{Name: "id", Kind: table.Int, Key: true}, {Name: "f", Kind: table.Float}}})
	f.refused(strict, []table.Value{table.IntValue(1), table.FloatValue(math.NaN())})
}

func intFitsFloat(f *fixture) {
	s := f.made(everything())
	f.put(s, []table.Value{table.IntValue(1), {}, table.IntValue(7), {}, {}})
	f.wantRow(s, table.IntValue(1), []table.Value{table.IntValue(1), {}, table.FloatValue(7), {}, {}})
}

// refused: Put fails, and nothing of its transaction stays.
func (f *fixture) refused(s *table.Schema, row []table.Value) {
	f.Helper()
	err := f.store.Update(f.Context(), func(tx table.Tx) error { return tx.Put(s, row) })
	if err == nil {
		f.Errorf("Put took %v", row)
	}
	f.wantCount(0, s.Name)
}

func wrongKindsAreRefused(f *fixture) {
	s := f.made(people())
	f.refused(s, []table.Value{table.TextValue("1"), {}, {}})
	f.refused(s, []table.Value{{}, table.TextValue("Ada"), {}})
	f.refused(s, []table.Value{table.IntValue(1), table.TextValue("Ada"), {}})
	f.refused(s, []table.Value{table.TextValue("1"), table.IntValue(1), {}})
	f.refused(s, []table.Value{table.TextValue("1"), table.TextValue("Ada"), table.TextValue("36")})
	f.refused(s, []table.Value{table.TextValue("1"), table.TextValue("Ada"), table.FloatValue(36)})
	f.refused(s, []table.Value{table.TextValue("1"), table.BlobValue("Ada"), {}})
	f.refused(s, []table.Value{table.TextValue("1"), table.TextValue("Ada")})
	f.refused(s, append(person("1", "Ada", 36), table.Value{}))
	numbers := f.made(&table.Schema{Name: "numbers", Fingerprint: "1", Columns: []table.Column{{Name: "id", Kind: table.Int, Key: true}}})
	f.refused(numbers, []table.Value{{}})
	f.refused(numbers, []table.Value{table.TextValue("1")})
}

func keysOfEveryKind(f *fixture) {
	keys := map[table.Kind][]table.Value{
		table.Int:   {table.IntValue(math.MinInt64), table.IntValue(0), table.IntValue(math.MaxInt64)},
		table.Float: {table.FloatValue(-0.5), table.FloatValue(1e300)},
		table.Text:  {table.TextValue(""), table.TextValue("a"), table.TextValue("A"), table.TextValue("a ")},
		table.Blob:  {table.BlobValue(""), table.BlobValue("\x00"), table.BlobValue("\x00\x00")},
	}
	for kind, of := range keys {
		s := f.made(&table.Schema{Name: "keys", Fingerprint: string(rune('0' + kind)), Columns: []table.Column{
			{Name: "v", Kind: table.Int}, {Name: "k", Kind: kind, Key: true}}})
		for i, key := range of {
			f.put(s, []table.Value{table.IntValue(int64(i)), key})
		}
		for i, key := range of {
			f.wantRow(s, key, []table.Value{table.IntValue(int64(i)), key})
		}
	}
}
