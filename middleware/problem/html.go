package problem

import (
	"crypto/sha256"
	"encoding/base64"
	"html"
	"strconv"
	"strings"
)

// style serves the pages of problems and of the documentation. Both are plain
// HTML that reads well without it.
const style = `:root{color-scheme:light dark}
body{font:1rem/1.55 system-ui,sans-serif;max-width:46rem;margin:2.5rem auto;padding:0 1.2rem}
h1{line-height:1.2}h2{margin-top:3rem;padding-top:1rem;border-top:1px solid #8886}
code{font-family:ui-monospace,monospace;font-size:.92em;overflow-wrap:anywhere}
h2 code{font-size:1em}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.3rem .8rem .3rem 0}
th{border-bottom:1px solid #8886}
dt{margin-top:.5rem}dd{margin-left:1.2rem}
.facts{opacity:.75}
:target{outline:2px solid #8888;outline-offset:.6rem}`

// pagePolicy lets a page use its own style, and nothing else: should a
// character ever slip through the escaping, there is nothing it can start.
var pagePolicy = func() string {
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}()

// page writes HTML. Whatever is not a constant of this package goes through
// text or code, which escape it.
type page struct{ strings.Builder }

func (w *page) begin(title string) {
	w.WriteString(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>` + html.EscapeString(title) + `</title>
<style>` + style + `</style>
</head>
<body>
`)
}

func (w *page) end() { w.WriteString("</body>\n</html>\n") }

// text writes an element, named by a constant, with escaped text in it.
func (w *page) text(element, s string) {
	w.WriteString("<" + element + ">" + html.EscapeString(s) + "</" + element + ">\n")
}

func code(s string) string { return "<code>" + html.EscapeString(s) + "</code>" }

// html renders a complete problem as a page of its own.
func (o Renderer) html(p *Problem) []byte {
	var w page
	w.begin(strconv.Itoa(p.Status) + " " + p.Title)
	w.WriteString(`<p class="facts">` + strconv.Itoa(p.Status))
	if p.Kind != "" {
		w.WriteString(" · " + code(string(p.Kind)))
	}
	w.WriteString("</p>\n")
	w.text("h1", p.Title)
	if p.Detail != "" {
		w.text("p", p.Detail)
	}
	w.text("p", retryAdvice(p))
	if e := byKind[p.Kind]; e != nil {
		w.text("p", e.next)
	}
	if all := o.extensions(p); len(all) > 0 {
		w.WriteString("<dl>\n")
		for _, e := range all {
			w.WriteString("<dt>" + code(e.name) + "</dt><dd>" + code(string(e.value)) + "</dd>\n")
		}
		w.WriteString("</dl>\n")
	}
	w.WriteString(`<p class="facts">`)
	if isWebLink(p.Type) {
		w.WriteString(`<a href="` + html.EscapeString(p.Type) + `">About this problem</a><br>`)
	}
	w.WriteString("Occurrence " + code(p.Instance) + "</p>\n")
	w.end()
	return []byte(w.String())
}

// text renders a complete problem as plain text.
func (o Renderer) text(p *Problem) []byte {
	var w strings.Builder
	w.WriteString(strconv.Itoa(p.Status) + " " + p.Title + "\n\n")
	if p.Detail != "" {
		w.WriteString(p.Detail + "\n")
	}
	w.WriteString(retryAdvice(p) + "\n")
	if e := byKind[p.Kind]; e != nil {
		w.WriteString(e.next + "\n")
	}
	w.WriteString("\n")
	for _, e := range o.extensions(p) {
		w.WriteString(e.name + ": " + string(e.value) + "\n")
	}
	w.WriteString("type: " + p.Type + "\ninstance: " + p.Instance + "\n")
	return []byte(w.String())
}

// retryAdvice says in words what retryable and Retry-After say.
func retryAdvice(p *Problem) string {
	if !p.Retryable {
		return "Sending the same request again does not help by itself."
	}
	wait := defaultRetryAfter
	if own := p.Header.Get("Retry-After"); own != "" {
		wait = own
	}
	if seconds, err := strconv.Atoi(wait); err != nil {
		return "The same request can succeed after " + wait + "." // an HTTP date
	} else if seconds == 1 {
		return "The same request can succeed in 1 second."
	}
	return "The same request can succeed in " + wait + " seconds."
}

// isWebLink keeps javascript: and the like out of links.
func isWebLink(s string) bool {
	web := strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://") || strings.HasPrefix(s, "/")
	return web && isURIReference(s)
}
