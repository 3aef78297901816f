package blackbox_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/talix-dev/talix/internal/livetest"
	"github.com/talix-dev/talix/internal/proctest"
)

type document struct {
	DocumentID, Name, URL, Status string
	CreatedAt                     time.Time
	Analysis                      *struct {
		IsExpense                              bool
		Vendor, Amount, Currency, Date, Reason string
	}
}

type expenseItem struct {
	ExpenseID, DocumentID, DocumentName, DocumentURL, Vendor, Amount, Currency, Date string
}

type list[T any] struct {
	Items []T
	Next  string
}

const (
	receipt = "Blue Kettle Café\n12 Harbour Road\n\nDate: 2025-03-14\n\nTea            4.50\nScone          7.05\n\nTOTAL EUR     11.55\n"
	letter  = "Dear Ms Miller,\n\nthank you for your visit last week. We look forward to seeing you again.\n\nKind regards,\nPeter\n"
)

// files serves the documents of a test, from this machine.
func files(t *testing.T) string {
	mux := http.NewServeMux()
	serve := func(path, mediaType, content string) {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", mediaType)
			w.Write([]byte(content))
		})
	}
	serve("/receipt.txt", "text/plain; charset=utf-8", receipt)
	serve("/receipt.html", "text/html", "<html><body><h1>Green Fern Books</h1><p>Invoice date: 3 May 2025</p><table><tr><td>Total</td><td>$ 20.00</td></tr></table></body></html>")
	serve("/letter.txt", "text/plain", letter)
	serve("/broken.pdf", "application/pdf", "%PDF-1.4\nthis is damaged")
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

func upload(t *testing.T, c client, app, url string) string {
	t.Helper()
	body, _ := json.Marshal(map[string]string{"url": url})
	a, err := c.call("POST", app+"/documents/upload-from-url", "", string(body))
	if err != nil || a.status != http.StatusOK {
		t.Fatalf("upload %s: %v %d %s", url, err, a.status, a.body)
	}
	var out struct{ DocumentID string }
	if err := json.Unmarshal(a.body, &out); err != nil || out.DocumentID == "" {
		t.Fatalf("upload %s: %s", url, a.body)
	}
	return out.DocumentID
}

// settled waits until a document was analyzed.
func settled(t *testing.T, c client, app, id string) (d document) {
	t.Helper()
	proctest.Eventually(t, 20*time.Second, func() error {
		if err := c.get(app+"/documents/"+id, &d); err != nil {
			return err
		}
		if d.Status == "CREATED" {
			return fmt.Errorf("document %s is CREATED", id)
		}
		return nil
	})
	return d
}

// The seed's scenario, in a real process with real files, and after kill -9.
func TestExpensesScenario(t *testing.T) {
	t.Parallel()
	proctest.Require(t)
	expensesScenario(t, []string{"--allow-private-addresses"})
}

func expensesScenario(t *testing.T, args []string) {
	t.Helper()
	site := files(t)
	p := proctest.Build(t, "./examples/expenses").Start(t, proctest.Config{Args: args})
	c := newClient(t)
	ids := map[string]string{}
	for _, name := range []string{"receipt.txt", "receipt.html", "letter.txt", "broken.pdf"} {
		ids[name] = upload(t, c, p.URL(), site+"/"+name)
	}
	p.Kill() // whatever the analysis has come to
	p.Restart()
	for name, want := range map[string]string{"receipt.txt": "ANALYZED", "receipt.html": "ANALYZED", "letter.txt": "ANALYZED", "broken.pdf": "FAILED"} {
		if d := settled(t, c, p.URL(), ids[name]); d.Status != want || d.Name != name || d.URL != site+"/"+name || d.CreatedAt.IsZero() || d.Analysis == nil {
			t.Errorf("%s: %+v %+v", name, d, d.Analysis)
		}
	}
	for range 2 {
		checkExpenses(t, c, p.URL(), ids, site)
		p.Kill()
		p.Restart()
	}
}

func checkExpenses(t *testing.T, c client, app string, ids map[string]string, site string) {
	t.Helper()
	var all list[expenseItem]
	proctest.Eventually(t, 20*time.Second, func() error {
		var docs list[document] // their rows are seen late, where another node's partition has them
		if err := c.get(app+"/documents", &docs); err != nil {
			return err
		}
		if err := c.get(app+"/expenses", &all); err != nil {
			return err
		}
		if len(docs.Items) != len(ids) || len(all.Items) != 2 {
			return fmt.Errorf("there are %d documents, %d expenses: %+v", len(docs.Items), len(all.Items), all)
		}
		return nil
	})
	book, tea := all.Items[0], all.Items[1] // the newest first
	tea.ExpenseID, book.ExpenseID = "", ""
	if want := (expenseItem{"", ids["receipt.txt"], "receipt.txt", site + "/receipt.txt", "Blue Kettle Café", "11.55", "EUR", "2025-03-14"}); tea != want {
		t.Errorf("got  %+v\nwant %+v", tea, want)
	}
	if want := (expenseItem{"", ids["receipt.html"], "receipt.html", site + "/receipt.html", "Green Fern Books", "20.00", "USD", "2025-05-03"}); book != want {
		t.Errorf("got  %+v\nwant %+v", book, want)
	}
	for query, want := range map[string]int{
		"?vendor=blue%20kettle%20caf%C3%A9": 1, "?vendor=nobody": 0, "?from=2025-04-01": 1, "?to=2025-04-01": 1,
		"?from=2025-03-14&to=2025-03-14&currency=EUR": 1, "?currency=CHF": 0,
		"?q=kettle": 1, "?q=KETTLE%20caf": 1, "?q=receipt": 2, "?q=receipt%20html": 1, "?q=letter": 0, "?q=": 0, "?q=%22(": 0, "?q=books&currency=EUR": 0,
	} {
		var some list[expenseItem]
		if c.mustGet(t, app+"/expenses"+query, &some); len(some.Items) != want {
			t.Errorf("%s: %d expenses, want %d", query, len(some.Items), want)
		}
	}
	var first, second list[expenseItem]
	c.mustGet(t, app+"/expenses?limit=1", &first)
	c.mustGet(t, app+"/expenses?limit=1&cursor="+first.Next, &second)
	if len(first.Items) != 1 || len(second.Items) != 1 || first.Items[0] == second.Items[0] || second.Next != "" {
		t.Errorf("pages: %+v, %+v", first, second)
	}
	var totals list[struct {
		Vendor, Currency, Sum string
		Count                 int
	}]
	c.mustGet(t, app+"/expenses/summary", &totals)
	if len(totals.Items) != 2 || totals.Items[0].Sum != "11.55" || totals.Items[0].Count != 1 {
		t.Errorf("summary: %+v", totals)
	}
	var months list[struct {
		Month, Currency, Sum string
		Count                int
	}]
	c.mustGet(t, app+"/expenses/monthly", &months)
	if got := fmt.Sprint(months.Items); got != "[{2025-05 USD 20.00 1} {2025-03 EUR 11.55 1}]" {
		t.Errorf("months: %s", got)
	}
	checkForms(t, c, app)
}

func checkForms(t *testing.T, c client, app string) {
	t.Helper()
	for accept, want := range map[string]string{
		"text/csv":             "month,currency,sum,count\r\n2025-05,USD,20.00,1\r\n2025-03,EUR,11.55,1\r\n",
		"application/x-ndjson": `{"month":"2025-05","currency":"USD","sum":"20.00","count":1}` + "\n" + `{"month":"2025-03","currency":"EUR","sum":"11.55","count":1}` + "\n",
	} {
		req, _ := http.NewRequest("GET", app+"/expenses/monthly", nil)
		req.Header.Set("Accept", accept)
		resp, err := c.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(resp.Body); err != nil || string(body) != want {
			t.Errorf("%s: %q, %v", accept, body, err)
		}
		resp.Body.Close()
	}
}

// Who watches the expenses while the program is killed again and again, and
// comes back, misses nothing and gets nothing twice.
func TestExpensesAreLive(t *testing.T) {
	t.Parallel()
	proctest.Require(t)
	site := files(t)
	p := proctest.Build(t, "./examples/expenses").Start(t, proctest.Config{Args: []string{"--allow-private-addresses"}})
	c, transport := newClient(t), &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	w := &livetest.Watcher{Client: &http.Client{Transport: transport}}
	count := 0
	for life := range 4 {
		if life > 0 {
			p.Kill()
			p.Restart()
		}
		w.URL = p.URL() + "/expenses?limit=1000&q=kettle"
		for range 5 {
			count += 3
			var uploads sync.WaitGroup
			for range 3 {
				uploads.Go(func() {
					a, err := c.call("POST", p.URL()+"/documents/upload-from-url", "", `{"url":"`+site+`/receipt.txt"}`)
					if err != nil || a.status != http.StatusOK {
						t.Errorf("upload: %v %d %s", err, a.status, a.body)
					}
				})
			}
			some := 1 + count%3 // it goes away in between
			err := w.Follow(t.Context(), func() bool { some--; return some <= 0 || len(w.Keys) == count })
			if uploads.Wait(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(w.Keys) < count {
		if err := w.Follow(t.Context(), func() bool { return len(w.Keys) == count }); err != nil {
			t.Fatal(err)
		}
	}
	var all list[expenseItem]
	c.mustGet(t, w.URL, &all)
	for i, item := range all.Items {
		if i >= len(w.Keys) || w.Keys[i] != item.ExpenseID {
			t.Errorf("%d are watched, of %d; place %d is another", len(w.Keys), len(all.Items), i)
			break
		}
	}
	if len(all.Items) != count || w.Presents > 8 {
		t.Errorf("%d expenses of %d; the present rows came %d times in four lives", len(all.Items), count, w.Presents)
	}
	began, stopped := make(chan struct{}, 2), make(chan error, 1)
	w.ID = "" // so that there is something to begin with
	go func() {
		stopped <- w.Follow(t.Context(), func() bool {
			began <- struct{}{}
			return false
		})
	}()
	<-began
	stop(p)
	if err := <-stopped; !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(w.End, "come back") {
		t.Errorf("at the end: %v, %s", err, w.End)
	}
}

// Addresses of this machine are refused, also behind a redirect.
func TestExpensesRefusePrivateAddresses(t *testing.T) {
	t.Parallel()
	proctest.Require(t)
	site := files(t)
	p := proctest.Build(t, "./examples/expenses").Start(t, proctest.Config{})
	c := newClient(t)
	for _, url := range []string{site + "/receipt.txt", "http://localhost:1/x", "http://[::1]/x", "http://10.0.0.1/", "file:///etc/passwd", "nonsense", ""} {
		body, _ := json.Marshal(map[string]string{"url": url})
		a, err := c.call("POST", p.URL()+"/documents/upload-from-url", "", string(body))
		if err != nil || a.status != http.StatusUnprocessableEntity {
			t.Errorf("%q: %v %d %s", url, err, a.status, a.body)
		}
	}
	var docs list[document]
	if c.mustGet(t, p.URL()+"/documents", &docs); len(docs.Items) != 0 {
		t.Errorf("%d documents were made", len(docs.Items))
	}
}

// A picture without tesseract waits, says so, and is analyzed once it is there.
func TestExpensesWaitForTesseract(t *testing.T) {
	t.Parallel()
	proctest.Require(t)
	pictures, _ := filepath.Glob("../../examples/expenses/testdata/*.png")
	if len(pictures) == 0 {
		t.Fatal("there is no PNG among the samples")
	}
	server := httptest.NewServer(http.FileServer(http.Dir(filepath.Dir(pictures[0]))))
	t.Cleanup(server.Close)
	empty := t.TempDir()
	p := proctest.Build(t, "./examples/expenses").Start(t, proctest.Config{
		Args: []string{"--allow-private-addresses"}, Env: []string{"PATH=" + empty},
	})
	c := newClient(t)
	id := upload(t, c, p.URL(), server.URL+"/"+filepath.Base(pictures[0]))
	proctest.Eventually(t, 20*time.Second, func() error {
		var d document
		if err := c.get(p.URL()+"/documents/"+id, &d); err != nil {
			return err
		}
		if d.Status != "CREATED" || d.Analysis == nil || d.Analysis.Reason == "" {
			return fmt.Errorf("%+v", d)
		}
		return nil
	})
	script := "#!/bin/sh\necho 'Blue Kettle'\necho 'Date: 2025-03-14'\necho 'TOTAL EUR 11.55'\n"
	if err := os.WriteFile(filepath.Join(empty, "tesseract"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	proctest.Eventually(t, 90*time.Second, func() error {
		var d document
		if err := c.get(p.URL()+"/documents/"+id, &d); err != nil {
			return err
		}
		if d.Status != "ANALYZED" {
			return fmt.Errorf("%s: %+v", d.Status, d.Analysis)
		}
		return nil
	})
}
