package charset_test

import (
	"testing"
	"unicode/utf8"

	"github.com/talix-dev/talix/examples/expenses/analyze/charset"
)

func TestDecode(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                                "",
		"Gesamt 12,00 €":                  "Gesamt 12,00 €",
		"\xef\xbb\xbfCafé":                "Café",
		"Caf\xe9 12,00 \x80":              "Café 12,00 €",
		"\xff\xfeC\x00a\x00f\x00\xe9\x00": "Café",
		"\xfe\xff\x00C\x00a\x00f\x00\xe9": "Café",
		"C\x00a\x00f\x00\xe9\x00 \x00":    "Café ",
		"\x00C\x00a\x00f\x00\xe9":         "Café",
		"cut in the middle: \xe2\x82":     "cut in the middle: ",
		"\xe2\x82":                        "",
	} {
		if got := charset.Decode([]byte(in)); got != want {
			t.Errorf("Decode(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("Caf\xe9"))
	f.Add([]byte("\xff\xfeC\x00\x00\xd8"))
	f.Fuzz(func(t *testing.T, in []byte) {
		if got := charset.Decode(in); !utf8.ValidString(got) {
			t.Errorf("Decode(%q) = %q is no UTF-8", in, got)
		}
	})
}
