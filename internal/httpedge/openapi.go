package httpedge

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// The parts of an OpenAPI 3.1 document.
type (
	document struct {
		OpenAPI    string                           `json:"openapi"`
		Info       info                             `json:"info"`
		Paths      map[string]map[string]*operation `json:"paths"`
		Components components                       `json:"components"`
	}
	info struct {
		Title   string `json:"title"`
		Version string `json:"version"`
	}
	components struct {
		Schemas   map[string]json.Marshaler `json:"schemas"`
		Responses map[string]response       `json:"responses"`
	}
	operation struct {
		ID          string              `json:"operationId"`
		Summary     string              `json:"summary,omitempty"`
		Description string              `json:"description,omitempty"`
		Tags        []string            `json:"tags,omitempty"`
		Parameters  []parameter         `json:"parameters,omitempty"`
		Body        *requestBody        `json:"requestBody,omitempty"`
		Responses   map[string]response `json:"responses"`
	}
	parameter struct {
		Name        string         `json:"name"`
		In          string         `json:"in"`
		Description string         `json:"description,omitempty"`
		Required    bool           `json:"required,omitempty"`
		Deprecated  bool           `json:"deprecated,omitempty"`
		Schema      json.Marshaler `json:"schema"`
	}
	requestBody struct {
		Required bool             `json:"required"`
		Content  map[string]media `json:"content"`
	}
	media struct {
		Schema any `json:"schema"`
	}
	response struct {
		Ref         string                     `json:"$ref,omitempty"`
		Description string                     `json:"description,omitempty"`
		Headers     map[string]headerParameter `json:"headers,omitempty"`
		Content     map[string]media           `json:"content,omitempty"`
	}
	headerParameter struct {
		Description string `json:"description,omitempty"`
		Schema      any    `json:"schema"`
	}
)

// Fixed schemas of the document.
const (
	problemSchema = `{"type":"object","required":["type","title","status","code"],"properties":{` +
		`"type":{"type":"string"},"title":{"type":"string"},"status":{"type":"integer"},"detail":{"type":"string"},` +
		`"code":{"type":"string","enum":["invalid","rejected","taken","not_found","gone","overloaded","unavailable","unknown","internal"]},` +
		`"errors":{"type":"array","items":{"type":"object","required":["location","message"],"properties":{"location":{"type":"string"},"message":{"type":"string"}}}},` +
		`"correlationId":{"type":"string","format":"uuid"}}}`
	stringSchema = `{"type":"string"}`
	binarySchema = `{"type":"string","format":"binary"}`
	keySchema    = `{"type":"string","minLength":1,"maxLength":255,"pattern":"^[ -~]+$"}`
)

// describe builds the document and serves it, unless a route has its path.
func (e *Edge) describe() (err error) {
	doc := document{
		OpenAPI: "3.1.0",
		Info:    info{e.config.Title, e.config.Version},
		Paths:   map[string]map[string]*operation{},
		Components: components{
			Schemas: e.config.Schemas.Schemas(),
			Responses: map[string]response{"problem": {
				Description: "What went wrong (RFC 9457).",
				Content:     map[string]media{"application/problem+json": {json.RawMessage(problemSchema)}},
			}},
		},
	}
	ids := map[string]bool{}
	for _, rt := range e.routes {
		path := openPath(rt.http.Path)
		if doc.Paths[path] == nil {
			doc.Paths[path] = map[string]*operation{}
		}
		doc.Paths[path][strings.ToLower(rt.http.Method)] = rt.operation(unique(ids, operationID(rt)))
	}
	if e.openapi, err = json.Marshal(doc); err != nil {
		return fmt.Errorf("build the OpenAPI document: %w", err)
	}
	const path = "/openapi.json"
	asked := &http.Request{Method: http.MethodGet, URL: &url.URL{Path: path}}
	if _, taken := e.mux.Handler(asked); taken == "" {
		e.mux.HandleFunc("GET "+path, e.serveOpenAPI)
	}
	return e.serveDocs(&doc)
}

func (e *Edge) serveOpenAPI(w http.ResponseWriter, _ *http.Request) {
	x := w.(*exchange)
	x.routed, x.written = true, true
	h := x.w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	_, _ = x.w.Write(e.openapi) // the caller may be gone
}

func openPath(path string) string {
	path = strings.TrimSuffix(path, "{$}")
	return strings.ReplaceAll(path, "...}", "}")
}

// operationID is the route's name in the form of an identifier.
func operationID(rt *route) string {
	name := rt.name
	if rt.action != nil {
		method, path, _ := strings.Cut(rt.pattern(), " ")
		name = strings.ToLower(method) + " " + path
	}
	var b strings.Builder
	for word := range strings.FieldsFuncSeq(name, func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		if b.Len() > 0 {
			word = strings.ToUpper(word[:1]) + word[1:]
		}
		b.WriteString(word)
	}
	if b.Len() == 0 {
		return "operation"
	}
	return b.String()
}

func unique(taken map[string]bool, id string) string {
	for n, base := 2, id; taken[id]; n++ {
		id = base + strconv.Itoa(n)
	}
	taken[id] = true
	return id
}

func (rt *route) operation(id string) *operation {
	op := &operation{ID: id, Summary: rt.http.Summary, Description: rt.http.Description, Responses: rt.responses()}
	if rt.service != "" {
		op.Tags = []string{rt.service}
	}
	for _, list := range [][]*param{rt.in.path, rt.in.query, rt.in.header} {
		for _, p := range list {
			if !p.schema.Hidden {
				op.Parameters = append(op.Parameters, p.describe())
			}
		}
	}
	if rt.query != nil {
		op.Parameters = append(op.Parameters, parameter{
			Name: "after", In: "query", Schema: json.RawMessage(stringSchema),
			Description: "Answer from data no older than this Talix-Position.",
		})
	}
	if slices.Contains(rt.forms, formEvents) {
		op.Parameters = append(op.Parameters, parameter{
			Name: "Last-Event-ID", In: "header", Schema: json.RawMessage(stringSchema),
			Description: "Of " + formEvents + ": go on after this event.",
		})
	}
	if !rt.safe() && (rt.in.body == nil || rt.in.body.kind == jsonBody) {
		op.Parameters = append(op.Parameters, parameter{
			Name: keyHeader, In: "header", Schema: json.RawMessage(keySchema),
			Description: "A repeat under the same key gets the first successful answer again.",
		})
	}
	if rt.in.body != nil {
		op.Body = rt.in.body.describe()
	}
	return op
}

func (p *param) describe() parameter {
	return parameter{
		Name: p.name, In: p.place, Description: p.schema.Description,
		Required: p.required, Deprecated: p.schema.Deprecated, Schema: p.schema.Doc(),
	}
}

func (b *body) describe() *requestBody {
	switch {
	case b.kind == multipartBody:
		return &requestBody{true, map[string]media{"multipart/form-data": {json.RawMessage(`{"type":"object"}`)}}}
	case b.kind == rawBody && b.contentType != "":
		return &requestBody{true, map[string]media{b.contentType: {json.RawMessage(binarySchema)}}}
	case b.kind == rawBody:
		return &requestBody{true, map[string]media{"*/*": {json.RawMessage(binarySchema)}}}
	default:
		return &requestBody{b.check.Demands(), map[string]media{"application/json": {b.check.Doc()}}}
	}
}

func (rt *route) responses() map[string]response {
	ok := response{Description: "Success.", Headers: map[string]headerParameter{
		"Talix-Correlation": {"Shared by everything that this request led to.", json.RawMessage(stringSchema)},
	}}
	if rt.action != nil {
		ok.Headers["Talix-Position"] = headerParameter{"What was written; a query can wait for it.", json.RawMessage(stringSchema)}
	}
	for _, h := range rt.out.headers {
		ok.Headers[h.name] = headerParameter{Schema: json.RawMessage(stringSchema)}
	}
	if rt.out.raw != nil {
		ok.Content = map[string]media{"*/*": {json.RawMessage(binarySchema)}}
	} else {
		ok.Content = map[string]media{formJSON: {rt.out.schema}}
	}
	for _, form := range rt.forms[1:] {
		ok.Content[form] = media{json.RawMessage(stringSchema)}
	}
	return map[string]response{"200": ok, "default": {Ref: "#/components/responses/problem"}}
}
