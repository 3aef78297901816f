package api

import (
	"encoding/json"
	"strings"

	"github.com/talix-dev/talix/console/form"
)

// openAPI is what is needed of the OpenAPI document of the HTTP triggers.
type openAPI struct {
	Paths map[string]map[string]struct {
		Parameters []struct {
			Name        string          `json:"name"`
			In          string          `json:"in"`
			Description string          `json:"description"`
			Required    bool            `json:"required"`
			Schema      json.RawMessage `json:"schema"`
		} `json:"parameters"`
		Body *struct {
			Content map[string]struct {
				Schema json.RawMessage `json:"schema"`
			} `json:"content"`
		} `json:"requestBody"`
	} `json:"paths"`
}

func (a *API) openAPI() (doc openAPI) {
	data, err := a.rt.OpenAPI()
	if err == nil {
		err = json.Unmarshal(data, &doc)
	}
	if err != nil { // it is the runtime's own
		a.cfg.Log.Error("read OpenAPI document", "error", err)
	}
	return doc
}

// fill adds the fields of a request.
func (doc openAPI) fill(r *Runnable, defs map[string]json.RawMessage) {
	path := strings.ReplaceAll(strings.TrimSuffix(r.Path, "{$}"), "...}", "}")
	op := doc.Paths[path][strings.ToLower(r.Method)]
	for _, p := range op.Parameters {
		if p.Name == "Idempotency-Key" || p.Name == "Last-Event-ID" {
			continue // asked for otherwise
		}
		fields := form.Fields(p.Schema, defs, p.In+"."+p.Name)
		if len(fields) == 1 {
			fields[0].Name, fields[0].Label, fields[0].Doc, fields[0].Required = p.In+"."+p.Name, p.Name, p.Description, p.Required
			r.Params = append(r.Params, fields[0])
		}
	}
	if op.Body != nil {
		r.Input = form.Fields(op.Body.Content["application/json"].Schema, defs, "input")
	}
}
