package blackbox_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/talix-dev/talix/internal/proctest"
)

// shown is a page of the console with its heading, and what its picture is
// called, if it has one.
type shown struct{ path, heading, picture string }

// within fails the test for every request that leaves the console: nothing is
// asked of another site, nor of another port of this machine.
func within(ctx context.Context, t *testing.T, base string) {
	t.Helper()
	err := chromedp.Listen(ctx, func(event any) {
		e, ok := event.(*network.EventRequestWillBeSent)
		if ok && e.Request.URL != base && !strings.HasPrefix(e.Request.URL, base+"/") {
			t.Errorf("a request leaves the console: %s", e.Request.URL)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

// scheme has pages shown as in the dark, or the light.
func scheme(ctx context.Context, t *testing.T, name string) {
	t.Helper()
	call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: name}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
}

// sweep goes through pages in light and dark: each is what it says, fits its
// window, has no fault that keeps people from using it, and is looked at.
func sweep(ctx context.Context, t *testing.T, base string, pages ...shown) {
	t.Helper()
	var script, found []string
	if name := os.Getenv("TALIX_TEST_AXE"); name != "" {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		script = append(script, string(text)+";0")
	}
	for _, p := range pages {
		visit(ctx, t, base+p.path, p.heading)
		fits(ctx, t, p.path)
		for _, text := range script {
			do(ctx, t, chromedp.Evaluate[chromedp.Void](text))
		}
		for _, name := range []string{"dark", "light"} {
			scheme(ctx, t, name)
			if len(script) > 0 {
				found = append(found, faults(ctx, t, p.path, name)...)
			}
			if p.picture != "" {
				picture(ctx, t, "console-"+p.picture+"-"+name, name, 1280)
			}
		}
	}
	t.Run("accessibility", func(t *testing.T) {
		if len(script) == 0 {
			t.Skip("needs axe-core: npm pack axe-core, and name its axe.min.js in TALIX_TEST_AXE")
		}
		for _, f := range found {
			t.Error(f)
		}
	})
}

// fits fails the test if a page is wider than a phone or its window: what is too
// wide scrolls in a place of its own.
func fits(ctx context.Context, t *testing.T, path string) {
	t.Helper()
	for _, width := range []int64{390, 1280} {
		do(ctx, t, chromedp.EmulateViewport(width, 900))
		wide, err := chromedp.Run(ctx, chromedp.Evaluate[int64](`document.documentElement.scrollWidth`))
		if err != nil || wide > width {
			t.Errorf("%s is %d wide in a window of %d: %v", path, wide, width, err)
		}
	}
}

// faults are what axe-core calls serious or critical; in the dark only those that
// colours may have.
func faults(ctx context.Context, t *testing.T, path, scheme string) (found []string) {
	t.Helper()
	options := `{ resultTypes: ["violations"] }`
	if scheme == "dark" {
		options = `{ resultTypes: ["violations"], runOnly: ["color-contrast", "link-in-text-block"] }`
	}
	const each = `(v) => v.id + ": " + v.help + "; " + v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160) + " " + n.any.map((a) => a.message).join(" ")).join("; ")`
	found, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](fmt.Sprintf(
		`axe.run(document, %s).then((r) => r.violations.filter((v) => v.impact === "serious" || v.impact === "critical").map(%s))`, options, each), chromedp.EvalAwaitPromise))
	if err != nil {
		t.Errorf("%s: %v", path, err)
	}
	for i := range found {
		found[i] = path + " in the " + scheme + ": " + found[i]
	}
	return found
}

// tabTo presses the tab key until what has the focus says a text, as people do
// who have no mouse.
func tabTo(ctx context.Context, t *testing.T, text string) {
	t.Helper()
	const focused = `((e) => (e.innerText || e.getAttribute("aria-label") || e.name || "").trim().replace(/\s+/g, " "))(document.activeElement)`
	var passed []string
	for range 120 {
		do(ctx, t, chromedp.KeyEvent(kb.Tab))
		at, err := chromedp.Run(ctx, chromedp.Evaluate[string](focused))
		if err != nil {
			t.Fatal(err)
		}
		if at == text {
			return
		}
		passed = append(passed, at)
	}
	t.Fatalf("the tab key does not lead to %q, but to %.900q", text, passed)
}

// enterKey does what the focused link or button does.
func enterKey(ctx context.Context, t *testing.T) {
	t.Helper()
	do(ctx, t, chromedp.KeyEvent(kb.Enter))
}

// parked waits until work was given up, and so waits for people.
func parked(ctx context.Context, t *testing.T) {
	t.Helper()
	proctest.Eventually(t, 5*time.Minute, func() error {
		text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.querySelector("#items")?.innerText ?? ""`))
		if err == nil && !strings.Contains(text, "Replay all parked work") {
			err = fmt.Errorf("nothing is parked: %s", text)
		}
		return err
	})
}
