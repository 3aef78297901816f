package webhook_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"

	"github.com/talix-dev/talix/source"
	"github.com/talix-dev/talix/source/webhook"
)

// A definition names the endpoint; path and secret are given where the program
// is put together. The runtime does what stands between.
func Example() {
	type Push struct{ Ref string }
	trigger := webhook.On[Push]("github")

	github, err := webhook.New(webhook.Config{Path: "/hooks/github", Secrets: []string{"s3cret"}})
	if err != nil {
		log.Fatal(err)
	}
	provided := func(reflect.Type) (any, error) { return webhook.Endpoints{"github": github}, nil }
	s, err := trigger.Source.(source.Reference).Resolve(provided)
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		const body = `{"ref":"refs/heads/main"}`
		for post(github, body, "X-GitHub-Delivery", "1", "X-Hub-Signature-256", "sha256="+hexSum("s3cret", body)).Code != 204 {
		} // until somebody receives
		cancel()
	}()
	err = s.Receive(ctx, func(_ context.Context, m source.Message) error {
		push, err := trigger.Decode(m)
		fmt.Println(m.ID, push.Ref)
		return err
	})
	fmt.Println(err)
	// Output:
	// 1 refs/heads/main
	// <nil>
}

// A sender with a scheme of its own: a header with the bare sum, and an id in
// the body.
func ExampleScheme() {
	e, err := webhook.New(webhook.Config{
		Path:    "/hooks/shop",
		Secrets: []string{"the next one", "the present one"},
		Scheme:  webhook.Scheme{Verify: webhook.SHA256("X-Shop-Sum", ""), ID: webhook.JSON("event.id")},
	})
	if err != nil {
		log.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/hooks/shop", strings.NewReader(`{"event":{"id":1}}`))
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	fmt.Println(w.Code, w.Body)
	// Output: 401 {"code":"unauthorized","detail":"the signature is missing or wrong","status":401,"title":"Unauthorized","type":"about:blank"}
}
