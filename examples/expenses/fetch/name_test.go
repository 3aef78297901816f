package fetch_test

import (
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/talix-dev/talix/examples/expenses/fetch"
)

func TestNames(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ disposition, path, mediaType, want string }{
		{"", "/a/b.pdf", "application/pdf", "b.pdf"},
		{"", "/", "application/pdf", "document.pdf"},
		{"", "/", "", "document"},
		{"", "/a/", "text/html", "a"},
		{"", "/..%2f..%2fetc%2fpasswd", "", "passwd"},
		{"", "/%2e%2e", "image/png", "document.png"},
		{"", "/a%00b%0ac%e2%80%aed.pdf", "", "ab cd.pdf"},
		{"", "/%ff%fe.txt", "", "txt"},
		{`attachment; filename="Quittung 7.pdf"`, "/x", "", "Quittung 7.pdf"},
		{`attachment; filename="../../etc/passwd"`, "/x", "", "passwd"},
		{`attachment; filename="C:\\temp\\a.txt"`, "/x", "", "a.txt"},
		{`attachment; filename*=UTF-8''B%C3%A4cker.txt`, "/x", "", "Bäcker.txt"},
		{`attachment; filename=".htaccess"`, "/x", "", "htaccess"},
		{`attachment; filename="a<b>:\"|?*.txt"`, "/x", "", "ab.txt"},
		{`attachment; filename=""`, "/x.txt", "", "x.txt"},
		{`inline`, "/x.txt", "", "x.txt"},
		{`;;;`, "/x.txt", "", "x.txt"},
	} {
		server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Disposition", c.disposition)
			w.Header().Set("Content-Type", c.mediaType)
		})
		file, _, err := read(t, private, server.URL+c.path)
		if err != nil {
			t.Errorf("%+v: %v", c, err)
		} else if file.Name != c.want {
			t.Errorf("%q, %q: Name = %q, want %q", c.disposition, c.path, file.Name, c.want)
		}
	}
}

func FuzzCleanName(f *testing.F) {
	for _, seed := range []string{"a.pdf", "../a", strings.Repeat("ä", 200) + ".pdf", "a\x00", `\\`, "...", "\xff.x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		got := fetch.CleanName(name)
		if len(got) > 120 || strings.ContainsAny(got, "/\\\x00\n") || got == ".." || got == "." || !utf8.ValidString(got) {
			t.Errorf("CleanName(%q) = %q", name, got)
		}
		if again := fetch.CleanName(got); again != got {
			t.Errorf("CleanName(%q) = %q, and of that %q", name, got, again)
		}
	})
}
