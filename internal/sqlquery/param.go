package sqlquery

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/rowmap"
	"github.com/talix-dev/talix/table"
)

// argument is a parameter of the text as the database knows it.
type argument struct {
	name    string
	field   *rowmap.Param
	asOf    bool                                   // it is a position in the log
	convert func(text string) (table.Value, error) // nil: the value as it is
}

func (c *compiler) params(names []string) {
	for _, name := range names {
		a := argument{name: name}
		given := name
		if of, ok := strings.CutPrefix(name, searchPrefix); ok {
			given = of
			a.convert = func(text string) (table.Value, error) { return c.dialect.Terms(text), nil }
		}
		if of, ok := strings.CutPrefix(name, asOfPrefix); ok {
			given, a.asOf, a.convert = of, true, positions
		}
		var err error
		if a.field, err = c.in.Param(given); err != nil {
			c.fault("%w; it stands in …%s…", err, around(c.given, ":"+given))
			continue
		}
		c.q.params = append(c.q.params, a)
	}
}

func (a *argument) value(input reflect.Value) (table.Arg, error) {
	arg, err := a.field.Arg(input)
	arg.Name = a.name
	if err != nil || arg.Value.Kind() != table.Text {
		return arg, err
	}
	if a.convert != nil {
		arg.Value, err = a.convert(arg.Value.Text())
		return arg, err
	}
	// Not every database takes it, and none finds anything by it.
	if text := arg.Value.Text(); !utf8.ValidString(text) || strings.Contains(text, "\x00") {
		return arg, errText
	}
	return arg, nil
}

var errText = errors.New("this is no text: it has bytes that are zero or not UTF-8")

var errPosition = errors.New("this is not a position: use what a Talix-Position header said, as in 0:17")

// positions makes a JSON object of a position as in 0:17,3:5.
func positions(text string) (table.Value, error) {
	var b []byte
	for part := range strings.SplitSeq(text, ",") {
		partition, at, _ := strings.Cut(part, ":")
		p, err := strconv.ParseUint(partition, 10, 31)
		n, err2 := strconv.ParseInt(at, 10, 64)
		if err != nil || err2 != nil || n < 0 {
			return table.Value{}, errPosition
		}
		b = fmt.Appendf(b, ",\"%d\":%d", p, n)
	}
	return table.TextValue("{" + string(b[1:]) + "}"), nil
}

// AsOf are the positions in the log that the query looks back to for an input,
// which its tables have to have reached.
func (q *Query) AsOf(in any) (all []string) {
	input, err := q.input(in)
	if err != nil {
		return nil // as Run tells
	}
	for i := range q.params {
		if p := &q.params[i]; p.asOf {
			if arg, err := p.field.Arg(input); err == nil && arg.Value.Kind() == table.Text {
				all = append(all, arg.Value.Text())
			}
		}
	}
	return all
}

// input is an addressable copy of what the caller gave.
func (q *Query) input(in any) (reflect.Value, error) {
	v := reflect.ValueOf(in)
	if v.IsValid() && v.Kind() == reflect.Pointer && v.Type() != q.def.In {
		v = v.Elem()
	}
	if !v.IsValid() || v.Type() != q.def.In {
		return v, registry.Faultf(registry.Internal, "the query %q takes %s, but got %T", q.def.Name, q.def.In, in)
	}
	c := reflect.New(q.def.In).Elem()
	c.Set(v)
	return c, nil
}

// args are the values of the parameters, with room for those of a page.
func (q *Query) args(input reflect.Value) ([]table.Arg, error) {
	args := make([]table.Arg, 0, len(q.params)+q.page.params())
	for i := range q.params {
		arg, err := q.params[i].value(input)
		if err != nil {
			f := registry.Faultf(registry.Invalid, "the input is not valid").Because(err)
			f.Fields = []registry.Field{{Location: q.params[i].field.Name, Message: reason(err)}}
			return nil, f
		}
		args = append(args, arg)
	}
	return args, nil
}

// reason is what is wrong with a value, without the field that it is for.
func reason(err error) string {
	if inner := errors.Unwrap(err); inner != nil {
		err = inner
	}
	return err.Error()
}

// given are the input and the values of the parameters.
func (q *Query) given(in any) (reflect.Value, []table.Arg, error) {
	input, err := q.input(in)
	if err != nil {
		return input, nil, err
	}
	args, err := q.args(input)
	return input, args, err
}
