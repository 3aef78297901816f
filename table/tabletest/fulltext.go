package tabletest

import (
	"errors"
	"fmt"

	"github.com/talix-dev/talix/table"
)

func fulltextCases() []testCase {
	return []testCase{
		{"FulltextFollowsRows", fulltextFollowsRows},
		{"FulltextOfKeysOfEveryKind", fulltextOfKeysOfEveryKind},
		{"FulltextSurvivesReplace", fulltextSurvivesReplace},
	}
}

// notes is a table whose title and body are searched.
func notes(key table.Kind) *table.Schema {
	return &table.Schema{Name: "notes", Fingerprint: "1", Columns: []table.Column{
		{Name: "id", Kind: key, Key: true},
		{Name: "title", Kind: table.Text, Fulltext: true},
		{Name: "stars", Kind: table.Int},
		{Name: "body", Kind: table.Text, Null: true, Fulltext: true},
	}}
}

func note(id table.Value, title, body string) []table.Value {
	return []table.Value{id, table.TextValue(title), table.IntValue(0), table.TextValue(body)}
}

// wantFound searches a table for words.
func (f *fixture) wantFound(words string, want ...table.Value) {
	f.Helper()
	d, ok := f.store.(table.Dialect)
	if !ok {
		f.Skip("the store does not implement table.Dialect, without which there is no search")
	}
	var rows [][]table.Value
	for _, v := range want {
		rows = append(rows, []table.Value{v})
	}
	f.wantRows(rows, "SELECT id FROM notes WHERE id IN ("+d.Search("notes", "words")+") ORDER BY id", arg("words", d.Terms(words)))
}

func fulltextFollowsRows(f *fixture) {
	s := f.made(notes(table.Text))
	one, two := table.TextValue("1"), table.TextValue("2")
	f.put(s, note(one, "A red house", "by the sea"), note(two, "The sea", ""))
	f.wantFound("sea ", one, two)
	f.wantFound("red ", one)
	f.wantFound("sea red ", one)
	f.wantFound("hou", one)
	f.wantFound("blue ")
	f.put(s, note(one, "A blue house", "by the sea"))
	f.wantFound("red ")
	f.wantFound("blue ", one)
	f.put(s, []table.Value{two, table.TextValue("Nothing"), table.IntValue(1), {}})
	f.wantFound("sea ", one)
	sorry := errors.New("sorry")
	err := f.store.Update(f.Context(), func(tx table.Tx) error {
		return errors.Join(tx.Put(s, note(two, "sea", "sea")), tx.Delete(s, []table.Value{one}), sorry)
	})
	if !errors.Is(err, sorry) {
		f.Errorf("Update says %v", err)
	}
	f.wantFound("sea ", one)
	f.update(func(tx table.Tx) error { return tx.Delete(s, []table.Value{one}) })
	f.wantFound("sea ")
	f.put(s, note(one, "sea", "sea"))
	f.wantFound("sea ", one)
	if err := f.store.Make(f.Context(), []table.Schema{*s}, nil); err != nil {
		f.Fatalf("Make: %v", err)
	}
	f.wantFound("sea ")
}

func fulltextOfKeysOfEveryKind(f *fixture) {
	for kind, keys := range map[table.Kind][2]table.Value{
		table.Int: {table.IntValue(-1), table.IntValue(7)}, table.Float: {table.FloatValue(0.5), table.FloatValue(2)},
		table.Blob: {table.BlobValue(""), table.BlobValue("a")},
	} {
		s := notes(kind)
		s.Fingerprint = fmt.Sprint(kind)
		f.made(s)
		f.put(s, note(keys[0], "sea", ""), note(keys[1], "sea", "house"))
		f.wantFound("sea ", keys[0], keys[1])
		f.put(s, note(keys[1], "land", "house"))
		f.wantFound("sea ", keys[0])
		f.update(func(tx table.Tx) error { return tx.Delete(s, keys[:1]) })
		f.wantFound("sea ")
		f.wantFound("land ", keys[1])
	}
}

func fulltextSurvivesReplace(f *fixture) {
	id := table.TextValue("1")
	as, by := f.made(notes(table.Text)), notes(table.Text)
	f.put(as, note(id, "old", ""))
	for range 3 {
		by.Name = "next_notes"
		f.made(by)
		f.put(by, note(id, "new", ""))
		f.wantFound("old ", id)
		f.wantFound("new ")
		if err := f.store.Replace(f.Context(), []table.Schema{*as}, []table.Schema{*by}, func(table.Tx) error { return nil }); err != nil {
			f.Fatalf("Replace: %v", err)
		}
		f.wantFound("old ")
		f.wantFound("new ", id)
		f.put(as, note(id, "old", ""))
		f.wantFound("old ", id)
		f.wantFound("new ")
	}
	f.update(func(tx table.Tx) error { return tx.Delete(as, []table.Value{id}) })
	f.wantFound("old ")
}
