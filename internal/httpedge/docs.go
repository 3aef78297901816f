package httpedge

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

//go:embed docs.html
var docsPage string

//go:embed docs.css
var docsStyle string

// docsPath is where the page is that shows the document to people.
const docsPath = "/docs"

// docs is what the page shows. It is made once; only the address differs from
// request to request.
type docs struct {
	Title, Version string
	Groups         []docsGroup
	Schemas        []docsSchema
	Style          template.CSS
	Base           string // as in http://127.0.0.1:8080

	page   *template.Template
	policy []string // Content-Security-Policy
}

// docsGroup is the operations of one service.
type docsGroup struct {
	Name       string
	Operations []docsOperation
}

type docsOperation struct {
	ID, Method, Path     string
	Summary, Description string
	Parameters           []docsField
	Body                 []docsMedia
	Required             bool // the body is
	Answers              []docsMedia
	Headers              []docsField // of answers
	curl                 string
}

// docsMedia is a body in one form: a named schema, or its fields.
type docsMedia struct {
	Type   string
	Shape  shape
	Fields []docsField
}

type docsField struct {
	Name, In, Rules, Doc string
	Shape                shape
	Required, Deprecated bool
}

type docsSchema struct {
	Name, Doc string
	Shape     shape // of what is no object
	Fields    []docsField
}

// serveDocs prepares the page that shows the document, and serves it unless a
// route has its path.
func (e *Edge) serveDocs(doc *document) error {
	asked := &http.Request{Method: http.MethodGet, URL: &url.URL{Path: docsPath}}
	if _, taken := e.mux.Handler(asked); taken != "" {
		return nil
	}
	d, err := e.newDocs(doc)
	if err != nil {
		return fmt.Errorf("build the page of the OpenAPI document: %w", err)
	}
	e.mux.HandleFunc("GET "+docsPath, d.serve)
	return nil
}

func (e *Edge) newDocs(doc *document) (*docs, error) {
	page, err := template.New("docs").Parse(docsPage)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(docsStyle))
	d := &docs{
		Title: doc.Info.Title, Version: doc.Info.Version, page: page, Style: template.CSS(docsStyle),
		policy: []string{"default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
	}
	all := sampler{}
	for name, s := range doc.Components.Schemas {
		if all[name], err = parseSchema(s); err != nil {
			return nil, fmt.Errorf("schema %s: %w", name, err)
		}
	}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			if err := d.add(all, strings.ToUpper(method), path, op); err != nil {
				return nil, fmt.Errorf("%s %s: %w", method, path, err)
			}
		}
	}
	for name, s := range all {
		d.Schemas = append(d.Schemas, docsSchema{Name: name, Doc: s.Description, Shape: s.shape(), Fields: s.fields("")})
	}
	d.sort()
	return d, nil
}

func (d *docs) sort() {
	slices.SortFunc(d.Schemas, func(a, b docsSchema) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(d.Groups, func(a, b docsGroup) int { return strings.Compare(a.Name, b.Name) })
	for _, g := range d.Groups {
		slices.SortFunc(g.Operations, func(a, b docsOperation) int {
			return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(a.Method, b.Method))
		})
	}
}

// add adds an operation to its group.
func (d *docs) add(all sampler, method, path string, op *operation) error {
	o := docsOperation{ID: op.ID, Method: method, Path: path, Summary: op.Summary, Description: op.Description}
	line := curl{method: method, path: path}
	for i := range op.Parameters {
		p := &op.Parameters[i]
		s, err := parseSchema(p.Schema)
		if err != nil {
			return err
		}
		o.Parameters = append(o.Parameters, s.field(p.Name, p.In, p.Required, cmp.Or(p.Description, s.Description), p.Deprecated))
		line.parameter(p, all.text(s))
	}
	if op.Body != nil {
		o.Required = op.Body.Required
		for _, form := range sortedKeys(op.Body.Content) {
			s, err := parseSchema(op.Body.Content[form].Schema)
			if err != nil {
				return err
			}
			o.Body = append(o.Body, s.media(form))
			line.body(form, all.value(s, 0))
		}
	}
	if err := o.answers(op); err != nil {
		return err
	}
	o.curl = line.String()
	at := slices.IndexFunc(d.Groups, func(g docsGroup) bool { return g.Name == strings.Join(op.Tags, ", ") })
	if at < 0 {
		at = len(d.Groups)
		d.Groups = append(d.Groups, docsGroup{Name: strings.Join(op.Tags, ", ")})
	}
	d.Groups[at].Operations = append(d.Groups[at].Operations, o)
	return nil
}

// answers are those of success; all others are problems.
func (o *docsOperation) answers(op *operation) error {
	ok := op.Responses["200"]
	for _, form := range sortedKeys(ok.Content) {
		s, err := parseSchema(ok.Content[form].Schema)
		if err != nil {
			return err
		}
		o.Answers = append(o.Answers, s.media(form))
	}
	for _, name := range sortedKeys(ok.Headers) {
		o.Headers = append(o.Headers, docsField{Name: name, Doc: ok.Headers[name].Description})
	}
	return nil
}

// Curl is an example of a request to the address that the page was asked under.
func (o docsOperation) Curl(base string) string { return strings.Replace(o.curl, "BASE", base, 1) }

// serve answers with the page: it needs nothing but itself.
func (d *docs) serve(w http.ResponseWriter, _ *http.Request) {
	x := w.(*exchange)
	x.routed = true
	page := *d
	page.Base = baseOf(x.r)
	var b bytes.Buffer
	if err := d.page.Execute(&b, page); err != nil {
		x.fail(err)
		return
	}
	x.written = true
	h := x.w.Header()
	h["Content-Type"] = []string{"text/html; charset=utf-8"}
	h["Content-Security-Policy"] = d.policy
	h["X-Content-Type-Options"] = x.edge.fixed.nosniff
	h["Referrer-Policy"] = []string{"no-referrer"}
	h["Cache-Control"] = x.edge.fixed.noStore
	x.w.WriteHeader(http.StatusOK)
	_, _ = x.w.Write(b.Bytes()) // the caller may be gone
}

// baseOf is the address that a request was sent to. What is no host is not
// shown, as it would stand in a line that people run.
func baseOf(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
		scheme = "https"
	}
	if strings.Trim(r.Host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]") != "" || r.Host == "" {
		return scheme + "://localhost"
	}
	return scheme + "://" + r.Host
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// parseSchema reads a schema as it stands in the document.
func parseSchema(v any) (s docSchema, err error) {
	data, err := json.Marshal(v)
	if err != nil {
		return s, err
	}
	err = json.Unmarshal(data, &s)
	return s, err
}
