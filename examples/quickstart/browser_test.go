package main

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

const (
	browserTime = 3 * time.Minute       // for all tests in the browser together
	tabTime     = 20 * time.Second      // for what one of them waits for
	lookAgain   = 20 * time.Millisecond // between two looks at a page
)

// browserNames are what Chromium is called on PATH.
var browserNames = []string{"chromium", "chromium-browser", "google-chrome"}

// startBrowser starts Chromium without a window, with a profile of its own, for
// as long as the test lasts. Where there is none, the test is skipped.
func startBrowser(t *testing.T) browser {
	t.Helper()
	var program string
	for _, name := range slices.Backward(browserNames) {
		if path, err := exec.LookPath(name); err == nil {
			program = path
		}
	}
	if program == "" {
		text := "no browser: " + strings.Join(browserNames, ", ") + " are not on PATH"
		if os.Getenv("CONCORD_TEST_REQUIRE") == "1" {
			t.Fatal(text)
		}
		t.Skip(text)
	}

	limited, end := context.WithTimeout(context.Background(), browserTime)
	t.Cleanup(end)
	allocator, free := chromedp.NewExecAllocator(limited,
		chromedp.ExecPath(program),
		chromedp.Headless, chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.DisableGPU,
		chromedp.NoSandbox, // which root cannot have, nor everybody in a container; all that it loads is ours
		chromedp.Flag("disable-dev-shm-usage", true),
		// It talks to nobody but the test's own server.
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-default-apps", true),
		chromedp.Flag("disable-domain-reliability", true),
		chromedp.Flag("disable-extensions", true),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-sync", true),
		chromedp.Flag("metrics-recording-only", true),
		chromedp.Flag("password-store", "basic"),
		// A tab behind another one is as quick as that.
		chromedp.Flag("disable-background-timer-throttling", true),
		chromedp.Flag("disable-backgrounding-occluded-windows", true),
		chromedp.Flag("disable-renderer-backgrounding", true),
	)
	t.Cleanup(free)
	ctx, _ := chromedp.NewContext(allocator)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("%s does not start: %v", program, err)
	}
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil {
			t.Errorf("%s does not end well: %v", program, err)
		}
	})
	return browser{ctx}
}

// A browser is what startBrowser started: the context that chromedp knows it by.
type browser struct{ ctx context.Context }

// A tab is one of the browser's, with the page in it.
type tab struct {
	t    *testing.T
	ctx  context.Context
	name string // who sits at it

	provoked string // how a message on the console begins that the test asks for
}

// open opens the page of the server at base in a tab of somebody's, and waits
// until the document is in it. By the end of the test the page may not have said
// anything on its console.
func open(t *testing.T, b browser, base, name string) *tab {
	t.Helper()
	ctx, closeIt := chromedp.NewContext(b.ctx)
	p := &tab{t: t, ctx: ctx, name: name}
	said := chromedp.Console(ctx)
	heard := make(chan []chromedp.ConsoleMessage, 1)
	go func() {
		var all []chromedp.ConsoleMessage
		for m, err := range said {
			if err != nil {
				break
			}
			all = append(all, m)
		}
		heard <- all
	}()
	t.Cleanup(func() {
		closeIt()
		for _, m := range <-heard {
			if !refusedByDesign(m) && (p.provoked == "" || !strings.HasPrefix(m.Text, p.provoked)) {
				t.Errorf("on the console of %s: %s %s", name, m.Type, m.Text)
			}
		}
	})
	p.do(chromedp.Navigate(base + "/?as=" + name))
	p.until(`!$("save").disabled && $("total").textContent !== ""`)
	return p
}

// refusedByDesign is what the browser itself notes on its console of an answer
// that is no success, or never came: those that the page asks for.
func refusedByDesign(m chromedp.ConsoleMessage) bool {
	return strings.HasPrefix(m.Text, "Failed to load resource: ") &&
		(strings.Contains(m.URL, "/documents/picnic") || strings.Contains(m.URL, "/payments"))
}

// do runs steps in the tab, for as long as they may take.
func (p *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, tabTime)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.t.Fatalf("in the tab of %s: %v", p.name, err)
	}
}

// evaluate returns what an expression of JavaScript is in the tab.
func evaluate[T any](p *tab, expression string) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, tabTime)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		p.t.Fatalf("in the tab of %s, %s: %v", p.name, expression, err)
	}
	return value
}

// until waits until the expression is true in the tab.
func (p *tab) until(expression string) {
	p.t.Helper()
	for end := time.Now().Add(tabTime); !evaluate[bool](p, "Boolean("+expression+")"); time.Sleep(lookAgain) {
		if time.Now().After(end) {
			p.t.Fatalf("in the tab of %s it never came to %s; the page says\n%s", p.name, expression, evaluate[string](p, "document.body.innerText"))
		}
	}
}

// text returns the text of the element with this id, as it is shown.
func (p *tab) text(id string) string {
	p.t.Helper()
	return evaluate[string](p, "$("+quoted(id)+").innerText")
}

// says waits until the element with this id has this text in it.
func (p *tab) says(id, part string) {
	p.t.Helper()
	p.until("$(" + quoted(id) + ").innerText.includes(" + quoted(part) + ")")
}

// quoted returns s as a string of JavaScript.
func quoted(s string) string {
	out, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string
	}
	return string(out)
}

// click clicks on the element with this id, with the mouse.
func (p *tab) click(id string) {
	p.t.Helper()
	p.until("!$(" + quoted(id) + ").disabled")
	p.do(chromedp.Click(chromedp.CSS("#" + id)))
}

// retype replaces text in the editor by other text, as its visitor would: marks
// it and types.
func (p *tab) retype(was, is string) {
	p.t.Helper()
	if !evaluate[bool](p, `(() => {
		const at = $("text").value.indexOf(`+quoted(was)+`);
		$("text").focus();
		$("text").setSelectionRange(at, at + `+quoted(was)+`.length);
		return at >= 0;
	})()`) {
		p.t.Fatalf("there is no %q in the editor of %s, but %q", was, p.name, evaluate[string](p, `$("text").value`))
	}
	p.do(chromedp.KeyEvent(is))
}
