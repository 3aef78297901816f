package salesforce_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/talix-dev/talix/source"
	"github.com/talix-dev/talix/source/salesforce"
	"github.com/talix-dev/talix/source/webhook"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret = "s3cret"

func now() time.Time { return time.Unix(1_700_000_000, 0) }

// lead is a user's type.
type lead struct {
	ID      string `json:"Id"`
	Email   string
	Company string
	Name    struct{ FirstName, LastName string }
}

// change is a change event as Salesforce's documentation shows it.
const change = `{
  "schema": "IeRuaY6cbI_HsV8Rv1Mc5g",
  "payload": {
    "ChangeEventHeader": {
      "entityName": "Lead", "recordIds": ["00Q1"], "changeType": "CREATE",
      "changeOrigin": "com/salesforce/api/soap/60.0;client=SfdcInternalAPI/",
      "transactionKey": "002343d9-8ee4-b32c-6a7c-a6e1b8bc9a2d", "sequenceNumber": 3,
      "commitTimestamp": 1700000000123, "commitUser": "005x", "commitNumber": 356374
    },
    "Email": "a@example.org", "Company": "Acme", "Name": {"FirstName": "Ada", "LastName": "L"}
  },
  "event": {"replayId": 6}
}`

// app is an endpoint with one action's trigger on it.
type app struct {
	t       *testing.T
	handler http.Handler
	trigger source.Trigger[lead]

	mu  sync.Mutex
	got []source.Message
}

// start wires an action's trigger as the runtime does.
func start(t *testing.T, event string) *app {
	t.Helper()
	sf, err := salesforce.New(salesforce.Config{Secrets: []string{secret}, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	a := &app{t: t, trigger: salesforce.On[lead](event)}
	s, err := a.trigger.Source.(source.Reference).Resolve(func(want reflect.Type) (any, error) {
		if want != reflect.TypeFor[*salesforce.Endpoint]() {
			return nil, fmt.Errorf("asked for %s", want)
		}
		return sf, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	pattern, handler := s.(interface {
		Mount() (string, http.Handler)
	}).Mount()
	mux := http.NewServeMux()
	mux.Handle(pattern, handler)
	a.handler = mux
	a.receive(s)
	return a
}

func (a *app) receive(s source.Source) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := s.Receive(ctx, a.deliver); err != nil {
			a.t.Errorf("receive: %v", err)
		}
	}()
	a.t.Cleanup(func() { cancel(); <-done })
}

func (a *app) deliver(_ context.Context, m source.Message) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.got = append(a.got, m)
	return nil
}

// post sends a signed body until somebody receives.
func (a *app) post(body string) *httptest.ResponseRecorder {
	a.t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		if w := post(a.handler, body, secret); w.Code != http.StatusServiceUnavailable {
			return w
		}
	}
	a.t.Fatal("nobody receives")
	return nil
}

func post(h http.Handler, body, secret string) *httptest.ResponseRecorder {
	stamp := fmt.Sprint(now().Unix())
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(stamp + "." + body))
	r := httptest.NewRequest(http.MethodPost, "/hooks/salesforce", strings.NewReader(body))
	r.Header.Set("Talix-Signature", "t="+stamp+",v1="+hex.EncodeToString(m.Sum(nil)))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestChange(t *testing.T) {
	t.Parallel()
	a := start(t, "Lead.Created")
	if w := a.post(change); w.Code != 204 {
		t.Fatalf("status is %d %s", w.Code, w.Body)
	}
	if len(a.got) != 1 {
		t.Fatalf("%d messages were delivered, want 1", len(a.got))
	}
	m := a.got[0]
	if want := "002343d9-8ee4-b32c-6a7c-a6e1b8bc9a2d/3/Lead"; m.ID != want || !m.Time.Equal(time.UnixMilli(1700000000123)) {
		t.Errorf("the message is %s of %v, want %s", m.ID, m.Time, want)
	}
	for name, want := range map[string]string{
		salesforce.EventAttribute: "lead.created", salesforce.RecordAttribute: "00Q1",
		salesforce.ReplayAttribute: "6", salesforce.UserAttribute: "005x",
	} {
		if got := m.Attributes[name]; got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	got, err := a.trigger.Decode(m)
	if err != nil {
		t.Fatal(err)
	}
	want := lead{ID: "00Q1", Email: "a@example.org", Company: "Acme"}
	want.Name.FirstName, want.Name.LastName = "Ada", "L"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestShapes: each shape reaches the trigger that waits for it, under the id
// that stays.
func TestShapes(t *testing.T) {
	t.Parallel()
	header := func(entity, kind, records string) string {
		return fmt.Sprintf(`"ChangeEventHeader":{"entityName":%q,"changeType":%q,"recordIds":[%s],"transactionKey":"t","sequenceNumber":1}`, entity, kind, records)
	}
	tests := map[string]struct {
		on, body string
		ids      []string
		leads    []lead
	}{
		"updated":        {"Lead.Updated", `{"payload":{` + header("Lead", "UPDATE", `"1"`) + `,"Email":"e"}}`, []string{"t/1/Lead"}, []lead{{ID: "1", Email: "e"}}},
		"deleted":        {"Lead.Deleted", `{"payload":{` + header("Lead", "DELETE", `"1"`) + `}}`, []string{"t/1/Lead"}, []lead{{ID: "1"}}},
		"undeleted":      {"Lead.Undeleted", `{"payload":{` + header("Lead", "UNDELETE", `"1"`) + `}}`, []string{"t/1/Lead"}, []lead{{ID: "1"}}},
		"gap":            {"Lead.Gap_Created", `{"payload":{` + header("Lead", "GAP_CREATE", `"1"`) + `}}`, []string{"t/1/Lead"}, []lead{{ID: "1"}}},
		"overflow":       {"Lead.Gap_Overflow", `{"payload":{` + header("Lead", "GAP_OVERFLOW", ``) + `}}`, []string{"t/1/Lead"}, []lead{{}}},
		"custom object":  {"Invoice__c.Created", `{"payload":{` + header("Invoice__c", "CREATE", `"1"`) + `}}`, []string{"t/1/Invoice__c"}, []lead{{ID: "1"}}},
		"capitals":       {"lead.CREATED", `{"payload":{` + header("Lead", "CREATE", `"1"`) + `}}`, []string{"t/1/Lead"}, []lead{{ID: "1"}}},
		"several":        {"Lead.Updated", `{"payload":{` + header("Lead", "UPDATE", `"1","2"`) + `,"Email":"e"}}`, []string{"t/1/Lead/1", "t/1/Lead/2"}, []lead{{ID: "1", Email: "e"}, {ID: "2", Email: "e"}}},
		"channel":        {"Lead.Created", `{"channel":"/data/LeadChangeEvent","data":{"payload":{` + header("Lead", "CREATE", `"1"`) + `},"event":{"replayId":5}}}`, []string{"t/1/Lead"}, []lead{{ID: "1"}}},
		"other object":   {"Lead.Created", `{"payload":{` + header("Account", "CREATE", `"1"`) + `}}`, nil, nil},
		"other change":   {"Lead.Created", `{"payload":{` + header("Lead", "UPDATE", `"1"`) + `}}`, nil, nil},
		"unknown change": {"Lead.Created", `{"payload":{` + header("Lead", "SNAPSHOT", `"1"`) + `}}`, nil, nil},
		"platform event": {"Lead_In__e", `{"payload":{"Email":"e","CreatedDate":"2026-03-01T12:00:00Z"},"event":{"replayId":5,"EventUuid":"u","EventApiName":"Lead_In__e"}}`, []string{"u"}, []lead{{Email: "e"}}},
		"its channel":    {"Lead_In__e", `{"channel":"/event/Lead_In__e","data":{"payload":{"Email":"e"},"event":{"replayId":5}}}`, []string{"Lead_In__e/5"}, []lead{{Email: "e"}}},
		"cloudevent":     {"Lead.Created", `{"specversion":"1.0","id":"7","source":"/org/1","type":"Lead.Created","time":"2026-03-01T12:00:00Z","data":{"Id":"1","Email":"e"}}`, []string{"/org/1 7"}, []lead{{ID: "1", Email: "e"}}},
		"its prefix":     {"Lead.Created", `{"specversion":"1.0","id":"7","source":"/org/1","type":"com.salesforce.Lead.Created","data":{}}`, []string{"/org/1 7"}, []lead{{}}},
		"without data":   {"Lead.Created", `{"specversion":"1.0","id":"7","source":"/org/1","type":"Lead.Created"}`, []string{"/org/1 7"}, []lead{{}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := start(t, test.on)
			if w := a.post(test.body); w.Code != 204 {
				t.Fatalf("status is %d %s", w.Code, w.Body)
			}
			var ids []string
			var leads []lead
			for _, m := range a.got {
				v, err := a.trigger.Decode(m)
				if err != nil {
					t.Error(err)
				}
				ids, leads = append(ids, m.ID), append(leads, v)
			}
			if diff := cmp.Diff(test.ids, ids); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(test.leads, leads); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestBodiesThatAreNone(t *testing.T) {
	t.Parallel()
	a := start(t, "Lead.Created")
	a.post(change)
	for name, body := range map[string]string{
		"no JSON": "x", "list": "[]", "nothing": "{}", "null": "null", "data alone": `{"data":1}`,
		"no header":      `{"payload":{"ChangeEventHeader":7}}`,
		"no transaction": `{"payload":{"ChangeEventHeader":{"entityName":"Lead","changeType":"CREATE","recordIds":["1"]}}}`,
		"no record":      `{"payload":{"ChangeEventHeader":{"entityName":"Lead","changeType":"CREATE","transactionKey":"t"}}}`,
		"no change":      `{"payload":{"ChangeEventHeader":{"entityName":"Lead","recordIds":["1"],"transactionKey":"t"}}}`,
		"no name":        `{"payload":{"Email":"e"},"event":{"EventUuid":"u"}}`,
		"no id":          `{"payload":{"Email":"e"},"event":{"EventApiName":"Lead_In__e"}}`,
		"no event id":    `{"specversion":"1.0","source":"/org/1","type":"Lead.Created"}`,
		"old":            `{"specversion":"0.3","id":"1","source":"/org/1","type":"Lead.Created"}`,
		"data a list":    `{"specversion":"1.0","id":"1","source":"/org/1","type":"Lead.Created","data":[]}`,
	} {
		if w := a.post(body); w.Code != 400 {
			t.Errorf("%s: status is %d %s, want 400", name, w.Code, w.Body)
		}
	}
	if len(a.got) != 1 {
		t.Errorf("%d messages were delivered, want 1", len(a.got))
	}
}

func TestSignature(t *testing.T) {
	t.Parallel()
	a := start(t, "Lead.Created")
	if w := post(a.handler, change, "other"); w.Code != 401 {
		t.Errorf("status is %d, want 401", w.Code)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	sf, err := salesforce.New(salesforce.Config{Secrets: []string{secret}})
	if err != nil {
		t.Fatal(err)
	}
	get := func(reflect.Type) (any, error) { return sf, nil }
	for name, ok := range map[string]bool{
		"Lead.Created": true, "Invoice__c.Gap_Deleted": true, "A__e": true,
		"Lead": false, "Lead.created_at": false, ".Created": false, "": false, "Lead.Create": false,
	} {
		_, err := salesforce.On[lead](name).Source.(source.Reference).Resolve(get)
		if (err == nil) != ok {
			t.Errorf("%q: Resolve says %v", name, err)
		}
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	if _, err := salesforce.New(salesforce.Config{}); err == nil || !strings.Contains(err.Error(), "Secrets") {
		t.Errorf("New without secrets says %v", err)
	}
	missing := func(reflect.Type) (any, error) { return nil, errors.New("not provided") }
	ref := salesforce.On[lead]("Lead.Created").Source.(source.Reference)
	if _, err := ref.Resolve(missing); err == nil || !strings.Contains(err.Error(), "talix.Provide(sf)") {
		t.Errorf("Resolve without an endpoint says %v", err)
	}
	if err := ref.Receive(t.Context(), nil); err == nil {
		t.Error("Receive of a reference returned nil")
	}
}

func TestOwnScheme(t *testing.T) {
	t.Parallel()
	sf, err := salesforce.New(salesforce.Config{Secrets: []string{secret}, Path: "/sf", Scheme: webhook.GitHub()})
	if err != nil {
		t.Fatal(err)
	}
	if sf.Pattern() != "POST /sf" {
		t.Errorf("its pattern is %q", sf.Pattern())
	}
	if w := post(sf, change, secret); w.Code != 401 {
		t.Errorf("a request signed by the default scheme is answered %d, want 401", w.Code)
	}
}

// FuzzBody: no body makes it panic, and what it takes has an id.
func FuzzBody(f *testing.F) {
	f.Add(change)
	f.Add(`{"specversion":"1.0","id":"7","source":"/org/1","type":"Lead.Created","data":{"Id":"1"}}`)
	f.Add(`{"channel":"/event/A__e","data":{"payload":{"Email":"e"},"event":{"replayId":5}}}`)
	f.Fuzz(func(t *testing.T, body string) {
		sf, err := salesforce.New(salesforce.Config{Secrets: []string{secret}, Now: now})
		if err != nil {
			t.Fatal(err)
		}
		if w := post(sf, body, secret); w.Code != 400 && w.Code != 503 {
			t.Errorf("status is %d", w.Code)
		}
	})
}
