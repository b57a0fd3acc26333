package main

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestThePageIsServed(t *testing.T) {
	handler, _ := newProtected(t)
	w := serve(handler, httptest.NewRequest("GET", "/?as=bob", http.NoBody))
	if w.Code != 200 || w.Header().Get("Content-Type") != "text/html; charset=utf-8" || w.Body.String() != pageHTML {
		t.Errorf("%d %s, %d bytes; want the page", w.Code, w.Header(), w.Body.Len())
	}
	again := httptest.NewRequest("GET", "/?as=bob", http.NoBody)
	again.Header.Set("If-None-Match", w.Header().Get("ETag"))
	if w := serve(handler, again); w.Code != 304 || w.Header().Get("Content-Security-Policy") == "" {
		t.Errorf("with its tag: %d %s; want 304 and its fields", w.Code, w.Header())
	}
	for path, status := range map[string]int{"/other": 404, "/index.html": 404} {
		if w := serve(handler, httptest.NewRequest("GET", path, http.NoBody)); w.Code != status {
			t.Errorf("%s: %d; want %d", path, w.Code, status)
		}
	}
}

// What the policy does not name does not run, so that it names too little would
// be found out in a browser; that it names too much only here.
func TestThePolicyOfThePage(t *testing.T) {
	got := strings.Split(pageFields["Content-Security-Policy"], "; ")
	want := []string{
		"default-src 'none'", "img-src data:", "connect-src 'self'", "base-uri 'none'", "form-action 'none'",
		"frame-ancestors 'none'", "require-trusted-types-for 'script'", "trusted-types 'none'",
	}
	digests := regexp.MustCompile(`^(script|style)-src 'sha256-[A-Za-z0-9+/]{43}='$`)
	for _, directive := range got {
		if !slices.Contains(want, directive) && !digests.MatchString(directive) {
			t.Errorf("the policy has %q", directive)
		}
	}
	if len(got) != len(want)+2 {
		t.Errorf("the policy is %q", got)
	}
	for _, element := range []string{"script", "style"} {
		if len(inline(element)) < 1000 || strings.Count(pageHTML, "<"+element) != 1 {
			t.Errorf("the page has not its one %s", element)
		}
	}
}

func TestThePageNeedsNothingFromElsewhere(t *testing.T) {
	for _, m := range regexp.MustCompile(`(?i)(src|href|action|url)\s*[=(]\s*["']?([^"'\s>)]*)`).FindAllStringSubmatch(pageHTML, -1) {
		attribute, url := m[1], m[2]
		link := attribute == "href" && (strings.HasPrefix(url, "/") || strings.HasPrefix(url, "https://github.com/concordhttp/concord/"))
		if !link && !strings.HasPrefix(url, "data:") {
			t.Errorf("the page loads %s", m[0])
		}
	}
}
