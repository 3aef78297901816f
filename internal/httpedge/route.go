package httpedge

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/talix-dev/talix/internal/registry"
)

// route is one method and path with what answers it: an action or a query.
type route struct {
	action  *registry.Action
	query   *registry.Query
	http    *registry.HTTP
	name    string
	service string
	place   registry.Place

	wildcards []string // names in the path
	maxBody   int64
	in        *input
	out       *output
	forms     []string // in which it answers, the usual one first
}

var methods = [...]string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}

func (rt *route) pattern() string { return rt.http.Method + " " + rt.http.Path }

// safe routes change nothing, so that repeating them needs no key.
func (rt *route) safe() bool { return rt.query != nil || rt.http.Method == http.MethodGet }

func (rt *route) compile(e *Edge) []error {
	if rt.maxBody = rt.http.MaxBody; rt.maxBody <= 0 {
		rt.maxBody = e.config.MaxBody
	}
	if !slices.Contains(methods[:], rt.http.Method) {
		return []error{fmt.Errorf("method %q: use one of %s", rt.http.Method, strings.Join(methods[:], ", "))}
	}
	if err := rt.register(e); err != nil {
		return []error{err}
	}
	rt.wildcards, rt.forms = wildcardsOf(rt.http.Path), formsOf(rt)
	var errs []error
	rt.in, errs = compileInput(rt, e.config.Schemas)
	var err error
	if rt.out, err = compileOutput(rt.http.Out, rt.typeName("Output"), e.config.Schemas); err != nil {
		errs = append(errs, err)
	}
	return append(errs, rt.paging()...)
}

// conflict is how net/http words that two patterns match the same requests.
var conflict = regexp.MustCompile(`(?s)conflicts with pattern "([^"]+)".*\):\s*(.*)`)

// register adds the pattern to the mux, which panics on bad ones.
func (rt *route) register(e *Edge) (err error) {
	if !strings.HasPrefix(rt.http.Path, "/") {
		return errors.New("a path begins with a slash")
	}
	defer func() {
		if r := recover(); r != nil {
			err = mend(fmt.Sprint(r), e.routes)
		}
	}()
	e.mux.Handle(rt.pattern(), rt)
	return nil
}

func mend(panicked string, routes []*route) error {
	m := conflict.FindStringSubmatch(panicked)
	if m == nil {
		_, what, _ := strings.Cut(panicked, ": ")
		return fmt.Errorf("bad pattern: %s: write it as in \"POST /documents/{id}\"", what)
	}
	place := registry.Place("elsewhere")
	for _, other := range routes {
		if other.pattern() == m[1] {
			place = other.place
		}
	}
	return fmt.Errorf("conflicts with %q at %s: %s: rename one", m[1], place, strings.Join(strings.Fields(m[2]), " "))
}

// wildcardsOf lists the names in a path that the mux has accepted.
func wildcardsOf(path string) []string {
	var names []string
	for segment := range strings.SplitSeq(path, "/") {
		name, ok := strings.CutPrefix(segment, "{")
		name = strings.TrimSuffix(strings.TrimSuffix(name, "}"), "...")
		if ok && name != "$" {
			names = append(names, name)
		}
	}
	return names
}

// paging finds a query that pages by halves.
func (rt *route) paging() []error {
	if rt.query == nil || rt.query.SQL == nil || rt.in == nil {
		return nil
	}
	switch pages := len(rt.query.SQL.Page) > 0; {
	case pages && !rt.in.paging:
		return []error{fmt.Errorf("query %q has PageBy, but %s has no cursor: embed talix.Paging in it", rt.name, rt.http.In)}
	case !pages && rt.in.paging:
		return []error{fmt.Errorf("query %q takes talix.Paging, but has no pages: add PageBy, or remove Paging from %s", rt.name, rt.http.In)}
	default:
		return nil
	}
}

// typeName is what a type without a name is called in the document.
func (rt *route) typeName(suffix string) string {
	id := operationID(rt)
	return strings.ToUpper(id[:1]) + id[1:] + suffix
}

// ServeHTTP is called by the edge's mux, with the edge's own writer.
func (rt *route) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.(*exchange).serve(rt)
}
