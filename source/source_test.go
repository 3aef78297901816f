package source_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/talix-dev/talix/source"
)

func TestGet(t *testing.T) {
	t.Parallel()
	errNone := errors.New("none")
	get := func(want reflect.Type) (any, error) {
		switch want {
		case reflect.TypeFor[string]():
			return "provided", nil
		case reflect.TypeFor[int]():
			return "no number", nil
		case reflect.TypeFor[fmt.Stringer]():
			return reflect.TypeFor[int](), nil // a Type is a Stringer
		}
		return nil, errNone
	}
	if v, err := source.Get[string](get); v != "provided" || err != nil {
		t.Errorf("a string is %q, %v", v, err)
	}
	if v, err := source.Get[fmt.Stringer](get); err != nil || v.String() != "int" {
		t.Errorf("a Stringer is %v, %v", v, err)
	}
	if _, err := source.Get[int](get); err == nil || !strings.Contains(err.Error(), "a string is provided as int") {
		t.Errorf("another type gives %v", err)
	}
	if _, err := source.Get[bool](get); !errors.Is(err, errNone) {
		t.Errorf("a missing one gives %v", err)
	}
}
