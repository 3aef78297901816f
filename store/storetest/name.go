package storetest

import (
	"strings"

	"github.com/talix-dev/talix/store"
)

func nameCases() []testCase {
	return []testCase{
		{name: "OddNames", run: oddNames},
		{name: "SimilarNamesAreApart", run: similarNamesAreApart},
	}
}

func oddNames(f *fixture) {
	for _, id := range []string{
		" ", "a b", " leading", "trailing ", "a/b/c", "%41", "'; DROP TABLE events; --", `\"`, "\t\r\n", "*", "null",
		"漢字", "Zoë", "\U0001F469\u200D\U0001F680", "\u202Eright to left", "\ufeffbom",
		"\xff\xfe\x80 not UTF-8", "\x01\x02\x7f", strings.Repeat("long ", 400),
	} {
		s := store.Stream{Type: "thing", ID: id}
		f.roundTrip(s, f.event(s, 1), f.event(s, 2))
		s = store.Stream{Type: id, ID: "1"}
		f.roundTrip(s, f.event(s, 1))
	}
}

// similarNamesAreApart: names are compared byte by byte.
func similarNamesAreApart(f *fixture) {
	long := strings.Repeat("x", 1000)
	names := []store.Stream{
		{Type: "ab", ID: "c"}, {Type: "a", ID: "bc"}, {Type: "a/b", ID: "c"}, {Type: "a", ID: "b/c"},
		{Type: "n", ID: "1"}, {Type: "n", ID: "01"}, {Type: "n", ID: "1.0"}, {Type: "n", ID: "1e0"}, {Type: "n", ID: " 1"},
		{Type: "case", ID: "a"}, {Type: "case", ID: "A"}, {Type: "Case", ID: "a"},
		{Type: "space", ID: "a"}, {Type: "space", ID: "a "}, {Type: "space", ID: " a"}, {Type: "space ", ID: "a"},
		{Type: "form", ID: "é"}, {Type: "form", ID: "e\u0301"}, {Type: "form", ID: "e"},
		{Type: "long", ID: long + "1"}, {Type: "long", ID: long + "2"}, {Type: "long", ID: long},
	}
	for i, s := range names {
		p := store.PartitionOf(s, f.store.Partitions())
		f.durable(p, f.batch(s, 0, i+1))
	}
	for i, s := range names {
		f.wantVersion(s, store.Version(i+1))
	}
}
