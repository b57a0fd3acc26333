package problem

import (
	"net/http"
	"strconv"
	"sync"
)

// Words of the page that [Docs] serves, and of the published one.
const docsTitle = "Problems that this API answers with"

var docsIntro = []string{
	"A request was refused, and the answer was a problem detail (RFC 9457): a JSON object whose member type ends in one of the names below. Find the name, do what its section says.",
	"Log the member instance: it names this one occurrence, and whoever runs the server may ask for it.",
}

// contract tells apart the three statuses that are easily mixed up.
var contract = []term{
	{"412", "The version that you sent is stale. Fetch again, apply your change again, send again."},
	{"409", "Nothing is wrong with your request as such: it met another one, or the state of the resource. The member retryable says whether the same request can succeed later."},
	{"428", "You sent no version, and this resource wants one."},
}

var standardMembers = []term{
	{"type", "which problem it is, as a URI; the last part is the kind"},
	{"title", "the same in words, always the same for one kind"},
	{"status", "the HTTP status"},
	{"detail", "what happened this time, for a person to read; programs should not look into it"},
	{"instance", "the name of this one occurrence, for logs and questions"},
	{"retryable", "true if the same request, unchanged, can succeed later"},
}

// retryNote says whether sending the same request again can help.
func (e *entry) retryNote() string {
	if e.retryable {
		return "Retry: yes, the same request, after the time in Retry-After."
	}
	return "Retry: no. Sending the same request again does not help by itself."
}

// Docs serves one page of HTML with a section for each kind: what happened,
// what the client should do, and whether a retry can help. The section's id is
// the kind: a server that mounts Docs at /problems gives its [Renderer] the
// TypeBase "/problems#", and the type of every problem can be opened in a
// browser.
//
// The page needs no other resource, and runs no script. It answers GET and
// HEAD, and any other method with 405. It may be cached for an hour.
func Docs() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			h.Set("Allow", "GET, HEAD")
			http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
			return
		}
		body := docsPage()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Language", "en")
		h.Set("Content-Length", strconv.Itoa(len(body)))
		h.Set("Content-Security-Policy", pagePolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "public, max-age=3600")
		if r.Method == http.MethodGet {
			_, _ = w.Write(body) // the client is gone; there is nobody left to tell
		}
	})
}

// docsPage is rendered once, when it is first asked for.
var docsPage = sync.OnceValue(func() []byte {
	var w page
	w.begin(docsTitle)
	w.text("h1", docsTitle)
	for _, paragraph := range docsIntro {
		w.text("p", paragraph)
	}
	w.terms("", contract)

	w.WriteString("<table>\n<thead><tr><th>Problem</th><th>Status</th><th>Retry</th></tr></thead>\n<tbody>\n")
	for i := range registry {
		e := &registry[i]
		retry := "no"
		if e.retryable {
			retry = "yes"
		}
		w.WriteString(`<tr><td><a href="#` + string(e.kind) + `">` + code(string(e.kind)) + "</a></td><td>" +
			strconv.Itoa(e.status) + "</td><td>" + retry + "</td></tr>\n")
	}
	w.WriteString("</tbody>\n</table>\n")

	for i := range registry {
		w.section(&registry[i])
	}

	w.WriteString("<section>\n")
	w.text("h2", "Members of every problem")
	w.terms("", standardMembers)
	w.WriteString("</section>\n")
	w.end()
	return []byte(w.String())
})

func (w *page) section(e *entry) {
	w.WriteString(`<section id="` + string(e.kind) + `">` + "\n<h2>" + code(string(e.kind)) + "</h2>\n")
	w.WriteString(`<p class="facts">Status ` + strconv.Itoa(e.status) + ". " + e.retryNote() + "</p>\n")
	w.text("h3", e.title)
	w.text("p", e.happened)
	w.WriteString("<p><strong>What to do.</strong> ")
	w.text("span", e.next)
	w.WriteString("</p>\n")
	w.terms("Members", e.members)
	w.terms("Header fields", e.fields)
	w.WriteString("</section>\n")
}

// terms writes a list of names and their meanings, or nothing if it is empty.
func (w *page) terms(heading string, terms []term) {
	if len(terms) == 0 {
		return
	}
	if heading != "" {
		w.text("h4", heading)
	}
	w.WriteString("<dl>\n")
	for _, t := range terms {
		w.WriteString("<dt>" + code(t.name) + "</dt>")
		w.text("dd", t.meaning)
	}
	w.WriteString("</dl>\n")
}
