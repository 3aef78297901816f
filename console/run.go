package console

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/talix-dev/talix/console/api"
	"github.com/talix-dev/talix/console/form"
)

func (c *Console) runnables(*http.Request) (view, error) {
	return view{page: "runnables", title: "Run", tab: "/run", Data: c.api.Runnables()}, nil
}

// runPage is the form of something that can be run, and what came of it.
type runPage struct {
	api.Runnable
	Values url.Values
	Answer *api.RunAnswer
	Dry    *dryRun
	Fault  string
}

// dryRun is what would come of it.
type dryRun struct {
	api.Preview
	Refused *api.Problem // why nothing would
}

// Value is what stands in a field.
func (p runPage) Value(f form.Field) string {
	if p.Values.Has(f.Name) {
		return p.Values.Get(f.Name)
	}
	return f.Default
}

func (c *Console) runForm(r *http.Request) (view, error) {
	q := r.URL.Query()
	run, err := c.api.Runnable(q.Get("kind"), q.Get("name"))
	return view{page: "run", title: "Run " + run.Name, tab: "/run", Data: runPage{Runnable: run, Values: q}}, err
}

// runNow runs what a form says. What may change something must be confirmed.
func (c *Console) runNow(w http.ResponseWriter, r *http.Request) {
	c.show(w, r, func(r *http.Request) (view, error) {
		run, err := c.api.Runnable(r.PostForm.Get("kind"), r.PostForm.Get("name"))
		p := runPage{Runnable: run, Values: r.PostForm}
		v := view{page: "run", title: "Run " + run.Name, tab: "/run"}
		if err == nil {
			err = c.fill(r, &p)
		}
		v.Data = p
		return v, err
	})
}

func (c *Console) fill(r *http.Request, p *runPage) error {
	in, fault := requestOf(p)
	dry := p.Kind == "command" && p.Values.Get("dry") != ""
	if p.Changes && !dry && p.Values.Get("confirm") == "" {
		fault = "Confirm that it may change something."
	}
	if p.Fault = fault; fault != "" {
		return nil
	}
	if dry {
		return c.dry(r, p, &in)
	}
	answer, err := c.api.Run(r.Context(), in)
	if err == nil {
		p.Answer = &answer
	}
	return err
}

// dry tries a command without keeping anything of it.
func (c *Console) dry(r *http.Request, p *runPage, in *api.RunRequest) error {
	entityType, _, _ := strings.Cut(p.Name, ".")
	ctx := c.seeing(r, entityType+" "+in.ID)
	preview, err := c.api.Preview(ctx, api.PreviewRequest{Name: in.Name, ID: in.ID, Input: in.Input})
	p.Dry = &dryRun{Preview: preview}
	if err != nil {
		problem := api.ProblemOf(err)
		p.Dry.Refused = &problem
	}
	return nil
}

// requestOf is what the fields say, or why they cannot be read.
func requestOf(p *runPage) (in api.RunRequest, fault string) {
	v := p.Values
	in = api.RunRequest{Kind: p.Kind, Name: p.Name, ID: v.Get("id"), Key: v.Get("key"), Params: map[string]string{}, Header: map[string]string{}}
	for _, f := range p.Params {
		in.Params[f.Name] = v.Get(f.Name)
	}
	if auth := v.Get("authorization"); auth != "" {
		in.Header["Authorization"] = auth
	}
	if len(p.Input) == 0 && p.Path != "" {
		return in, ""
	}
	input, err := form.Encode(p.Input, v.Get)
	if err != nil {
		return in, strings.ReplaceAll(err.Error(), "\n", "; ")
	}
	in.Input = input
	return in, ""
}
