package admin

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Problem is an error that a program tells.
type Problem struct {
	Status int          `json:"status"`
	Code   string       `json:"code"` // as talix.Error has it: invalid, rejected, not_found, …
	Title  string       `json:"title"`
	Detail string       `json:"detail"`
	Errors []FieldError `json:"errors,omitempty"`
}

// FieldError is what is wrong with one field.
type FieldError struct {
	Location string `json:"location"`
	Message  string `json:"message"`
}

// Error tells all of it in one line.
func (p *Problem) Error() string {
	text := p.Detail
	if text == "" {
		text = p.Title
	}
	var fields []string
	for _, f := range p.Errors {
		fields = append(fields, f.Location+" "+f.Message)
	}
	if len(fields) > 0 && text != strings.Join(fields, "; ") {
		text = strings.TrimSpace(text + ": " + strings.Join(fields, "; "))
	}
	return fmt.Sprintf("%s (%s)", text, p.Code)
}

// problem makes an error of an answer that is none of a success.
func (c *Client) problem(resp *http.Response) error {
	data, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20)) // what is cut is no JSON
	p := &Problem{}
	if !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/problem+json") || json.Unmarshal(data, p) != nil || p.Code == "" {
		return c.notOurs(resp)
	}
	if resp.StatusCode != http.StatusUnauthorized || resp.Header.Get("WWW-Authenticate") != "Bearer" {
		return p // a program that decides itself who may says what it wants
	}
	if c.token == "" {
		return fmt.Errorf("the program at %s asks for a token: pass that of its --admin-token in TALIX_ADMIN_TOKEN, or with --admin-token", c.base)
	}
	return fmt.Errorf("the program at %s does not know this token: pass that of its --admin-token in TALIX_ADMIN_TOKEN, or with --admin-token", c.base)
}

func (c *Client) notOurs(resp *http.Response) error {
	return fmt.Errorf("what answers at %s (%s) is no console of a talix program of this release: name the address of its --admin with --admin or TALIX_ADMIN", c.base, resp.Status)
}
