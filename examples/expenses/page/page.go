// Package page is a page for people: the expenses, their search and totals, all
// of them live. It is served as it is: no build step, nothing from other sites.
package page

import (
	"bytes"
	"embed"
	"io"
	"path"

	"github.com/talix-dev/talix"
)

//go:embed index.html style.css script.js icon.svg
var files embed.FS

// policy lets the page use what it came with, and nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// File is one of the page's files.
type File struct {
	Type     string    `header:"Content-Type"`
	Policy   string    `header:"Content-Security-Policy"`
	Referrer string    `header:"Referrer-Policy"`
	Body     io.Reader `body:"raw"`
}

// types are the media types of the page's files.
var types = map[string]string{
	".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
	".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
}

func open(name string) (File, error) {
	data, err := files.ReadFile(name)
	if err != nil {
		return File{}, talix.NotFound("there is no file %q", name)
	}
	return File{types[path.Ext(name)], policy, "no-referrer", bytes.NewReader(data)}, nil
}

// Index is the page.
var Index = talix.OnHTTP("GET /{$}",
	func(talix.ActionContext, struct{}) (File, error) { return open("index.html") },
	talix.Summary("The page for people"))

// Named names a file.
type Named struct {
	Name string `path:"name" maxLength:"64" doc:"A file of the page."`
}

// Asset is what the page is made of.
var Asset = talix.OnHTTP("GET /page/{name}",
	func(_ talix.ActionContext, in Named) (File, error) { return open(in.Name) },
	talix.Summary("A file of the page"))

// Service bundles the page's files.
var Service = talix.Service{Name: "page", Components: talix.Components{Index, Asset}}
