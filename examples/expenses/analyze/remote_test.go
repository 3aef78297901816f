package analyze_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/talix-dev/talix/examples/expenses/analyze"
)

// model plays a server with OpenAI's interface.
func model(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

// says makes a server whose model answers with a content.
func says(t *testing.T, content string) *httptest.Server {
	return model(t, func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"choices": []any{
			map[string]any{"message": map[string]any{"role": "assistant", "content": content}, "finish_reason": "stop"},
		}})
	})
}

func ask(t *testing.T, server *httptest.Server, config analyze.RemoteConfig) (analyze.Analysis, error) {
	t.Helper()
	config.BaseURL, config.Model = server.URL+"/v1/", "test-model"
	remote, err := analyze.NewRemote(config)
	if err != nil {
		t.Fatal(err)
	}
	return remote.Analyze(t.Context(), textFile(receipt))
}

func fields(isExpense bool, vendor, amount, currency, date string) string {
	return fmt.Sprintf(`{"isExpense":%t,"vendor":%q,"amount":%q,"currency":%q,"date":%q,"reason":"because"}`, isExpense, vendor, amount, currency, date)
}

func TestRemoteAsks(t *testing.T) {
	t.Parallel()
	server := model(t, func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Model    string
			Messages []struct{ Role, Content string }
			Format   struct {
				Type   string
				Schema struct {
					Name   string
					Strict bool
					Schema map[string]any
				} `json:"json_schema"`
			} `json:"response_format"`
		}
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Errorf("read the request: %v", err)
		}
		if r.Method != http.MethodPost || r.URL.Path != "/v1/chat/completions" || r.Header.Get("Authorization") != "Bearer secret" ||
			r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("request %s %s %v", r.Method, r.URL, r.Header)
		}
		if body.Model != "test-model" || len(body.Messages) != 2 || body.Messages[0].Role != "system" || body.Messages[1].Content != receipt ||
			body.Format.Type != "json_schema" || !body.Format.Schema.Strict || body.Format.Schema.Schema["type"] != "object" {
			t.Errorf("body %+v", body)
		}
		_, _ = io.WriteString(w, `{"choices":[{"message":{"content":"{\"isExpense\":true,\"vendor\":\"Corner Shop Ltd\",\"amount\":\"2.5\",\"currency\":\"GBP\",\"date\":\"2025-03-14\",\"reason\":\"a receipt\"}"}}]}`)
	})
	got, err := ask(t, server, analyze.RemoteConfig{Key: "secret"})
	want := analyze.Analysis{IsExpense: true, Vendor: "Corner Shop Ltd", Amount: "2.50", Currency: "GBP", Date: "2025-03-14", Reason: "a receipt", Text: receipt}
	if err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

func TestRemoteTakesGoodAnswers(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]analyze.Analysis{
		fields(true, "Shop", "1200", "JPY", "2025-03-14"):    {IsExpense: true, Vendor: "Shop", Amount: "1200", Currency: "JPY", Date: "2025-03-14"},
		fields(true, "Shop", "12", "EUR", ""):                {IsExpense: true, Vendor: "Shop", Amount: "12.00", Currency: "EUR"},
		fields(true, "", "-0.5", "KWD", ""):                  {IsExpense: true, Amount: "-0.500", Currency: "KWD"},
		" " + fields(false, "", "", "", "") + "\n":           {},
		fields(false, "ignored", "1,5", "nothing", "to say"): {},
		fields(true, "A\nB\t\u202eC", "1.00", "EUR", ""):     {IsExpense: true, Vendor: "A B C", Amount: "1.00", Currency: "EUR"},
	} {
		got, err := ask(t, says(t, content), analyze.RemoteConfig{})
		want.Text, want.Reason = receipt, "because"
		if err != nil || got != want {
			t.Errorf("%s:\n got %+v, %v\nwant %+v", content, got, err, want)
		}
	}
}

func TestRemoteRefusesBadAnswers(t *testing.T) {
	t.Parallel()
	for _, content := range []string{
		"", "It is an expense.", "null", "[]", "{}", `"x"`, "```json\n" + fields(false, "", "", "", "") + "\n```",
		fields(false, "", "", "", "") + " and more", fields(false, "", "", "", "") + fields(false, "", "", "", ""),
		`{"isExpense":true}`, strings.Replace(fields(true, "Shop", "1.00", "EUR", ""), `"reason"`, `"extra":1,"reason"`, 1),
		strings.Replace(fields(true, "Shop", "X", "EUR", ""), `"X"`, "1.00", 1), strings.Replace(fields(true, "Shop", "1.00", "EUR", ""), "true", `"yes"`, 1),
		fields(true, "Shop", "", "EUR", ""), fields(true, "Shop", "1,00", "EUR", ""), fields(true, "Shop", "1.000", "EUR", ""),
		fields(true, "Shop", "1.5", "JPY", ""), fields(true, "Shop", "01.00", "EUR", ""), fields(true, "Shop", "1e3", "EUR", ""),
		fields(true, "Shop", "€1.00", "EUR", ""), fields(true, "Shop", "NaN", "EUR", ""), fields(true, "Shop", "1.00 ", "EUR", ""), fields(true, "Shop", "1.", "EUR", ""),
		fields(true, "Shop", "1.00", "", ""), fields(true, "Shop", "1.00", "eur", ""), fields(true, "Shop", "1.00", "€", ""), fields(true, "Shop", "1.00", "XYZ", ""),
		fields(true, "Shop", "1.00", "EUR", "14.03.2025"), fields(true, "Shop", "1.00", "EUR", "2025-02-30"), fields(true, "Shop", "1.00", "EUR", "2025-3-1"),
		fields(true, "Shop", "1.00", "EUR", "2025-03-14T00:00:00Z"),
	} {
		got, err := ask(t, says(t, content), analyze.RemoteConfig{})
		if !errors.Is(err, analyze.ErrBadAnswer) || got != (analyze.Analysis{}) || analyze.Permanent(err) {
			t.Errorf("%s: %+v, %v", content, got, err)
		}
	}
}

func TestRemoteRefusesBadCompletions(t *testing.T) {
	t.Parallel()
	good := fmt.Sprintf("%q", fields(false, "", "", "", ""))
	for _, body := range []string{
		"", "no json", "{}", `{"choices":[]}`, `{"choices":[{}]}`, `{"choices":[{"message":{"content":null}}]}`,
		`{"choices":[{"message":{"content":` + good + `},"finish_reason":"length"}]}`,
		`{"choices":[{"message":{"content":` + good + `,"refusal":"I can't help"}}]}`,
		`{"choices":[{"message":{"content":["parts"]}}]}`,
		`{"choices":"` + strings.Repeat("x", 2000) + `"}`,
	} {
		server := model(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
		if _, err := ask(t, server, analyze.RemoteConfig{MaxAnswer: 1000}); !errors.Is(err, analyze.ErrBadAnswer) {
			t.Errorf("%.60s: %v", body, err)
		}
	}
}

func TestRemoteRefusal(t *testing.T) {
	t.Parallel()
	for status, permanent := range map[int]bool{302: false, 400: true, 401: false, 404: false, 413: true, 429: false, 500: false, 503: false} {
		server := model(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "7")
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, `{"error":{"message":"said\nso`+strings.Repeat("!", 1000)+`"}}`)
		})
		_, err := ask(t, server, analyze.RemoteConfig{Key: "secret"})
		refusal, ok := errors.AsType[*analyze.RemoteError](err)
		if !ok || refusal.Status != status || refusal.RetryAfter != 7*time.Second || analyze.Permanent(err) != permanent {
			t.Errorf("%d: %v, permanent %t", status, err, analyze.Permanent(err))
		}
		if text := fmt.Sprint(err); strings.Contains(text, "secret") || strings.Contains(text, "\n") || len(text) > 500 {
			t.Errorf("%d: the error says %q", status, text)
		}
	}
}

func TestRemoteThatHangs(t *testing.T) {
	t.Parallel()
	server := model(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then is it noticed that the client has gone
		<-r.Context().Done()
	})
	_, err := ask(t, server, analyze.RemoteConfig{Timeout: 50 * time.Millisecond})
	if !errors.Is(err, context.DeadlineExceeded) || analyze.Permanent(err) {
		t.Errorf("error = %v, want the time limit", err)
	}
}

func TestRemoteSendsTheEndsOfLongTexts(t *testing.T) {
	t.Parallel()
	server := model(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if len(body) > 6000 || !strings.Contains(string(body), "the start") || !strings.Contains(string(body), "the end") {
			t.Errorf("sent %d bytes", len(body))
		}
		_, _ = io.WriteString(w, `{"choices":[{"message":{"content":""}}]}`)
	})
	remote, err := analyze.NewRemote(analyze.RemoteConfig{BaseURL: server.URL, Model: "m", MaxPrompt: 1000})
	if err != nil {
		t.Fatal(err)
	}
	_, _ = remote.Analyze(t.Context(), textFile("the start"+strings.Repeat("ä", 50_000)+"the end"))
}

func TestRemoteConfig(t *testing.T) {
	t.Parallel()
	for _, config := range []analyze.RemoteConfig{
		{}, {Model: "m"}, {BaseURL: "https://host/v1"}, {BaseURL: "host/v1", Model: "m"}, {BaseURL: "ftp://host", Model: "m"}, {BaseURL: "https://u:p@host", Model: "m"},
	} {
		if _, err := analyze.NewRemote(config); err == nil {
			t.Errorf("%+v was taken", config)
		}
	}
}
