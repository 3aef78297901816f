// Package salesforce lets actions run on what happens in Salesforce:
//
//	type Lead struct {
//		ID    string `json:"Id"`
//		Email string `json:"Email"`
//	}
//
//	var OnLead = talix.On("create-user-on-lead", salesforce.On[Lead]("Lead.Created"),
//		func(ctx talix.ActionContext, lead Lead) error { … })
//
// Where the program is put together, it says how Salesforce reaches it:
//
//	sf, err := salesforce.New(salesforce.Config{Secrets: []string{os.Getenv("SALESFORCE_SECRET")}})
//	talix.Provide(sf)
//
// # Events
//
// "Lead.Created", "Lead.Updated", "Lead.Deleted" and "Lead.Undeleted" are
// changes of records, of any object: custom ones too, as in
// "Invoice__c.Created". "Order_Placed__e" is a platform event. Data is the
// record's fields, or the event's, under their API names; Id is the record's.
// An update has only the fields that changed. A gap ("Lead.Gap_Created" and so
// on: Salesforce says that a record was changed, but not how) has the Id alone.
//
// # What Salesforce sends
//
// One event a request, by POST, as JSON in one of three shapes:
//
//   - Change Data Capture and platform events, as the streaming API gives them:
//     {"schema", "payload": {"ChangeEventHeader": {…}, fields…}, "event":
//     {"replayId"}}, alone or under "data" with a "channel" beside it. Of a
//     change of several records each gets its own message.
//   - CloudEvents 1.0 in structured mode, with the event's name as type
//     ("Lead.Created", or with "com.salesforce." before it): what an Apex trigger
//     or an Apex action of a Flow sends.
//
// The request is signed as Stripe signs, in the header Talix-Signature. In Apex:
//
//	String t = String.valueOf(System.now().getTime() / 1000);
//	Blob sum = Crypto.generateMac('hmacSHA256', Blob.valueOf(t + '.' + body), Blob.valueOf(secret));
//	request.setHeader('Talix-Signature', 't=' + t + ',v1=' + EncodingUtil.convertToHex(sum));
//
// Keep the secret in a protected custom setting or a named credential, and send
// from a queueable that sends again whatever is not answered with 2xx. An
// answer of 2xx means that every action which waits for the event has it,
// durably; events that no action waits for are answered so too.
package salesforce

import (
	"fmt"
	"net/http"
	"time"

	"github.com/talix-dev/talix/source"
	"github.com/talix-dev/talix/source/webhook"
)

// Config of an Endpoint.
type Config struct {
	// Path of the endpoint. Defaults to "/hooks/salesforce".
	Path string
	// Secrets with which requests may be signed. Give two while you change it.
	Secrets []string
	// Scheme is how requests are signed, if it is not as the package says; its
	// ID is not used.
	Scheme webhook.Scheme
	// ReplayWindow is how far the time that was signed may be from the present.
	// Defaults to 5 minutes.
	ReplayWindow time.Duration
	// MaxBody is the largest body, in bytes. Defaults to 1 MB.
	MaxBody int64
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
}

// Endpoint is where Salesforce's requests come in. The program provides it:
// talix.Provide(endpoint).
type Endpoint struct {
	*webhook.Endpoint
}

var _ http.Handler = (*Endpoint)(nil)

// New makes an endpoint. It fails if the configuration is not whole.
func New(c Config) (*Endpoint, error) {
	if c.Path == "" {
		c.Path = "/hooks/salesforce"
	}
	if c.Scheme.Verify == nil {
		c.Scheme.Verify = webhook.TimedSHA256("Talix-Signature")
	}
	e, err := webhook.New(webhook.Config{
		Path: c.Path, Secrets: c.Secrets, Scheme: c.Scheme, DeliveryID: deliveryID,
		ReplayWindow: c.ReplayWindow, MaxBody: c.MaxBody, Now: c.Now, Messages: messages,
	})
	if err != nil {
		return nil, fmt.Errorf("salesforce: %w", err)
	}
	return &Endpoint{e}, nil
}

// Event is a source of one event's messages, for programs that wire their
// sources by hand.
func (e *Endpoint) Event(name string) *webhook.Subscription {
	return e.Subscribe(func(m source.Message) bool { return m.Attributes[EventAttribute] == canonical(name) })
}

// Attributes of messages, beside the request's headers.
const (
	// EventAttribute is the event's name, as in "Lead.Created".
	EventAttribute = "salesforce-event"
	// RecordAttribute is the record's Id.
	RecordAttribute = "salesforce-record"
	// ReplayAttribute is the event's replay id in Salesforce.
	ReplayAttribute = "salesforce-replay"
	// UserAttribute is the Id of the user who made the change.
	UserAttribute = "salesforce-user"
)
