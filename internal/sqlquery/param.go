package sqlquery

import (
	"errors"
	"reflect"
	"strings"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/rowmap"
	"github.com/talix-dev/talix/table"
)

// argument is a parameter of the text as the database knows it.
type argument struct {
	name  string
	field *rowmap.Param
	terms func(string) table.Value // of a search; nil: the value as it is
}

func (c *compiler) params(names []string) {
	for _, name := range names {
		a := argument{name: name}
		given, isSearch := strings.CutPrefix(name, searchPrefix)
		if isSearch && c.dialect != nil {
			a.terms = c.dialect.Terms
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
	if a.terms != nil && arg.Value.Kind() == table.Text {
		arg.Value = a.terms(arg.Value.Text())
	}
	return arg, err
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
			f.Fields = []registry.Field{{Location: q.params[i].field.Name, Message: errors.Unwrap(err).Error()}}
			return nil, f
		}
		args = append(args, arg)
	}
	return args, nil
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
