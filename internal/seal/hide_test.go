package seal_test

import (
	"testing"
	"time"

	"github.com/talix-dev/talix/internal/seal"
	"github.com/talix-dev/talix/vault/memory"
)

type card struct {
	Name  string   `json:"name" personal:"true"`
	Other []string `json:"other"`
	Age   int      `json:"age" personal:"true"`
}

// What is sealed is hidden, by whichever plan it was; so is what a plan tells
// that was stored before it was tagged. What only looks sealed is shown.
func TestHide(t *testing.T) {
	t.Parallel()
	box := seal.New(memory.New(), 0)
	plan := planIn(t, seal.PlanOf, card{})
	sealed, err := box.Seal(t.Context(), seal.Doc{Data: []byte(`{"name":"Rosa","other":["{\"$sealed\":\"v1.x\"}"],"age":7}`), Plan: plan, Of: "rosa", Bound: "b"})
	if err != nil {
		t.Fatal(err)
	}
	const hidden = `{"name":"•••","other":["{\"$sealed\":\"v1.x\"}"],"age":"•••"}`
	for name, c := range map[string]struct {
		data string
		plan *seal.Plan
		want string
		n    int
	}{
		"sealed":           {string(sealed), plan, hidden, 2},
		"by an older plan": {string(sealed), nil, hidden, 2},
		"before the tags":  {`{"name":"Rosa","other":["x"],"age":null}`, plan, `{"name":"•••","other":["x"],"age":null}`, 1},
		"nothing personal": {`{"name":"Rosa"}`, nil, `{"name":"Rosa"}`, 0},
		"no JSON":          {`Rosa`, plan, `"•••"`, 1},
	} {
		got, cover, err := box.Hide(t.Context(), []byte(c.data), c.plan, "•••")
		if err != nil || string(got) != c.want || cover != (seal.Cover{Hidden: c.n}) {
			t.Errorf("%s: %s %+v %v, want %s", name, got, cover, err, c.want)
		}
	}
}

// Of an erased subject nothing is left to hide.
func TestHideOfErased(t *testing.T) {
	t.Parallel()
	keys := memory.New()
	box := seal.New(keys, 0)
	sealed, err := box.Seal(t.Context(), seal.Doc{Data: []byte(`{"name":"Rosa","other":[],"age":7}`), Plan: planIn(t, seal.PlanOf, card{}), Of: "rosa", Bound: "b"})
	if err != nil {
		t.Fatal(err)
	}
	if err := keys.Erase(t.Context(), box.Name("rosa"), time.Now()); err != nil {
		t.Fatal(err)
	}
	box.Forget(box.Name("rosa"))
	got, cover, err := box.Hide(t.Context(), sealed, planIn(t, seal.PlanOf, card{}), "•••")
	if want := `{"name":null,"other":[],"age":null}`; err != nil || string(got) != want || cover != (seal.Cover{Erased: 2}) {
		t.Errorf("%s %+v %v, want %s", got, cover, err, want)
	}
}

func TestHideAll(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{"a":1,"b":[true,null,"x\"y"],"c":{},"d":[]}`: `{"a":"•••","b":["•••",null,"•••"],"c":{},"d":[]}`,
		` [ -1.5e3 , { "k" : "v" } ] `:                 ` [ "•••" , { "k" : "•••" } ] `,
		`"x"`:                                          `"•••"`, "null": "null", "x": "null", "": "null",
	} {
		if got := seal.HideAll([]byte(in), "•••"); string(got) != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}
