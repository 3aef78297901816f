package console

import (
	"bytes"
	"errors"
	"html/template"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/console/api"
)

// view is a page with what it shows.
type view struct {
	page  string // its template
	title string
	tab   string // the path of the part of the console that it is in
	Data  any
	Error string // shown above
}

// frame is what all templates get.
type frame struct {
	view
	Title    string
	Tabs     []tab
	FormKey  string
	Path     string // of this page, with its query
	Note     string // what became of what was done last
	ReadOnly bool
	SignOut  bool // there is a session to be ended
	Services []string
	Warnings int
}

type tab struct {
	Path, Name string
	Here       bool
}

func tabs(here string) []tab {
	all := []tab{
		{"/", "Health", false}, {"/map", "Map", false}, {"/entities", "Entities", false}, {"/views", "Views", false}, {"/work", "Work", false},
		{"/run", "Run", false}, {"/flows", "Flow", false}, {"/cluster", "Cluster", false},
	}
	for i := range all {
		all[i].Here = all[i].Path == here
	}
	return all
}

// pages are the parsed templates, by name.
type pages map[string]*template.Template

func parsePages() pages {
	ps := pages{}
	names, err := files.ReadDir("page")
	if err != nil { // they are embedded
		panic(err)
	}
	for _, n := range names {
		if n.Name() == "frame.html" {
			continue
		}
		t := template.New("frame.html").Funcs(words())
		ps[strings.TrimSuffix(n.Name(), ".html")] = template.Must(t.ParseFS(files, "page/frame.html", "page/"+n.Name()))
	}
	return ps
}

// show answers with a page.
func (c *Console) show(w http.ResponseWriter, r *http.Request, page func(*http.Request) (view, error)) {
	v, err := page(r)
	if err != nil {
		c.fail(w, r, err)
		return
	}
	c.render(w, r, http.StatusOK, v)
}

// fail answers with a page that says what went wrong.
func (c *Console) fail(w http.ResponseWriter, r *http.Request, err error) {
	p := api.ProblemOf(err)
	c.render(w, r, p.Status, view{page: "fault", title: p.Title, Data: p})
}

func notFound(r *http.Request) error { return talix.NotFound("there is no page %s", r.URL.Path) }

// refuse answers those who are not let in.
func (c *Console) refuse(w http.ResponseWriter, r *http.Request, err error) {
	switch login := errors.Is(err, errLogin); {
	case login && isAPI(r):
		w.Header().Set("WWW-Authenticate", "Bearer")
		api.WriteProblem(w, talix.Reject("send the token as Authorization: Bearer …").WithStatus(http.StatusUnauthorized))
	case login && safe(r) && r.URL.Path != "/live":
		http.Redirect(w, r, "/login?next="+url.QueryEscape(r.URL.RequestURI()), http.StatusSeeOther)
	case login:
		http.Error(w, "sign in again", http.StatusUnauthorized)
	case isAPI(r):
		api.WriteProblem(w, err)
	default:
		p := api.ProblemOf(err)
		http.Error(w, p.Detail, p.Status)
	}
}

func (c *Console) render(w http.ResponseWriter, r *http.Request, status int, v view) {
	visitor, _ := r.Context().Value(visitorKey{}).(string)
	f := frame{view: v, Title: v.title, Path: r.URL.RequestURI(), Note: takeNote(w, r)}
	if visitor != "" { // who is not known is told nothing
		f.Tabs, f.Services, f.ReadOnly, f.SignOut = tabs(v.tab), c.api.Catalog().Services, c.api.ReadOnly(), c.guard.token != ""
		f.FormKey = c.guard.formToken(visitor)
	}
	var b bytes.Buffer
	if err := c.pages[v.page].Execute(&b, f); err != nil {
		c.log.Error("write page", "page", v.page, "error", err)
		http.Error(w, "the page could not be written; see the log", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = b.WriteTo(w) // the caller may be gone
}

// noteCookie carries what became of something over to the next page.
const noteCookie = "talix_console_note"

func leaveNote(w http.ResponseWriter, note string) {
	http.SetCookie(w, &http.Cookie{
		Name: noteCookie, Value: url.QueryEscape(note[:min(len(note), 800)]), Path: "/", MaxAge: 60, HttpOnly: true, SameSite: http.SameSiteStrictMode,
	})
}

func takeNote(w http.ResponseWriter, r *http.Request) string {
	c, err := r.Cookie(noteCookie)
	if err != nil {
		return ""
	}
	http.SetCookie(w, &http.Cookie{Name: noteCookie, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteStrictMode})
	note, _ := url.QueryUnescape(c.Value) // what is no note is not shown
	return note
}

func serveAsset(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	data, err := files.ReadFile(path.Join("asset", path.Base(name)))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write(data)
}
