package table

import (
	"errors"
	"math"
)

// ErrMark: a view's mark is not where its writer left it, so there is a second
// writer; the transaction was rolled back.
var ErrMark = errors.New("another writer has moved the view's mark")

// Kind is the type of a column or value, as every SQL database has it.
type Kind uint8

// The kinds. A zero Value is Null.
const (
	Null Kind = iota
	Int
	Float
	Text
	Blob
)

// Value is one SQL value. Values are compared with ==.
type Value struct {
	kind Kind
	num  uint64
	text string
}

// IntValue makes an Int.
func IntValue(v int64) Value { return Value{kind: Int, num: uint64(v)} }

// FloatValue makes a Float.
func FloatValue(v float64) Value { return Value{kind: Float, num: math.Float64bits(v)} }

// TextValue makes a Text.
func TextValue(v string) Value { return Value{kind: Text, text: v} }

// BlobValue makes a Blob; the bytes are held as a string, so they don't change.
func BlobValue(v string) Value { return Value{kind: Blob, text: v} }

// BoolValue makes the Int 0 or 1.
func BoolValue(v bool) Value {
	if v {
		return IntValue(1)
	}
	return IntValue(0)
}

// Kind tells which of Int, Float and Text to call.
func (v Value) Kind() Kind { return v.kind }

// Int is the value of an Int, or zero.
func (v Value) Int() int64 { return int64(v.num) }

// Float is the value of a Float, or zero.
func (v Value) Float() float64 { return math.Float64frombits(v.num) }

// Text is the value of a Text or Blob, or empty.
func (v Value) Text() string { return v.text }
