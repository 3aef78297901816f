package blackbox_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/talix-dev/talix/internal/proctest"
)

// browser starts a real Chromium, which knows of no other site. What the page
// complains of fails the test.
func browser(t *testing.T) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("needs a browser: apt-get install chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(1280, 900),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
	)
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	call(ctx, t, log.Enable, cdp.Empty{})
	call(ctx, t, runtime.Enable, cdp.Empty{})
	call(ctx, t, network.Enable, network.EnableParams{})
	return ctx
}

func call[P, R any](ctx context.Context, t *testing.T, command cdp.Command[P, R], params P) {
	t.Helper()
	if _, err := chromedp.Call(ctx, command, params); err != nil {
		t.Fatal(err)
	}
}

func do(ctx context.Context, t *testing.T, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

// complaints fails the test for what the page throws, what the browser refuses,
// such as what the policy forbids, and what is asked of other sites.
func complaints(ctx context.Context, t *testing.T, ignore ...string) {
	err := chromedp.Listen(ctx, func(event any) {
		text := ""
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			text = fmt.Sprintf("%s %+v", e.ExceptionDetails.Text, e.ExceptionDetails.Exception)
		case *log.EventEntryAdded:
			if e.Entry.Level == log.EntryLevelError {
				text = e.Entry.Text + " " + e.Entry.URL
			}
		case *network.EventRequestWillBeSent:
			if url := e.Request.URL; !strings.HasPrefix(url, "http://127.0.0.1:") && !strings.HasPrefix(url, "blob:") {
				text = "a request to " + url
			}
		}
		for _, part := range ignore {
			if strings.Contains(text, part) {
				return
			}
		}
		if text != "" {
			t.Errorf("the page complains: %s", text)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

// texts waits until the texts of elements are the wanted ones.
func texts(ctx context.Context, t *testing.T, selector string, want ...string) {
	t.Helper()
	script := fmt.Sprintf(`Array.from(document.querySelectorAll(%q), (e) => e.innerText.trim().replace(/\s+/g, " "))`, selector)
	proctest.Eventually(t, 30*time.Second, func() error {
		got, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](script))
		if err == nil && strings.Join(got, "|") != strings.Join(want, "|") {
			err = fmt.Errorf("%s: %q, want %q", selector, got, want)
		}
		return err
	})
}

// picture keeps a screenshot where TALIX_TEST_PICTURES says.
func picture(ctx context.Context, t *testing.T, name, scheme string, width int64) {
	t.Helper()
	dir := os.Getenv("TALIX_TEST_PICTURES")
	if dir == "" {
		return
	}
	call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}, // what moves is half way
	}})
	do(ctx, t, chromedp.EmulateViewport(width, 900))
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// freeAddress is one on which a program can be started again.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// The page shows the list, the search and the totals, and keeps them as they
// are, also when the program is killed in between.
func TestExpensesPage(t *testing.T) {
	t.Parallel()
	proctest.Require(t)
	ctx, c, site := browser(t), newClient(t), files(t)
	p := proctest.Build(t, "./examples/expenses").Start(t, proctest.Config{Args: []string{"--allow-private-addresses", "--listen", freeAddress(t)}})
	complaints(ctx, t, "ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET", "ERR_INCOMPLETE_CHUNKED_ENCODING", "status of 422", "status of 502")
	do(ctx, t, chromedp.Navigate(p.URL()+"/"))
	texts(ctx, t, "#empty", "No expenses yet. Add a document to begin.")
	texts(ctx, t, "#link-text", "Live")
	upload(t, c, p.URL(), site+"/receipt.txt")
	tea, book := "2025-03-14 Blue Kettle Café receipt.txt EUR 11.55", "2025-05-03 Green Fern Books receipt.html USD 20.00"
	texts(ctx, t, "#rows tr", tea)
	add(ctx, t, site+"/receipt.html")
	texts(ctx, t, "#rows tr", book, tea)
	texts(ctx, t, "#months .month", "May 2025 USD 20.00 1 expense", "March 2025 EUR 11.55 1 expense")
	texts(ctx, t, "#count", "New: Green Fern Books USD 20.00. 2 expenses.")
	add(ctx, t, site+"/letter.txt")
	texts(ctx, t, "#documents .status", "No expense", "Expense", "Expense")
	add(ctx, t, site+"/nothing")
	texts(ctx, t, "#add-note.bad", "the server answered 404 Not Found: give the URL of a file that can be downloaded without signing in")
	picture(ctx, t, "small", "light", 390)
	picture(ctx, t, "dark", "dark", 1280)
	picture(ctx, t, "light", "light", 1280)

	search(ctx, t, "kettle")
	texts(ctx, t, "#rows tr", tea)
	search(ctx, t, "RECEIPT ht")
	texts(ctx, t, "#rows tr", book)
	search(ctx, t, "nothing")
	texts(ctx, t, "#empty", "Nothing found for “nothing”.")
	search(ctx, t, "")
	texts(ctx, t, "#rows tr", book, tea)

	p.Kill()
	texts(ctx, t, "#link-text", "Reconnecting…")
	p.Restart()
	upload(t, c, p.URL(), site+"/receipt.txt")
	texts(ctx, t, "#rows tr", book, tea, tea)
	texts(ctx, t, "#link-text", "Live")
	texts(ctx, t, "#months .month", "May 2025 USD 20.00 1 expense", "March 2025 EUR 23.10 2 expenses")
}

// add enters the address of a document, and waits until it was taken.
func add(ctx context.Context, t *testing.T, url string) {
	t.Helper()
	enter(ctx, t, "#url", url+"\n")
	texts(ctx, t, "#add button:disabled")
}

func search(ctx context.Context, t *testing.T, words string) {
	t.Helper()
	enter(ctx, t, "#q", words+" \b")
}

// enter types keys over what a field holds.
func enter(ctx context.Context, t *testing.T, field, keys string) {
	t.Helper()
	do(ctx, t, chromedp.Evaluate[chromedp.Void](fmt.Sprintf("document.querySelector(%q).select()", field)), chromedp.SendKeys(chromedp.CSS(field), keys))
}
