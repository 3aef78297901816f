// Package openapi_test holds the OpenAPI document of a program against tools of
// others: a validator, and a generator whose client then calls the program.
package openapi_test

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/oapi-codegen/oapi-codegen/v2/pkg/codegen"
	_ "github.com/oapi-codegen/runtime" // what is generated needs it
)

// A client that a standard generator makes of the document works on the program.
func TestGeneratedClient(t *testing.T) {
	t.Parallel()
	program, samples := expenses(t)
	doc := document(t, program)
	dir := t.TempDir()
	client(t, doc, dir)
	use := exec.CommandContext(t.Context(), "go", "run", ".", program, samples+"/receipt-coffee-us.txt")
	use.Dir = dir
	use.Env = append(os.Environ(), "GOFLAGS=-mod=readonly", "GOWORK=off")
	if out, err := use.CombinedOutput(); err != nil || string(out) != "used\n" {
		t.Errorf("the client: %v\n%s", err, out)
	}
}

// expenses starts the example, and tells where it listens and where its sample
// documents are.
func expenses(t *testing.T) (program, samples string) {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "expenses")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "./examples/expenses")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	run := exec.CommandContext(t.Context(), binary, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--samples", "127.0.0.1:0",
		"--store", "memory", "--data", t.TempDir())
	var log bytes.Buffer
	run.Stderr = &log
	out, err := run.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = run.Process.Kill() // it may have ended
		_ = run.Wait()         // killed
		if t.Failed() {
			t.Logf("the program wrote\n%s", &log)
		}
	})
	return addresses(t, out)
}

// addresses reads them from the lines that tell them.
func addresses(t *testing.T, out io.Reader) (program, samples string) {
	t.Helper()
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		what, address, _ := strings.Cut(lines.Text(), " on ")
		switch what {
		case "samples":
			samples = address
		case "listening":
			program = address
		case "admin": // the last one
			return program, samples
		}
	}
	t.Fatalf("the program did not start: %v", lines.Err())
	return "", ""
}

// document gets the program's document, which is a valid one.
func document(t *testing.T, program string) *openapi3.T {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, program+"/openapi.json", nil)
	if err != nil {
		t.Fatal(err)
	}
	w, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Body.Close()
	data, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(data)
	if err != nil {
		t.Fatalf("load: %v\n%s", err, data)
	}
	if err := doc.Validate(t.Context()); err != nil || !strings.HasPrefix(doc.OpenAPI, "3.1.") {
		t.Fatalf("OpenAPI %s: %v\n%s", doc.OpenAPI, err, data)
	}
	return doc
}

// client writes a module with a client and what uses it.
func client(t *testing.T, doc *openapi3.T, dir string) {
	t.Helper()
	code, err := codegen.Generate(doc, codegen.Configuration{
		PackageName: "api", Generate: codegen.GenerateOptions{Models: true, Client: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	mod := strings.Replace(string(read(t, "go.mod")), "module github.com/talix-dev/talix/tools/openapi", "module generated.example/client", 1)
	for name, data := range map[string][]byte{
		"go.mod": []byte(mod), "go.sum": read(t, "go.sum"), "main.go": read(t, "testdata/use/main.go"), "api/api.go": []byte(code),
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
