package blackbox_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/talix-dev/talix/internal/proctest"
)

// visit opens a page of the console and waits for its heading.
func visit(ctx context.Context, t *testing.T, url, heading string) {
	t.Helper()
	do(ctx, t, chromedp.Navigate(url))
	texts(ctx, t, "h1", heading)
}

// holds waits until an element's text has all of the parts.
func holds(ctx context.Context, t *testing.T, selector string, parts ...string) {
	t.Helper()
	script := fmt.Sprintf(`(document.querySelector(%q)?.innerText ?? "").replace(/\s+/g, " ")`, selector)
	proctest.Eventually(t, 30*time.Second, func() error {
		got, err := chromedp.Run(ctx, chromedp.Evaluate[string](script))
		for _, part := range parts {
			if err == nil && !strings.Contains(got, part) {
				err = fmt.Errorf("%s lacks %q: %q", selector, part, got)
			}
		}
		return err
	})
}

// press clicks the one button or link of that text.
func press(ctx context.Context, t *testing.T, text string) {
	t.Helper()
	script := fmt.Sprintf(`(() => { const all = [...document.querySelectorAll("button, summary, main a")].filter((e) => e.innerText.trim() === %q && e.checkVisibility()); all[0]?.click(); return all.length })()`, text)
	proctest.Eventually(t, 30*time.Second, func() error {
		n, err := chromedp.Run(ctx, chromedp.Evaluate[int](script))
		if err == nil && n == 0 {
			err = fmt.Errorf("there is nothing to press that says %q", text)
		}
		return err
	})
}

// A transfer that waits is cancelled in the console, and the account's timeline
// shows what became of it.
func TestConsoleOfTheBank(t *testing.T) {
	t.Parallel()
	proctest.Require(t)
	ctx, c := browser(t), newClient(t)
	p := proctest.Build(t, "./examples/bank").Start(t, proctest.Config{})
	complaints(ctx, t)
	for i := range 30 {
		for _, id := range []string{"alice", "bob"} {
			post(t, c, p.URL()+"/accounts/"+id+"/deposits", fmt.Sprintf(`{"amount":%d}`, 100*(i+1)))
		}
	}
	post(t, c, p.URL()+"/accounts/bob/withdrawals", `{"amount":99999999}`)
	post(t, c, p.URL()+"/transfers", `{"from":"alice","to":"bob","amount":700,"holdSeconds":3600}`)

	within(ctx, t, p.AdminURL())
	visit(ctx, t, p.AdminURL()+"/", "Health")
	texts(ctx, t, "#link", "Live")
	holds(ctx, t, "#failures", "account.withdraw", "less than 99999999")
	holds(ctx, t, "#facts", "1 waiting")
	post(t, c, p.URL()+"/accounts/carol/deposits", `{"amount":5}`)
	holds(ctx, t, "#facts", "3 live entities") // without loading the page again
	visit(ctx, t, p.AdminURL()+"/map", "Map")
	holds(ctx, t, "#map", "account.send", "ACCOUNTS:SENT", "POST /transfers")

	visit(ctx, t, p.AdminURL()+"/work?kind=workflow", "Work")
	press(ctx, t, "transfer")
	texts(ctx, t, "h1", "transfer")
	holds(ctx, t, "main", "waiting", "account.send alice")
	press(ctx, t, "Cancel…")
	press(ctx, t, "Yes, cancel it")
	holds(ctx, t, ".note", "It was asked to end")
	visit(ctx, t, p.AdminURL()+"/entities", "Entities")
	holds(ctx, t, "#found", "alice", "ACCOUNTS:RETURNED")
	press(ctx, t, "alice")
	texts(ctx, t, "h1", "alice")
	holds(ctx, t, "#travelled", "ACCOUNTS:RETURNED", `"Balance": 46500 was 45800`)
	holds(ctx, t, "#travelled", "Copy") // the script is there
	do(ctx, t, chromedp.Evaluate[chromedp.Void](`(() => { const v = document.querySelector("#v"); v.value = 3; v.dispatchEvent(new Event("input", { bubbles: true })) })()`))
	holds(ctx, t, "#travelled", `"Balance": 600 was 300`)
	holds(ctx, t, "#shown", "3")
	visit(ctx, t, p.AdminURL()+"/view?name=accounts", "accounts")
	press(ctx, t, "Verify against the log")
	holds(ctx, t, "#verified", "Every row is what the log makes of it")
	visit(ctx, t, p.AdminURL()+"/run/form?kind=command&name=account.deposit&id=dora", "account.deposit")
	enter(ctx, t, "[name='input.amount']", "12")
	do(ctx, t, chromedp.Evaluate[chromedp.Void](`document.querySelector("[name=confirm]").click(); document.querySelector("form.stack button.primary").click()`))
	holds(ctx, t, "#answer", "200", `"balance": 12`)

	tried(ctx, t, p.AdminURL())
	post(t, c, p.URL()+"/transfers", `{"from":"alice","to":"bob","amount":5,"holdSeconds":3600}`)
	sweep(ctx, t, p.AdminURL(),
		shown{"/", "Health", "health"}, shown{"/map", "Map", "map"}, shown{"/entities?type=account", "Entities", "entities"},
		shown{"/entities?type=account&search=nobody", "Entities", ""}, shown{"/entity?type=account&id=alice&v=3", "alice", "entity"},
		shown{"/views", "Views", "views"}, shown{"/view?name=accounts", "accounts", "view"}, shown{"/sql?q=SELECT+id,+balance+FROM+accounts", "SQL", "sql"},
		shown{"/sql?q=DELETE+FROM+accounts", "SQL", ""}, shown{"/work", "Work", "work"}, shown{"/run", "Run", "run"},
		shown{"/run/form?kind=command&name=account.deposit&id=alice", "account.deposit", "form"}, shown{"/run/form?kind=action&name=POST+/transfers", "POST /transfers", ""},
		shown{"/run/form?kind=query&name=list-accounts", "list-accounts", ""}, shown{"/flows", "Flow", "flows"}, shown{"/cluster", "Cluster", "cluster"},
	)
}

// tried leads a person without a mouse from the start to a command, which is
// tried without being kept.
func tried(ctx context.Context, t *testing.T, base string) {
	t.Helper()
	visit(ctx, t, base+"/", "Health")
	tabTo(ctx, t, "Skip to content")
	for _, name := range []string{"Health", "Map", "Entities", "Views", "Work", "Run"} {
		tabTo(ctx, t, name)
	}
	enterKey(ctx, t)
	texts(ctx, t, "h1", "Run")
	tabTo(ctx, t, "account.deposit")
	enterKey(ctx, t)
	texts(ctx, t, "h1", "account.deposit")
	tabTo(ctx, t, "id")
	do(ctx, t, chromedp.KeyEvent("erna"))
	tabTo(ctx, t, "input.amount")
	do(ctx, t, chromedp.KeyEvent("7"))
	tabTo(ctx, t, "Try without keeping")
	enterKey(ctx, t)
	holds(ctx, t, "#answer", "would be done", "Nothing was kept.", "ACCOUNTS:DEPOSITED", `"balance": 7`)
	visit(ctx, t, base+"/entities?type=account&search=erna", "Entities")
	holds(ctx, t, "#found", "Nothing was found")
}

// href is where the first link of a selector leads, once it is there.
func href(ctx context.Context, t *testing.T, selector string) (path string) {
	t.Helper()
	proctest.Eventually(t, 30*time.Second, func() error {
		var err error
		path, err = chromedp.Run(ctx, chromedp.Evaluate[string](fmt.Sprintf(`document.querySelector(%q)?.getAttribute("href") ?? ""`, selector)))
		if err == nil && path == "" {
			err = fmt.Errorf("there is no link at %s", selector)
		}
		return err
	})
	return path
}

func post(t *testing.T, c client, url, body string) {
	t.Helper()
	if _, err := c.call("POST", url, "", body); err != nil {
		t.Fatal(err)
	}
}

// Documents whose analysis fails are seen in the console, and mended from there
// once the reason is.
func TestConsoleOfTheExpenses(t *testing.T) {
	t.Parallel()
	proctest.Require(t)
	var mended atomic.Bool
	model := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !mended.Load() {
			http.Error(w, `{"error":{"message":"the model is overheated"}}`, http.StatusInternalServerError)
			return
		}
		said := `{"isExpense":true,"vendor":"Corner Shop Ltd","amount":"2.5","currency":"GBP","date":"2025-03-14","reason":"a receipt"}`
		_ = json.NewEncoder(w).Encode(map[string]any{"choices": []any{map[string]any{"message": map[string]any{"role": "assistant", "content": said}, "finish_reason": "stop"}}})
	}))
	t.Cleanup(model.Close)
	ctx, c, site := browser(t), newClient(t), files(t)
	p := proctest.Build(t, "./examples/expenses").Start(t, proctest.Config{Args: []string{"--allow-private-addresses", "--model-url", model.URL, "--model", "m"}})
	complaints(ctx, t, "status of 404 (Not Found) "+p.AdminURL()+"/nothing")
	within(ctx, t, p.AdminURL())
	upload(t, c, p.URL(), site+"/receipt.txt")
	visit(ctx, t, p.AdminURL()+"/work", "Work")
	holds(ctx, t, "#items", "analyze-on-creation", "overheated")
	parked(ctx, t)
	item := href(ctx, t, "#items td a")
	visit(ctx, t, p.AdminURL()+"/flows?failed=1", "Flow")
	flow := href(ctx, t, "#flows td a")
	sweep(ctx, t, p.AdminURL(),
		shown{"/", "Health", "worries"}, shown{"/work", "Work", "parked"}, shown{"/work?status=waiting", "Work", ""}, shown{"/map", "Map", "map-expenses"},
		shown{"/entities?type=document", "Entities", ""}, shown{"/flows?failed=1", "Flow", ""}, shown{"/nothing", "Not Found", ""},
		shown{item, "analyze-on-creation", "item"}, shown{flow, strings.TrimPrefix(flow, "/flow?id="), ""},
	)
	visit(ctx, t, p.AdminURL()+"/", "Health")
	holds(ctx, t, "#worries", "1 piece of work failed for good")
	tabTo(ctx, t, "1 piece of work failed for good and parked: it waits for someone to retry or skip it.")
	enterKey(ctx, t)
	texts(ctx, t, "h1", "Work")
	tabTo(ctx, t, "analyze-on-creation")
	enterKey(ctx, t)
	texts(ctx, t, "h1", "analyze-on-creation")
	holds(ctx, t, "main", "parked", "the model is overheated", "Skip…")
	mended.Store(true)
	tabTo(ctx, t, "Retry now")
	enterKey(ctx, t)
	holds(ctx, t, ".note", "It is being tried again.")
	visit(ctx, t, p.AdminURL()+"/entities?type=document", "Entities")
	holds(ctx, t, "#found", "DOCUMENTS:DOCUMENT_ANALYZED")
	visit(ctx, t, p.AdminURL()+"/sql?q="+url.QueryEscape("SELECT d.name, x.vendor FROM expenses x JOIN documents d ON d.id = x.document_id"), "SQL")
	holds(ctx, t, "main", "receipt.txt", "Corner Shop Ltd")
	visit(ctx, t, p.AdminURL()+"/flows", "Flow")
	press(ctx, t, "POST /documents/upload-from-url")
	holds(ctx, t, "#flow", "document.create", "DOCUMENTS:DOCUMENT_CREATED", "analyze-on-creation", "attempt 2", "analyze", "document.record-analysis", "expense.create")
	picture(ctx, t, "console-flow-light", "light", 1280)
	picture(ctx, t, "console-flow-dark", "dark", 1280)
	visit(ctx, t, p.AdminURL()+"/map", "Map")
	holds(ctx, t, "#map", "analyze-on-creation", "expense.create")
}
