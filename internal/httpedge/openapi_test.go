package httpedge_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/talix-dev/talix/internal/httpedge"
)

var update = flag.Bool("update", false, "rewrite golden files")

func TestOpenAPI(t *testing.T) {
	t.Parallel()
	d := deposit()
	d.HTTP.Summary = "Puts money into an account."
	e := edgeOf(t, httpedge.Config{Backend: &backend{}, Title: "Bank", Version: "1.2"}, d,
		on("PUT /things/{id}", show[mixed]), on("POST /raw/{id}", show[upload]), on("POST /csv", show[csv]), on("POST /form", show[form]),
		on("POST /created", answers(created{})), on("GET /download", answers(download{})),
		query("list-all", "/all", show[everything]), query("list_all", "/all2/{path...}", show[byPath]))
	data, err := e.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, data, "", "  "); err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "openapi.json")
	if *update {
		if err := os.WriteFile(golden, append(pretty.Bytes(), '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if strings.TrimSpace(string(want)) != pretty.String() {
		t.Errorf("the document changed; if it should, run go test -update\n%s", pretty.String())
	}
	served := call(e, "GET", "/openapi.json", "")
	if served.Code != 200 || served.Body.String() != string(data) || served.Header().Get("Content-Type") != "application/json" {
		t.Errorf("served: %d, %v", served.Code, served.Header())
	}
	resolves(t, data)
}

// resolves checks that every reference of the document leads somewhere, and
// that operations have names of their own.
func resolves(t *testing.T, data []byte) {
	t.Helper()
	var doc map[string]any
	if err := json.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	ids := map[any]bool{}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, item := range v {
				walk(item)
			}
		case map[string]any:
			for key, item := range v {
				walk(item)
				if key == "operationId" && ids[item] {
					t.Errorf("operation %v stands twice", item)
				} else if key == "operationId" {
					ids[item] = true
				}
				if ref, ok := item.(string); ok && key == "$ref" {
					var at any = doc
					for step := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
						at = at.(map[string]any)[step]
					}
					if at == nil {
						t.Errorf("%s leads nowhere", ref)
					}
				}
			}
		}
	}
	walk(doc)
}

func TestOpenAPIGivesWay(t *testing.T) {
	t.Parallel()
	e := edge(t, &backend{}, query("own", "/{name}", show[struct {
		Name string `path:"name"`
	}]))
	if got, want := summary(t, call(e, "GET", "/openapi.json", "")), `200 {"in":"{Name:openapi.json}"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
