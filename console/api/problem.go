package api

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/talix-dev/talix"
)

// Problem is how the API fails, as application/problem+json (RFC 9457). Codes
// are those of talix.Error.
type Problem struct {
	Type   string       `json:"type"`
	Title  string       `json:"title"`
	Status int          `json:"status"`
	Detail string       `json:"detail,omitempty"`
	Code   string       `json:"code"`
	Errors []FieldError `json:"errors,omitempty"`
}

// FieldError is what is wrong with one field.
type FieldError struct {
	Location string `json:"location"`
	Message  string `json:"message"`
}

// ProblemOf says what is answered of an error. Operators see the cause of what
// was not expected.
func ProblemOf(err error) Problem {
	e, ok := errors.AsType[*talix.Error](err)
	if !ok {
		e = &talix.Error{Code: talix.CodeInternal, Message: err.Error()}
	}
	p := Problem{Type: "about:blank", Status: statusOf(e), Detail: e.Message, Code: string(e.Code)}
	if e.Cause != nil {
		p.Detail += ": " + e.Cause.Error()
	}
	p.Title = http.StatusText(p.Status)
	for _, f := range e.Fields {
		p.Errors = append(p.Errors, FieldError(f))
	}
	return p
}

func statusOf(e *talix.Error) int {
	if e.Status != 0 {
		return e.Status
	}
	switch e.Code {
	case talix.CodeInvalid:
		return http.StatusUnprocessableEntity
	case talix.CodeRejected, talix.CodeTaken:
		return http.StatusConflict
	case talix.CodeNotFound:
		return http.StatusNotFound
	case talix.CodeGone:
		return http.StatusGone
	case talix.CodeOverloaded:
		return http.StatusTooManyRequests
	case talix.CodeUnavailable:
		return http.StatusServiceUnavailable
	case talix.CodeUnknown:
		return http.StatusGatewayTimeout
	}
	return http.StatusInternalServerError
}

// WriteProblem answers an error.
func WriteProblem(w http.ResponseWriter, err error) {
	p := ProblemOf(err)
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the caller may be gone
}
