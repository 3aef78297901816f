package webhook_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/talix-dev/talix/source"
	"github.com/talix-dev/talix/source/webhook"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func sum(secret, text string) []byte {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(text))
	return m.Sum(nil)
}

func hexSum(secret, text string) string { return hex.EncodeToString(sum(secret, text)) }

// now is the time of every endpoint here.
func now() time.Time { return time.Unix(1_700_000_000, 0) }

func endpoint(t *testing.T, c webhook.Config) *webhook.Endpoint {
	t.Helper()
	if c.Path == "" {
		c.Path = "/hooks/test"
	}
	if c.Secrets == nil && !c.Unsigned {
		c.Secrets = []string{"old", "new"}
	}
	c.Now = now
	e, err := webhook.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// inbox keeps what is delivered.
type inbox struct {
	mu  sync.Mutex
	got []source.Message
	err error
}

func (i *inbox) deliver(_ context.Context, m source.Message) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.got = append(i.got, m)
	return i.err
}

func (i *inbox) ids() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	var ids []string
	for _, m := range i.got {
		ids = append(ids, m.ID)
	}
	return ids
}

// receive receives until the test ends, and returns when it has begun.
func receive(t *testing.T, s source.Source, deliver func(context.Context, source.Message) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := s.Receive(ctx, deliver); err != nil {
			t.Errorf("receive: %v", err)
		}
	}()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(stop)
	return stop
}

func post(h http.Handler, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/hooks/test", strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// github is a signed request's headers.
func github(secret, body, id string) []string {
	return []string{"X-Hub-Signature-256", "sha256=" + hexSum(secret, body), "X-GitHub-Delivery", id}
}

func stripe(secret, body string, at time.Time) []string {
	stamp := fmt.Sprint(at.Unix())
	return []string{"Stripe-Signature", "t=" + stamp + ",v1=00ff,v1=" + hexSum(secret, stamp+"."+body) + ",v0=1"}
}

func standard(secret, body, id string, at time.Time) []string {
	stamp := fmt.Sprint(at.Unix())
	key, _ := base64.StdEncoding.DecodeString(secret)
	signature := base64.StdEncoding.EncodeToString(sum(string(key), id+"."+stamp+"."+body))
	return []string{"Webhook-Id", id, "Webhook-Timestamp", stamp, "Webhook-Signature", "v1a,xx v1," + signature}
}

func TestSignatures(t *testing.T) {
	t.Parallel()
	const body = `{"id":"evt_1"}`
	whsec := base64.StdEncoding.EncodeToString([]byte("standard secret"))
	tests := map[string]struct {
		config webhook.Config
		header []string
		want   int
		id     string
	}{
		"github":              {webhook.Config{}, github("old", body, "d1"), 204, "d1"},
		"github, next secret": {webhook.Config{}, github("new", body, "d1"), 204, "d1"},
		"github, wrong":       {webhook.Config{}, github("other", body, "d1"), 401, ""},
		"github, other body":  {webhook.Config{}, github("old", body+" ", "d1"), 401, ""},
		"github, no prefix":   {webhook.Config{}, []string{"X-Hub-Signature-256", hexSum("old", body), "X-GitHub-Delivery", "d1"}, 401, ""},
		"github, no hex":      {webhook.Config{}, []string{"X-Hub-Signature-256", "sha256=zz", "X-GitHub-Delivery", "d1"}, 401, ""},
		"github, none":        {webhook.Config{}, []string{"X-GitHub-Delivery", "d1"}, 401, ""},
		"github, half":        {webhook.Config{}, []string{"X-Hub-Signature-256", "sha256=" + hexSum("old", body)[:32], "X-GitHub-Delivery", "d1"}, 401, ""},
		"github, no id":       {webhook.Config{}, github("old", body, ""), 400, ""},

		"stripe":             {webhook.Config{Scheme: webhook.Stripe()}, stripe("new", body, now()), 204, "evt_1"},
		"stripe, 5 minutes":  {webhook.Config{Scheme: webhook.Stripe()}, stripe("old", body, now().Add(-5*time.Minute)), 204, "evt_1"},
		"stripe, too old":    {webhook.Config{Scheme: webhook.Stripe()}, stripe("old", body, now().Add(-5*time.Minute-time.Second)), 401, ""},
		"stripe, future":     {webhook.Config{Scheme: webhook.Stripe()}, stripe("old", body, now().Add(5*time.Minute+time.Second)), 401, ""},
		"stripe, own window": {webhook.Config{Scheme: webhook.Stripe(), ReplayWindow: time.Hour}, stripe("old", body, now().Add(-time.Hour)), 204, "evt_1"},
		"stripe, wrong":      {webhook.Config{Scheme: webhook.Stripe()}, stripe("other", body, now()), 401, ""},
		"stripe, new time": {webhook.Config{Scheme: webhook.Stripe()}, []string{"Stripe-Signature",
			fmt.Sprintf("t=%d,v1=%s", now().Unix(), hexSum("old", fmt.Sprint(now().Add(-time.Hour).Unix())+"."+body))}, 401, ""},
		"stripe, no time": {webhook.Config{Scheme: webhook.Stripe()}, []string{"Stripe-Signature", "v1=" + hexSum("old", "."+body)}, 401, ""},
		"stripe, none":    {webhook.Config{Scheme: webhook.Stripe()}, nil, 401, ""},

		"standard":            {webhook.Config{Scheme: webhook.Standard(), Secrets: []string{"whsec_" + whsec}}, standard(whsec, body, "m1", now()), 204, "m1"},
		"standard, too old":   {webhook.Config{Scheme: webhook.Standard(), Secrets: []string{whsec}}, standard(whsec, body, "m1", now().Add(-time.Hour)), 401, ""},
		"standard, wrong":     {webhook.Config{Scheme: webhook.Standard(), Secrets: []string{"b3RoZXI="}}, standard(whsec, body, "m1", now()), 401, ""},
		"standard, bad key":   {webhook.Config{Scheme: webhook.Standard(), Secrets: []string{"!"}}, standard(whsec, body, "m1", now()), 401, ""},
		"standard, other id":  {webhook.Config{Scheme: webhook.Standard(), Secrets: []string{whsec}}, append(standard(whsec, body, "m1", now()), "Webhook-Id", "m2"), 401, ""},
		"own id, JSON":        {webhook.Config{DeliveryID: webhook.JSON("id")}, github("old", body, ""), 204, "evt_1"},
		"own id, no JSON":     {webhook.Config{DeliveryID: webhook.JSON("a.b")}, github("old", body, ""), 400, ""},
		"unsigned":            {webhook.Config{Unsigned: true, DeliveryID: webhook.Header("X-Id")}, []string{"X-Id", "7"}, 204, "7"},
		"own scheme":          {webhook.Config{Scheme: webhook.Scheme{Verify: webhook.SHA256("X-Sum", ""), ID: webhook.Header("X-Id")}}, []string{"X-Sum", hexSum("old", body), "X-Id", "7"}, 204, "7"},
		"own scheme, timed":   {webhook.Config{Scheme: webhook.Scheme{Verify: webhook.TimedSHA256("X-Sum"), ID: webhook.Header("X-Id")}}, []string{"X-Sum", stripe("old", body, now())[1], "X-Id", "7"}, 204, "7"},
		"own scheme, refused": {webhook.Config{Scheme: webhook.Scheme{Verify: webhook.SHA256("X-Sum", ""), ID: webhook.Header("X-Id")}}, []string{"X-Id", "7"}, 401, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := endpoint(t, test.config)
			s := e.Subscribe(nil)
			var in inbox
			receiving(t, s, in.deliver)
			w := post(e, body, test.header...)
			if w.Code != test.want {
				t.Fatalf("status is %d %s, want %d", w.Code, w.Body, test.want)
			}
			if test.want != 204 {
				wantProblem(t, w)
			}
			if got := in.ids(); test.id != "" && !slices.Equal(got, []string{test.id}) || test.id == "" && got != nil {
				t.Errorf("delivered was %q, want %q", got, test.id)
			}
		})
	}
}

// receiving starts Receive and returns when it has begun.
func receiving(t *testing.T, s *webhook.Subscription, deliver func(context.Context, source.Message) error) (stop func()) {
	t.Helper()
	stop = receive(t, s, deliver)
	for deadline := time.Now().Add(time.Minute); !s.Receiving(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("Receive did not begin")
		}
	}
	return stop
}

func wantProblem(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	var p struct {
		Status int
		Code   string
		Detail string
	}
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.Status != w.Code || p.Code == "" || p.Detail == "" {
		t.Errorf("the body %q is no problem of status %d", w.Body, w.Code)
	}
	if got := w.Header().Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("the content type is %q", got)
	}
	if got := w.Header().Get("Retry-After"); (got != "") != (w.Code == 503) {
		t.Errorf("Retry-After is %q with status %d", got, w.Code)
	}
}

func TestMessage(t *testing.T) {
	t.Parallel()
	e := endpoint(t, webhook.Config{Scheme: webhook.Stripe()})
	s := e.Subscribe(nil)
	var in inbox
	receiving(t, s, in.deliver)
	at := now().Add(-time.Minute)
	header := append(stripe("old", `{"id":7}`, at), "X-Topic", "a", "Authorization", "Bearer x", "Cookie", "c=1")
	if w := post(e, `{"id":7}`, header...); w.Code != 204 {
		t.Fatalf("status is %d %s", w.Code, w.Body)
	}
	m := in.got[0]
	delete(m.Attributes, "stripe-signature")
	if m.ID != "7" || !m.Time.Equal(at) || string(m.Data) != `{"id":7}` || !maps.Equal(m.Attributes, map[string]string{"x-topic": "a"}) {
		t.Errorf("the message is %+v", m)
	}
}

func TestUnsignedTimeIsNow(t *testing.T) {
	t.Parallel()
	e := endpoint(t, webhook.Config{})
	var in inbox
	receiving(t, e.Subscribe(nil), in.deliver)
	post(e, "x", github("old", "x", "d")...)
	if len(in.got) != 1 || !in.got[0].Time.Equal(now()) {
		t.Errorf("delivered was %+v, want the time %v", in.got, now())
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		config webhook.Config
		err    error // of deliver
		body   string
		want   int
	}{
		"kept":        {webhook.Config{}, nil, "{}", 204},
		"failed":      {webhook.Config{}, errors.New("secret words"), "{}", 503},
		"undecodable": {webhook.Config{}, fmt.Errorf("read: %w", source.ErrInvalid), "{}", 400},
		"large":       {webhook.Config{MaxBody: 10}, nil, "0123456789", 204},
		"too large":   {webhook.Config{MaxBody: 9}, nil, "0123456789", 413},
		"unreadable":  {webhook.Config{Messages: func(source.Message) ([]source.Message, error) { return nil, errors.New("no") }}, nil, "{}", 400},
		"no message":  {webhook.Config{Messages: func(source.Message) ([]source.Message, error) { return nil, nil }}, nil, "{}", 204},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := endpoint(t, test.config)
			in := inbox{err: test.err}
			receiving(t, e.Subscribe(nil), in.deliver)
			w := post(e, test.body, github("old", test.body, "d1")...)
			if w.Code != test.want {
				t.Fatalf("status is %d %s, want %d", w.Code, w.Body, test.want)
			}
			if test.want != 204 {
				wantProblem(t, w)
			}
			if strings.Contains(w.Body.String(), "secret words") {
				t.Errorf("the answer tells of the inside: %s", w.Body)
			}
		})
	}
}

func TestMethod(t *testing.T) {
	t.Parallel()
	e := endpoint(t, webhook.Config{})
	w := httptest.NewRecorder()
	e.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/hooks/test", nil))
	if w.Code != 405 || w.Header().Get("Allow") != "POST" {
		t.Errorf("GET is answered %d, allowing %q", w.Code, w.Header().Get("Allow"))
	}
}

// TestNobodyReceives: before the first Receive, with one of two missing, and
// after the last.
func TestNobodyReceives(t *testing.T) {
	t.Parallel()
	e := endpoint(t, webhook.Config{})
	want := func(status int, when string) {
		t.Helper()
		if w := post(e, "{}", github("old", "{}", "d")...); w.Code != status {
			t.Errorf("%s the status is %d, want %d", when, w.Code, status)
		}
	}
	want(503, "without a subscription")
	first, second := e.Subscribe(nil), e.Subscribe(nil)
	want(503, "before Receive")
	var in, other inbox
	receiving(t, first, in.deliver)
	want(503, "with one of two missing")
	stop := receiving(t, second, other.deliver)
	want(204, "with both")
	stop()
	want(503, "after one has ended")
	if len(other.got) != 1 {
		t.Errorf("the second got %d messages, want 1", len(other.got))
	}
}

// TestSubscriptionsChoose: each gets what it accepts; what nobody accepts is
// answered as done.
func TestSubscriptionsChoose(t *testing.T) {
	t.Parallel()
	e := endpoint(t, webhook.Config{})
	var a, b, all inbox
	is := func(id string) func(source.Message) bool {
		return func(m source.Message) bool { return m.ID == id }
	}
	receiving(t, e.Subscribe(is("a")), a.deliver)
	receiving(t, e.Subscribe(is("b")), b.deliver)
	for _, id := range []string{"a", "b", "c"} {
		if w := post(e, "{}", github("old", "{}", id)...); w.Code != 204 {
			t.Errorf("%s is answered %d", id, w.Code)
		}
	}
	receiving(t, e.Subscribe(nil), all.deliver)
	post(e, "{}", github("old", "{}", "c")...)
	if !slices.Equal(a.ids(), []string{"a"}) || !slices.Equal(b.ids(), []string{"b"}) || !slices.Equal(all.ids(), []string{"c"}) {
		t.Errorf("delivered were %q, %q and %q", a.ids(), b.ids(), all.ids())
	}
}

// TestAnswersWhenKept: not before deliver has returned; and what comes
// meanwhile under the same id waits for it and is not delivered.
func TestAnswersWhenKept(t *testing.T) {
	t.Parallel()
	e := endpoint(t, webhook.Config{})
	entered, kept := make(chan struct{}, 10), make(chan struct{})
	stop := receiving(t, e.Subscribe(nil), func(context.Context, source.Message) error {
		entered <- struct{}{}
		<-kept
		return nil
	})
	answers := make(chan int, 2)
	send := func() { answers <- post(e, "{}", github("old", "{}", "d")...).Code }
	go send()
	<-entered
	go send()
	other := make(chan int)
	go func() { other <- post(e, "{}", github("old", "{}", "e")...).Code }()
	<-entered // one of another id is not held up
	stopped := make(chan struct{})
	go func() { stop(); close(stopped) }()
	select {
	case code := <-answers:
		t.Errorf("the request was answered %d before the message was kept", code)
	case <-stopped:
		t.Error("Receive returned while a message was being delivered")
	default:
	}
	close(kept)
	for range 2 {
		// The second may come in only after the first was answered and Receive
		// had ended; then it is sent again later.
		if code := <-answers; code != 204 && code != 503 {
			t.Errorf("the request was answered %d", code)
		}
	}
	<-other
	<-stopped
	if len(entered) != 0 {
		t.Error("a delivery was handled twice at the same time")
	}
}

func TestRepeatedDelivery(t *testing.T) {
	t.Parallel()
	e := endpoint(t, webhook.Config{})
	in := inbox{err: errors.New("not now")}
	receiving(t, e.Subscribe(nil), in.deliver)
	if w := post(e, "{}", github("old", "{}", "d")...); w.Code != 503 {
		t.Errorf("status is %d, want 503", w.Code)
	}
	in.mu.Lock()
	in.err = nil
	in.mu.Unlock()
	for range 2 {
		if w := post(e, "{}", github("old", "{}", "d")...); w.Code != 204 {
			t.Errorf("status is %d, want 204", w.Code)
		}
	}
	if got := in.ids(); !slices.Equal(got, []string{"d", "d", "d"}) {
		t.Errorf("delivered were %q, each under the id d", got)
	}
}

// TestPanicIsContained: what panicked once can be sent again.
func TestPanicIsContained(t *testing.T) {
	t.Parallel()
	e := endpoint(t, webhook.Config{})
	first := true
	receiving(t, e.Subscribe(nil), func(context.Context, source.Message) error {
		if first {
			first = false
			panic("a bug")
		}
		return nil
	})
	func() {
		defer func() { _ = recover() }() // as the HTTP server does
		post(e, "{}", github("old", "{}", "d")...)
		t.Error("the panic was swallowed")
	}()
	if w := post(e, "{}", github("old", "{}", "d")...); w.Code != 204 {
		t.Errorf("status is %d, want 204", w.Code)
	}
}

func TestConfigFaults(t *testing.T) {
	t.Parallel()
	verify := webhook.SHA256("X", "")
	tests := map[string]struct {
		config webhook.Config
		says   string
	}{
		"no path":          {webhook.Config{Secrets: []string{"s"}}, "Path"},
		"bad path":         {webhook.Config{Path: "/a/{b}", Secrets: []string{"s"}}, "Path"},
		"no secrets":       {webhook.Config{Path: "/a"}, "no Secrets"},
		"empty secret":     {webhook.Config{Path: "/a", Secrets: []string{"s", ""}}, "environment variable"},
		"both":             {webhook.Config{Path: "/a", Secrets: []string{"s"}, Unsigned: true, DeliveryID: webhook.JSON("id")}, "exclude"},
		"unsigned, scheme": {webhook.Config{Path: "/a", Unsigned: true, Scheme: webhook.Stripe()}, "exclude"},
		"no id":            {webhook.Config{Path: "/a", Secrets: []string{"s"}, Scheme: webhook.Scheme{Verify: verify}}, "DeliveryID"},
		"all":              {webhook.Config{Scheme: webhook.Scheme{Verify: verify}}, "DeliveryID"},
	}
	for name, test := range tests {
		if _, err := webhook.New(test.config); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: New says %v, want something of %q", name, err, test.says)
		}
	}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	e := endpoint(t, webhook.Config{})
	provide := func(v any) func(reflect.Type) (any, error) {
		return func(want reflect.Type) (any, error) {
			if reflect.TypeOf(v) != want {
				return nil, fmt.Errorf("no %s is provided", want)
			}
			return v, nil
		}
	}
	trigger := webhook.On[map[string]int]("a")
	ref := trigger.Source.(source.Reference)
	if err := ref.Receive(t.Context(), nil); err == nil {
		t.Error("Receive of a reference returned nil")
	}
	if _, err := ref.Resolve(provide(7)); err == nil || !strings.Contains(err.Error(), "talix.Provide(webhook.Endpoints") {
		t.Errorf("without endpoints Resolve says %v", err)
	}
	if _, err := ref.Resolve(provide(webhook.Endpoints{"b": e, "c": e})); err == nil || !strings.Contains(err.Error(), "b, c") {
		t.Errorf("with others Resolve says %v", err)
	}
	s, err := ref.Resolve(provide(webhook.Endpoints{"a": e}))
	if err != nil {
		t.Fatal(err)
	}
	mount := s.(interface {
		Mount() (string, http.Handler)
	})
	if pattern, h := mount.Mount(); pattern != "POST /hooks/test" || h != http.Handler(e) {
		t.Errorf("it is mounted at %q with %v", pattern, h)
	}
	var in inbox
	receiving(t, s.(*webhook.Subscription), in.deliver)
	if w := post(s.(http.Handler), `{"n":1}`, github("old", `{"n":1}`, "d")...); w.Code != 204 {
		t.Fatalf("status is %d", w.Code)
	}
	if v, err := trigger.Decode(in.got[0]); err != nil || v["n"] != 1 {
		t.Errorf("the input is %v, %v", v, err)
	}
}

func TestDecode(t *testing.T) {
	t.Parallel()
	if raw, err := webhook.Decode[[]byte](source.Message{Data: []byte("not json")}); err != nil || string(raw) != "not json" {
		t.Errorf("bytes are %q, %v", raw, err)
	}
	if _, err := webhook.Decode[int](source.Message{Data: []byte("not json")}); !errors.Is(err, source.ErrInvalid) {
		t.Errorf("Decode says %v, want ErrInvalid", err)
	}
}

func TestReceivedTwice(t *testing.T) {
	t.Parallel()
	s := endpoint(t, webhook.Config{}).Subscribe(nil)
	var in inbox
	receiving(t, s, in.deliver)
	if err := s.Receive(t.Context(), in.deliver); err == nil {
		t.Error("a second Receive returned nil")
	}
}

func TestJSONID(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		path, body, want string
	}{
		"text": {"id", `{"id":"a"}`, "a"}, "number": {"id", `{"id":12345678901234567890}`, "12345678901234567890"},
		"deep": {"a.b", `{"a":{"b":"c"}}`, "c"}, "missing": {"id", `{}`, ""}, "empty": {"id", `{"id":""}`, ""},
		"object": {"id", `{"id":{}}`, ""}, "null": {"id", `{"id":null}`, ""}, "no object": {"id", `[1]`, ""},
		"no JSON": {"id", `x`, ""}, "boolean": {"id", `{"id":true}`, ""}, "too deep": {"id.x", `{"id":"a"}`, ""},
	}
	for name, test := range tests {
		got, err := webhook.JSON(test.path)(nil, []byte(test.body))
		if got != test.want || (err != nil) != (test.want == "") {
			t.Errorf("%s: the id is %q, %v; want %q", name, got, err, test.want)
		}
	}
}
