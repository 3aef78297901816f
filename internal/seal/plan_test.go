package seal_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/talix-dev/talix/internal/seal"
	"github.com/talix-dev/talix/store"
)

func planIn(t testing.TB, of func(reflect.Type) (*seal.Plan, error), v any) *seal.Plan {
	t.Helper()
	p, err := of(reflect.TypeOf(v))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

type withOwnJSON struct {
	Name string `json:"name" personal:"true"`
}

func (withOwnJSON) MarshalJSON() ([]byte, error) { return []byte(`"x"`), nil }

func TestPlanFindsFaults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in   any
		want string
	}{
		{struct {
			A string `personal:"yes"`
		}{}, `has the tag personal:"yes": write personal:"true", or remove it`},
		{struct {
			A string `json:"-" personal:"true"`
		}{}, "is not in the JSON of its type"},
		{struct {
			A string `personal:"true" subject:"true"`
		}{}, "remove one tag"},
		{struct {
			A string `subject:"true"`
			B string `subject:"true"`
		}{}, "two fields tagged subject"},
		{struct {
			A []string `subject:"true"`
		}{}, "make it a string or an integer"},
		{struct{ A withOwnJSON }{}, "writes its own JSON"},
	} {
		_, err := seal.PlanOf(reflect.TypeOf(c.in))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%T: %v, want …%s…", c.in, err, c.want)
		}
	}
}

type tree struct {
	Name string `json:"name" personal:"true"`
	Left *tree  `json:"left,omitempty"`
	Rest []tree `json:"rest,omitempty"`
}

func TestPlanKnowsWhatIsLoose(t *testing.T) {
	t.Parallel()
	type bound struct {
		ID   store.ID `json:"id" subject:"true"`
		Name string   `json:"name" personal:"true"`
		Tree tree     `json:"tree"`
	}
	for _, c := range []struct {
		in    any
		none  bool
		loose bool
	}{
		{in: struct{ A, B string }{}, none: true},
		{in: 7, none: true},
		{in: bound{}},
		{in: []bound{}},
		{in: map[string]*bound{}},
		{in: tree{}, loose: true},
		{in: struct {
			B bound
			T []tree
		}{}, loose: true},
	} {
		p := planIn(t, seal.PlanOf, c.in)
		if (p == nil) != c.none || p != nil && (p.Loose() != "") != c.loose {
			t.Errorf("%T: plan %v, want none %v, loose %v", c.in, p, c.none, c.loose)
		}
	}
}
