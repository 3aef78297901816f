package registry

import "fmt"

// Code says what kind of failure a Fault is; stable, part of the HTTP answer.
type Code string

// The codes, as api.md lists them.
const (
	Invalid     Code = "invalid"
	Rejected    Code = "rejected"
	Taken       Code = "taken"
	NotFound    Code = "not_found"
	Gone        Code = "gone"
	Overloaded  Code = "overloaded"
	Unavailable Code = "unavailable"
	Unknown     Code = "unknown"
	Internal    Code = "internal"
)

// Fault is the engine's form of the root package's Error.
type Fault struct {
	Code    Code
	Message string
	Status  int // HTTP status that a rejection names; zero: the code's own
	Fields  []Field
	Cause   error // not for the outside
	Logged  bool  // it is in the log already
	Final   bool  // trying again is of no use
	// Entity is which one of a group it is about, as in "account/a".
	Entity string
}

// Field is what is wrong with one field of an input.
type Field struct {
	Location string // as in body.items[0].name
	Message  string
}

func (f *Fault) Error() string {
	if f.Cause != nil {
		return fmt.Sprintf("%s: %s: %v", f.Code, f.Message, f.Cause)
	}
	return fmt.Sprintf("%s: %s", f.Code, f.Message)
}

func (f *Fault) Unwrap() error { return f.Cause }

// Faultf makes a Fault; a %w becomes its cause and stays inside.
func Faultf(code Code, format string, args ...any) *Fault {
	return &Fault{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Because adds a cause, which is logged and never answered.
func (f *Fault) Because(err error) *Fault {
	f.Cause = err
	return f
}
