package httpedge

import (
	"encoding/json"
	"net/url"
	"strings"
)

// sampler makes examples of values. It has the named schemas.
type sampler map[string]docSchema

// maxSample bounds how deep an example goes, since schemas may have themselves
// within.
const maxSample = 5

// value is an example of a schema: one that it gives, or a simple one of its
// type. It need not keep every rule, such as a pattern.
func (all sampler) value(s docSchema, depth int) any {
	if s.Ref != "" {
		s = all[s.named()]
	}
	for _, given := range append(append(s.Examples[:len(s.Examples):len(s.Examples)], s.Default), s.Enum...) {
		if len(given) > 0 {
			return given
		}
	}
	switch {
	case len(s.Type) == 0 || depth > maxSample:
		return nil
	case s.Type[0] == "object":
		return all.object(s, depth)
	case s.Type[0] == "array":
		if s.Items == nil {
			return []any{}
		}
		return []any{all.value(*s.Items, depth+1)}
	}
	return simple(s)
}

func (all sampler) object(s docSchema, depth int) any {
	object := map[string]any{}
	for name, p := range s.Properties {
		if name != "$schema" && !p.ReadOnly {
			object[name] = all.value(p, depth+1)
		}
	}
	if s.Additional.schema != nil {
		object["key"] = all.value(*s.Additional.schema, depth+1)
	}
	return object
}

// simple is an example of what has no parts.
func simple(s docSchema) any {
	switch s.Type[0] {
	case "integer", "number":
		for _, n := range []json.Number{s.Minimum, s.Maximum, s.MultipleOf} {
			if n != "" {
				return n
			}
		}
		return 1
	case "boolean":
		return true
	case "null":
		return nil
	}
	switch s.Format {
	case "date-time":
		return "2026-01-31T12:00:00Z"
	case "date":
		return "2026-01-31"
	case "time":
		return "12:00:00"
	case "duration":
		return "PT1M"
	case "uuid":
		return "01890a5d-ac96-774b-bcce-b302099a8057"
	case "email":
		return "someone@example.org"
	case "uri", "url":
		return "https://example.org/"
	}
	text := "text"
	if s.MinLength != nil && *s.MinLength > int64(len(text)) {
		text = strings.Repeat("x", int(min(*s.MinLength, 64)))
	}
	if s.MaxLength != nil && *s.MaxLength < int64(len(text)) {
		text = text[:max(*s.MaxLength, 0)]
	}
	return text
}

// text is an example of a parameter.
func (all sampler) text(s docSchema) string {
	v := all.value(s, 0)
	if list, ok := v.([]any); ok && len(list) > 0 {
		v = list[0]
	}
	if text, ok := v.(string); ok {
		return text
	}
	data, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return strings.Trim(string(data), `"`)
}

// curl is a request as a line for a shell.
type curl struct {
	method, path string
	query        []string
	arguments    []string
}

// parameter adds a parameter that a request has to have.
func (c *curl) parameter(p *parameter, value string) {
	switch {
	case p.In == "path":
		c.path = strings.ReplaceAll(c.path, "{"+p.Name+"}", url.PathEscape(value))
	case !p.Required:
	case p.In == "query":
		c.query = append(c.query, url.QueryEscape(p.Name)+"="+url.QueryEscape(value))
	case p.In == "header":
		c.arguments = append(c.arguments, "-H "+quoted(p.Name+": "+value))
	}
}

// body adds a body.
func (c *curl) body(form string, example any) {
	switch form {
	case formJSON:
		data, err := json.MarshalIndent(example, "", "  ")
		if err != nil {
			return
		}
		c.arguments = append(c.arguments, "-H 'Content-Type: application/json'", "-d "+quoted(string(data)))
	case "multipart/form-data":
		c.arguments = append(c.arguments, "-F file=@FILE")
	default:
		if !strings.Contains(form, "*") {
			c.arguments = append(c.arguments, "-H "+quoted("Content-Type: "+form))
		}
		c.arguments = append(c.arguments, "--data-binary @FILE")
	}
}

// String is the line; BASE stands for the address.
func (c *curl) String() string {
	address := c.path
	if len(c.query) > 0 {
		address += "?" + strings.Join(c.query, "&")
	}
	line := "curl "
	if c.method != "GET" {
		line += "-X " + c.method + " "
	}
	return strings.Join(append([]string{line + quoted("BASE"+address)}, c.arguments...), " \\\n  ")
}

// quoted is a text as one word of a shell.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
