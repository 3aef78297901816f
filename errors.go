package talix

import (
	"errors"
	"fmt"

	"github.com/talix-dev/talix/internal/registry"
)

// Code says what kind of failure an Error is. Codes are stable and part of the
// HTTP answer.
type Code string

// The codes, with their HTTP status.
const (
	// CodeInvalid: the input breaks a rule that its type states. 422.
	CodeInvalid Code = "invalid"
	// CodeRejected: the command does not accept it in the present state. 409.
	CodeRejected Code = "rejected"
	// CodeTaken: another entity holds the unique value. 409.
	CodeTaken Code = "taken"
	// CodeNotFound: there is no such entity, row or route. 404.
	CodeNotFound Code = "not_found"
	// CodeGone: the entity was deleted. 410.
	CodeGone Code = "gone"
	// CodeOverloaded: too busy; nothing was started. 429.
	CodeOverloaded Code = "overloaded"
	// CodeUnavailable: the store is away or the runtime stops; nothing was
	// started. 503.
	CodeUnavailable Code = "unavailable"
	// CodeUnknown: whether it had its effect is not known; ask again with the
	// same key. 504.
	CodeUnknown Code = "unknown"
	// CodeInternal: a bug, or a failure of something outside. 500, and the
	// details go to the log only.
	CodeInternal Code = "internal"
)

// Error is the one error type of talix. Handlers return one to say how they
// fail; any other error, and a panic, reads as CodeInternal to the caller.
type Error struct {
	Code    Code
	Message string // for the caller
	// Status is the HTTP status that a rejection names; zero stands for the
	// code's own.
	Status int
	Fields []FieldError // for CodeInvalid
	Cause  error        // for the log; never answered
	// Entity is which one of a Group it is about, as in "account/a"; otherwise
	// empty.
	Entity string

	final bool            // trying again is of no use
	fault *registry.Fault // what it was made of, if the engine made it
}

// FieldError says what is wrong with one field of an input.
type FieldError struct {
	Location string // as in body.items[0].name, query.limit
	Message  string
}

// Sentinels for errors.Is, which compares codes.
var (
	ErrInvalid     = &Error{Code: CodeInvalid}
	ErrRejected    = &Error{Code: CodeRejected}
	ErrTaken       = &Error{Code: CodeTaken}
	ErrNotFound    = &Error{Code: CodeNotFound}
	ErrGone        = &Error{Code: CodeGone}
	ErrOverloaded  = &Error{Code: CodeOverloaded}
	ErrUnavailable = &Error{Code: CodeUnavailable}
	ErrUnknown     = &Error{Code: CodeUnknown}
	ErrInternal    = &Error{Code: CodeInternal}
)

func (e *Error) Error() string {
	msg := string(e.Code)
	if e.Message != "" {
		msg += ": " + e.Message
	}
	for _, f := range e.Fields {
		msg += "; " + f.Location + ": " + f.Message
	}
	if e.Cause != nil {
		msg += ": " + e.Cause.Error()
	}
	return msg
}

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Is compares codes, so that errors.Is(err, talix.ErrRejected) holds for every
// rejection.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// Reject says that a command does not accept its input in the present state.
func Reject(format string, args ...any) *Error { return newError(CodeRejected, format, args) }

// NotFound says that something does not exist.
func NotFound(format string, args ...any) *Error { return newError(CodeNotFound, format, args) }

// Invalid says what is wrong with one field of the input, named as in
// "body.amount".
func Invalid(location, format string, args ...any) *Error {
	e := newError(CodeInvalid, "the input is not valid", nil)
	e.Fields = []FieldError{{location, fmt.Sprintf(format, args...)}}
	return e
}

// WithStatus is the same error with another HTTP status, such as 403 or 502: any
// from 400 to 599 but 500.
func (e *Error) WithStatus(status int) *Error {
	c := *e
	c.Status, c.fault = status, nil
	return &c
}

func newError(code Code, format string, args []any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Message: err.Error(), Cause: errors.Unwrap(err)}
}

// toEngine gives the engine its own form of a user's error.
func toEngine(err error) error {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return err
	}
	if e.fault != nil {
		return e.fault
	}
	f := &registry.Fault{Code: registry.Code(e.Code), Message: e.Message, Status: e.Status, Cause: e.Cause, Final: e.final, Entity: e.Entity}
	for _, field := range e.Fields {
		f.Fields = append(f.Fields, registry.Field(field))
	}
	return f
}

// fromEngine gives users their own form of the engine's error.
func fromEngine(err error) error {
	f, ok := errors.AsType[*registry.Fault](err)
	if !ok {
		return &Error{Code: CodeInternal, Message: "an unexpected failure", Cause: err}
	}
	return errorOf(f)
}

func errorOf(f *registry.Fault) *Error {
	e := &Error{Code: Code(f.Code), Message: f.Message, Status: f.Status, Cause: f.Cause, Entity: f.Entity, final: f.Final, fault: f}
	for _, field := range f.Fields {
		e.Fields = append(e.Fields, FieldError(field))
	}
	return e
}

// EngineError is for runtimes: the engine's form of an *Error in err.
func EngineError(err error) error { return toEngine(err) }

// UserError is for runtimes: an *Error made of the engine's form.
func UserError(err error) error { return fromEngine(err) }
