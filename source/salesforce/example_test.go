package salesforce_test

import (
	"context"
	"fmt"
	"log"
	"net/http/httptest"
	"reflect"

	"github.com/talix-dev/talix/source"
	"github.com/talix-dev/talix/source/salesforce"
)

// A definition names the event; the secret is given where the program is put
// together. The runtime does what stands between.
func Example() {
	type Lead struct {
		ID    string `json:"Id"`
		Email string
	}
	trigger := salesforce.On[Lead]("Lead.Created")

	sf, err := salesforce.New(salesforce.Config{Secrets: []string{"s3cret"}, Now: now})
	if err != nil {
		log.Fatal(err)
	}
	provided := func(reflect.Type) (any, error) { return sf, nil }
	s, err := trigger.Source.(source.Reference).Resolve(provided)
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		for post(sf, change, "s3cret").Code != 204 { // until somebody receives
		}
		cancel()
	}()
	err = s.Receive(ctx, func(_ context.Context, m source.Message) error {
		lead, err := trigger.Decode(m)
		fmt.Println(trigger.Name, lead.ID, lead.Email)
		return err
	})
	fmt.Println(err)
	// Output:
	// salesforce Lead.Created 00Q1 a@example.org
	// <nil>
}

func ExampleNew() {
	_, err := salesforce.New(salesforce.Config{})
	fmt.Println(err)
	// Output:
	// salesforce: webhook /hooks/salesforce: it has no Secrets: give one, or set Unsigned if anybody may call it
}

func ExampleEndpoint() {
	sf, err := salesforce.New(salesforce.Config{Secrets: []string{"s3cret"}})
	if err != nil {
		log.Fatal(err)
	}
	server := httptest.NewServer(sf)
	defer server.Close()
	fmt.Println(sf.Pattern())
	// Output: POST /hooks/salesforce
}
