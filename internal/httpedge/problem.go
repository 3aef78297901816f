package httpedge

import (
	"bytes"
	"encoding/json"
	"net/http"

	"github.com/talix-dev/talix/internal/registry"
)

// problem is an answer of RFC 9457.
type problem struct {
	Type        string       `json:"type"`
	Title       string       `json:"title"`
	Status      int          `json:"status"`
	Detail      string       `json:"detail,omitempty"`
	Code        string       `json:"code"`
	Errors      []fieldError `json:"errors,omitempty"`
	Correlation string       `json:"correlationId,omitempty"`
}

type fieldError struct {
	Location string `json:"location"`
	Message  string `json:"message"`
}

// statusOf is the HTTP status of a fault.
func statusOf(f *registry.Fault) int {
	if f.Status >= 400 && f.Status <= 599 && f.Status != 500 && f.Code != registry.Internal {
		return f.Status
	}
	switch f.Code {
	case registry.Invalid:
		return http.StatusUnprocessableEntity
	case registry.Rejected, registry.Taken:
		return http.StatusConflict
	case registry.NotFound:
		return http.StatusNotFound
	case registry.Gone:
		return http.StatusGone
	case registry.Overloaded:
		return http.StatusTooManyRequests
	case registry.Unavailable:
		return http.StatusServiceUnavailable
	case registry.Unknown:
		return http.StatusGatewayTimeout
	default:
		return http.StatusInternalServerError
	}
}

// problemOf is what is answered of an error.
func (x *exchange) problemOf(err error) problem {
	f := x.faultOf(err)
	p := problem{Type: "about:blank", Status: statusOf(f), Detail: f.Message, Code: string(f.Code)}
	p.Title = http.StatusText(p.Status)
	if p.Title == "" {
		p.Title = "Refused"
	}
	for _, e := range f.Fields {
		p.Errors = append(p.Errors, fieldError(e))
	}
	if x.req != nil && !x.req.Correlation.IsZero() {
		p.Correlation = x.req.Correlation.String()
	}
	return p
}

// problem answers a fault. What its cause says stays inside.
func (x *exchange) problem(f *registry.Fault) {
	p := x.problemOf(f)
	h := x.w.Header()
	if p.Correlation != "" {
		h["Talix-Correlation"] = []string{p.Correlation}
	}
	if f.Code == registry.Overloaded || f.Code == registry.Unavailable {
		h["Retry-After"] = []string{"1"}
	}
	h["Content-Type"] = []string{"application/problem+json"}
	h["X-Content-Type-Options"] = []string{"nosniff"}
	h["Cache-Control"] = []string{"no-store"}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(true)
	if err := enc.Encode(p); err != nil {
		panic(err) // strings and numbers always encode
	}
	x.written = true
	x.w.WriteHeader(p.Status)
	_, _ = x.w.Write(b.Bytes()) // the caller may be gone
}
