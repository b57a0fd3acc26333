package main

import (
	"crypto/sha256"
	_ "embed" // the page
	"encoding/base64"
	"net/http"
	"strings"
)

// pageHTML is what a visitor with a browser sees first: one file, with its style
// and its script in it, that needs nothing from anywhere else. It is a client of
// the API like any other.
//
//go:embed page.html
var pageHTML string

// pageFields let the page run its own script and style and nothing else, talk
// to this server alone, and be framed by nobody. Text of documents cannot become
// markup: with trusted types the browser refuses every way to make it so.
var pageFields = map[string]string{
	"Content-Type": "text/html; charset=utf-8",
	"Content-Security-Policy": strings.Join([]string{
		"default-src 'none'",
		"script-src " + digest(inline("script")),
		"style-src " + digest(inline("style")),
		"img-src data:",
		"connect-src 'self'",
		"base-uri 'none'",
		"form-action 'none'",
		"frame-ancestors 'none'",
		"require-trusted-types-for 'script'",
		"trusted-types 'none'",
	}, "; "),
	"Cache-Control":              "no-cache", // its tag tells whether it has changed
	"Cross-Origin-Opener-Policy": "same-origin",
	"Referrer-Policy":            "no-referrer",
	"X-Content-Type-Options":     "nosniff",
}

// page serves pageHTML.
func page(w http.ResponseWriter, _ *http.Request) {
	for name, value := range pageFields {
		w.Header().Set(name, value)
	}
	_, _ = w.Write([]byte(pageHTML)) // a client that is gone is nobody's fault
}

// inline returns what stands between the tags of the page's one element with
// this name; nothing if there is none.
func inline(element string) string {
	_, rest, _ := strings.Cut(pageHTML, "<"+element+">")
	text, _, _ := strings.Cut(rest, "</"+element+">")
	return text
}

// digest is how a Content-Security-Policy names text that may run.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
