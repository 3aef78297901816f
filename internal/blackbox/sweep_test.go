package blackbox_test

import (
	"context"
	"encoding/json"
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
func sweep(ctx context.Context, t *testing.T, base string, stops ...shown) {
	t.Helper()
	for _, s := range stops {
		visit(ctx, t, base+s.path, s.heading)
		fits(ctx, t, s.path)
		for _, name := range []string{"light", "dark"} {
			if s.picture != "" {
				picture(ctx, t, "console-"+s.picture+"-"+name, name, 1280)
			}
		}
		scheme(ctx, t, "light")
	}
	t.Run("accessibility", func(t *testing.T) {
		axe := os.Getenv("TALIX_TEST_AXE")
		if axe == "" {
			t.Skip("needs axe-core: npm pack axe-core, and name its axe.min.js in TALIX_TEST_AXE")
		}
		script, err := os.ReadFile(axe)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range stops {
			visit(ctx, t, base+s.path, s.heading)
			do(ctx, t, chromedp.Evaluate[chromedp.Void](string(script)+";0"))
			for _, name := range []string{"light", "dark"} {
				scheme(ctx, t, name)
				faults(ctx, t, s.path+" in the "+name)
			}
			scheme(ctx, t, "light")
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

// faults fails the test for what axe-core calls serious or critical.
func faults(ctx context.Context, t *testing.T, where string) {
	t.Helper()
	const run = `axe.run(document, { resultTypes: ["violations"] }).then((r) => JSON.stringify(r.violations
		.filter((v) => v.impact === "serious" || v.impact === "critical")
		.map((v) => ({ rule: v.id, impact: v.impact, help: v.help, at: v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160) + " " + n.any.map((a) => a.message).join(" ")) }))))`
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](run, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Errorf("%s: %v", where, err)
		return
	}
	var found []json.RawMessage
	if err := json.Unmarshal([]byte(text), &found); err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		t.Errorf("%s: %s", where, f)
	}
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
