// Use calls the example expenses through a client that was generated from its
// OpenAPI document: use ADDRESS DOCUMENT-URL.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"generated.example/client/api"
)

func main() {
	c, err := api.NewClientWithResponses(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	id, position := upload(ctx, c, os.Args[2])
	read(ctx, c, id, position)
	list(ctx, c, id, position)
	refused(ctx, c)
	fmt.Println("used")
}

// upload runs an action, whose answer names what it wrote.
func upload(ctx context.Context, c *api.ClientWithResponses, url string) (id, position string) {
	key := "upload " + url
	r, err := c.PostDocumentsUploadFromUrlWithResponse(ctx, &api.PostDocumentsUploadFromUrlParams{IdempotencyKey: &key}, api.UploadInput{Url: url})
	if err != nil || r.JSON200 == nil || r.Headers200.TalixPosition == nil {
		log.Fatalf("upload: %v: %s", err, r.Body)
	}
	return r.JSON200.DocumentId, *r.Headers200.TalixPosition
}

// read asks a query of one row, which waits for what was written.
func read(ctx context.Context, c *api.ClientWithResponses, id, position string) {
	r, err := c.GetDocumentWithResponse(ctx, id, &api.GetDocumentParams{After: &position})
	if err != nil || r.JSON200 == nil || r.JSON200.DocumentId != id || r.JSON200.CreatedAt.IsZero() {
		log.Fatalf("read: %v: %s", err, r.Body)
	}
}

// list asks a query that answers a page.
func list(ctx context.Context, c *api.ClientWithResponses, id, position string) {
	limit := int64(1)
	r, err := c.ListDocumentsWithResponse(ctx, &api.ListDocumentsParams{Limit: &limit, After: &position})
	if err != nil || r.JSON200 == nil || len(*r.JSON200.Items) != 1 || (*r.JSON200.Items)[0].DocumentId != id {
		log.Fatalf("list: %v: %s", err, r.Body)
	}
}

// refused gets problems, with the field that is at fault.
func refused(ctx context.Context, c *api.ClientWithResponses) {
	up, err := c.PostDocumentsUploadFromUrlWithResponse(ctx, nil, api.UploadInput{})
	if err != nil {
		log.Fatal(err)
	}
	p := up.ApplicationproblemJSONDefault
	if p == nil || p.Code != api.ProblemCodeInvalid || p.Errors == nil || len(*p.Errors) == 0 || (*p.Errors)[0].Location != "body.url" {
		log.Fatalf("an input without a URL: %d %s", up.StatusCode(), up.Body)
	}
	got, err := c.GetDocumentWithResponse(ctx, "none", nil)
	if err != nil || got.ApplicationproblemJSONDefault == nil || got.ApplicationproblemJSONDefault.Code != api.ProblemCodeNotFound {
		log.Fatalf("a document that is not there: %v: %s", err, got.Body)
	}
}
