// Expenses takes in documents by their URL, finds out what they say, and keeps
// the expenses among them.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/blob/dir"
	"github.com/talix-dev/talix/examples/expenses/analyze"
	"github.com/talix-dev/talix/examples/expenses/document"
	"github.com/talix-dev/talix/examples/expenses/expense"
	"github.com/talix-dev/talix/examples/expenses/fetch"
	"github.com/talix-dev/talix/examples/expenses/page"
	"github.com/talix-dev/talix/standalone"
)

func main() {
	var download fetch.Config
	flag.BoolVar(&download.AllowPrivate, "allow-private-addresses", false, "download also from addresses that are not public, such as this machine's")
	flag.DurationVar(&download.Timeout, "download-timeout", 30*time.Second, "longest `time` of a download")
	flag.Int64Var(&download.MaxBytes, "download-limit", 20<<20, "largest size of a download in `bytes`")
	samples := flag.String("samples", "", "`address` to serve sample documents on, as in 127.0.0.1:8082; downloads from it are allowed")
	model := modelFlags()
	app := standalone.New()

	if *samples != "" {
		own, err := serveSamples(context.Background(), *samples)
		if err != nil {
			fail(err)
		}
		download.Allow = append(download.Allow, own)
	}
	app.Main(
		talix.Provide[document.FileStorage](files{dir.New(app.Path("files")), fetch.New(download)}),
		talix.Provide[document.Analyzer](analyzer{model.analyzer()}),
		document.Service, expense.Service, page.Service,
	)
}

// model says which analyzer reads documents.
type model struct{ url, name string }

func modelFlags() *model {
	m := &model{}
	flag.StringVar(&m.url, "model-url", "", "`URL` of an OpenAI-compatible API that analyzes documents, such as http://127.0.0.1:11434/v1; its key is read from MODEL_KEY; without it, documents are analyzed here")
	flag.StringVar(&m.name, "model", "", "`name` of the model at --model-url")
	return m
}

func (m *model) analyzer() analyze.Analyzer {
	if m.url == "" {
		return analyze.NewLocal(analyze.Config{})
	}
	remote, err := analyze.NewRemote(analyze.RemoteConfig{BaseURL: m.url, Model: m.name, Key: os.Getenv("MODEL_KEY")})
	if err != nil {
		fail(err)
	}
	return remote
}

// fail ends the program, which could not start.
func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
