package httpedge_test

import (
	"crypto/sha256"
	"encoding/base64"
	"html"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	nethtml "golang.org/x/net/html"

	"github.com/talix-dev/talix/internal/httpedge"
)

// allRoutes is an edge with routes of all sorts.
func allRoutes(t *testing.T) *httpedge.Edge {
	t.Helper()
	d := deposit()
	d.HTTP.Summary = `Puts "money" <script>alert(1)</script>`
	return edgeOf(t, httpedge.Config{Backend: &backend{}, Title: "Bank", Version: "1.2"}, d,
		on("PUT /things/{id}", show[mixed]), on("POST /raw/{id}", show[upload]), on("POST /csv", show[csv]), on("POST /form", show[form]),
		on("POST /created", answers(created{})), on("GET /download", answers(download{})),
		query("list-all", "/all", show[everything]), query("list_all", "/all2/{path...}", show[byPath]))
}

// page is the page as it is served under a host.
func page(t *testing.T, e *httpedge.Edge, host string) (*httptest.ResponseRecorder, *nethtml.Node) {
	t.Helper()
	r := httptest.NewRequest("GET", "/docs", nil)
	r.Host = host
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	if w.Code != 200 || w.Header().Get("Content-Type") != "text/html; charset=utf-8" {
		t.Fatalf("%d %v", w.Code, w.Header())
	}
	doc, err := nethtml.Parse(strings.NewReader(w.Body.String()))
	if err != nil {
		t.Fatal(err)
	}
	return w, doc
}

func attribute(n *nethtml.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// The page needs nothing but itself: what its policy allows is its own style.
func TestDocsNeedNothingElse(t *testing.T) {
	t.Parallel()
	w, doc := page(t, allRoutes(t), "127.0.0.1:8080")
	for n := range doc.Descendants() {
		if n.Type != nethtml.ElementNode {
			continue
		}
		switch n.Data {
		case "script", "img", "link", "iframe", "form", "object":
			t.Errorf("the page has a %s", n.Data)
		case "style":
			sum := sha256.Sum256([]byte(n.FirstChild.Data))
			if want := "style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(w.Header().Get("Content-Security-Policy"), want) {
				t.Errorf("the policy does not let the style be: %s, want %s", w.Header().Get("Content-Security-Policy"), want)
			}
		}
		if attribute(n, "style") != "" || slices.ContainsFunc(n.Attr, func(a nethtml.Attribute) bool { return strings.HasPrefix(a.Key, "on") }) {
			t.Errorf("a %s has a style or handler that the policy refuses", n.Data)
		}
	}
	if !strings.Contains(w.Header().Get("Content-Security-Policy"), "default-src 'none'") || w.Header().Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("headers: %v", w.Header())
	}
}

// Links lead somewhere, ids stand once, headings do not skip a level, and cells
// of tables say what they head.
func TestDocsAreAccessible(t *testing.T) {
	t.Parallel()
	_, doc := page(t, allRoutes(t), "127.0.0.1:8080")
	ids, links, level := map[string]bool{}, []string{}, 0
	for n := range doc.Descendants() {
		if n.Type != nethtml.ElementNode {
			continue
		}
		if id := attribute(n, "id"); id != "" && ids[id] {
			t.Errorf("the id %s stands twice", id)
		} else {
			ids[id] = true
		}
		switch n.Data {
		case "html":
			if attribute(n, "lang") != "en" {
				t.Error("the page has no language")
			}
		case "a":
			links = append(links, attribute(n, "href"))
		case "th":
			if attribute(n, "scope") == "" {
				t.Error("a heading of a table has no scope")
			}
		case "h1", "h2", "h3", "h4":
			now := int(n.Data[1] - '0')
			if now > level+1 {
				t.Errorf("%s comes after a heading of level %d", n.Data, level)
			}
			level = now
		}
	}
	for _, link := range links {
		if target, inside := strings.CutPrefix(link, "#"); link != "/openapi.json" && (!inside || !ids[target]) {
			t.Errorf("%q leads nowhere", link)
		}
	}
}

// What operations take and answer is told in words.
func TestDocsTell(t *testing.T) {
	t.Parallel()
	w, _ := page(t, allRoutes(t), "127.0.0.1:8080")
	text := html.UnescapeString(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(w.Body.String(), ""))
	for _, want := range []string{
		"Bank", "Version 1.2", "POST /accounts/{id}/deposits", "Puts \"money\" <script>alert(1)</script>",
		"The account.", "at least 1 characters, at most 64 characters, matches ^[A-Za-z0-9_.-]+$",
		"one of \"a\", \"b\"", "7 by default", "list of integer (int64)", "application/json: Move", "string (date-time)",
		"Talix-Position (What was written; a query can wait for it.)", "text/csv", "rejected, taken",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %s", want)
		}
	}
	if strings.Contains(w.Body.String(), "<script>") {
		t.Error("a summary is taken for HTML")
	}
}

// The example of a request is one that the route takes.
func TestDocsExample(t *testing.T) {
	t.Parallel()
	e := allRoutes(t)
	w, _ := page(t, e, "example.org:8080")
	example := regexp.MustCompile(`(?s)<code>(curl -X POST '[^']*/deposits'.*?)</code>`)
	m := example.FindStringSubmatch(html.UnescapeString(w.Body.String()))
	if m == nil {
		t.Fatalf("there is no example:\n%s", w.Body)
	}
	words := regexp.MustCompile(`(?s)'(.*?)'`).FindAllStringSubmatch(m[1], -1)
	address, ok := strings.CutPrefix(words[0][1], "http://example.org:8080")
	if !ok || words[1][1] != "Content-Type: application/json" {
		t.Fatalf("the example is\n%s", m[1])
	}
	if got := call(e, "POST", address, words[2][1]); got.Code != 200 {
		t.Errorf("the example got %d %s\n%s", got.Code, got.Body, m[1])
	}
}

// A host that is none does not get into a line that people copy.
func TestDocsOfAnOddHost(t *testing.T) {
	t.Parallel()
	e := allRoutes(t)
	for _, host := range []string{"x';rm -rf ~;'", "a b", "$(id)", "<b>"} {
		if w, _ := page(t, e, host); !strings.Contains(html.UnescapeString(w.Body.String()), "'http://localhost/accounts/") {
			t.Errorf("the page under %q:\n%s", host, w.Body)
		}
	}
}

func TestDocsGiveWay(t *testing.T) {
	t.Parallel()
	e := edge(t, &backend{}, query("own", "/{name}", show[struct {
		Name string `path:"name"`
	}]))
	if got, want := summary(t, call(e, "GET", "/docs", "")), `200 {"in":"{Name:docs}"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Schemas that have themselves within, lists, maps and rules have an example.
func TestDocsOfSchemas(t *testing.T) {
	t.Parallel()
	type node struct {
		Name  string            `json:"name" minLength:"6"`
		Kids  []node            `json:"kids,omitempty"`
		Notes map[string]string `json:"notes,omitempty" doc:"What people wrote."`
		At    struct {
			Line int `json:"line" minimum:"3"`
		} `json:"at"`
		Kind string `json:"kind" enum:"it's,other"`
	}
	e := edge(t, &backend{}, on("POST /nodes", show[node]))
	w, _ := page(t, e, "localhost")
	text := html.UnescapeString(w.Body.String())
	for _, want := range []string{"list of ", "map of string", `"line": 3`, `"name": "xxxxxx"`, `it'\''s`, "What people wrote."} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %s\n%s", want, text)
		}
	}
}
