package problem

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// wire is the table of kinds as it was agreed for the wire, transcribed by hand
// and apart from the registry, so that a slip in one of them shows.
var wire = []struct {
	kind      string
	status    int
	retryable bool
	names     string // members and fields beyond the standard ones
}{
	{"version-mismatch", 412, false, "failed_field current_etag current ETag"},
	{"precondition-required", 428, false, "wanted_fields"},
	{"precondition-malformed", 400, false, "failed_field"},
	{"resource-busy", 409, true, "Retry-After"},
	{"locked", 409, true, "holder expires Retry-After"},
	{"duplicate", 409, false, "conflicting"},
	{"state-conflict", 409, false, "constraint"},
	{"dependency", 409, false, "constraint"},
	{"write-conflict", 409, true, "Retry-After"},
	{"request-in-flight", 409, true, "Retry-After"},
	{"outcome-unknown", 409, false, "started"},
	{"response-not-retained", 409, false, "original_status Location"},
	{"key-reused", 422, false, ""},
	{"key-missing", 400, false, ""},
	{"key-invalid", 400, false, ""},
	{"body-too-large", 413, false, "limit"},
	{"principal-unknown", 500, false, ""},
	{"validator-missing", 500, false, ""},
	{"response-too-large", 500, false, "limit"},
	{"internal", 500, false, ""},
	{"validator-unavailable", 503, true, "Retry-After"},
	{"store-unavailable", 503, true, "Retry-After"},
}

func TestEveryKindGoesOverTheWireAsAgreed(t *testing.T) {
	require.Len(t, registry, len(wire))
	for i, want := range wire {
		t.Run(want.kind, func(t *testing.T) {
			assert.Equal(t, Kind(want.kind), registry[i].kind, "order of the page")
			kind := Kind(want.kind)
			for name, p := range map[string]*Problem{"New": New(kind, "What happened."), "literal": {Kind: kind, Detail: "What happened."}} {
				t.Run(name, func(t *testing.T) {
					w := httptest.NewRecorder()
					JSON(w, httptest.NewRequest("PUT", "/", nil), p)

					assert.Equal(t, want.status, w.Code)
					assert.Equal(t, "application/problem+json", w.Header().Get("Content-Type"))
					assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
					assert.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
					assert.Equal(t, "en", w.Header().Get("Content-Language"))
					assert.Equal(t, "<"+DefaultTypeBase+want.kind+`>; rel="describedby"; type="text/html"`, w.Header().Get("Link"))
					retryAfter := ""
					if want.retryable {
						retryAfter = "1"
					}
					assert.Equal(t, retryAfter, w.Header().Get("Retry-After"))

					var body map[string]any
					require.NoError(t, json.Unmarshal(w.Body.Bytes(), &body))
					assert.Equal(t, DefaultTypeBase+want.kind, body["type"])
					assert.EqualValues(t, want.status, body["status"])
					assert.Equal(t, want.retryable, body["retryable"])
					assert.NotEmpty(t, body["title"])
					assert.NotEmpty(t, body["detail"])
					assert.Regexp(t, `^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, body["instance"])
					assert.Len(t, body, 6, "no member beyond the standard ones")
				})
			}
		})
	}
}

func TestRegistryNamesTheMembersAndFieldsOfEachKind(t *testing.T) {
	for i, want := range wire {
		var names []string
		for _, m := range registry[i].members {
			names = append(names, m.name)
		}
		for _, f := range registry[i].fields {
			names = append(names, f.name)
		}
		assert.Equal(t, want.names, strings.Join(names, " "), want.kind)
	}
}

func TestDocsHaveASectionForEachKindAndNoOtherResource(t *testing.T) {
	w := httptest.NewRecorder()
	Docs().ServeHTTP(w, httptest.NewRequest("GET", "/problems", nil))
	page := w.Body.String()

	assert.Equal(t, http.StatusOK, w.Code)
	assert.Equal(t, "text/html; charset=utf-8", w.Header().Get("Content-Type"))
	assert.Contains(t, w.Header().Get("Content-Security-Policy"), "default-src 'none'; style-src 'sha256-")
	for _, want := range wire {
		assert.Equal(t, 1, strings.Count(page, `<section id="`+want.kind+`">`), want.kind)
		assert.Equal(t, 1, strings.Count(page, `href="#`+want.kind+`"`), want.kind)
	}
	for _, foreign := range []string{"<script", "<link", "<img", "src=", "url(", "@import", "http:", "https:", "style="} {
		assert.NotContains(t, page, foreign)
	}
	for _, element := range []string{"section", "dl", "p", "h2", "table", "body", "html"} {
		opened := strings.Count(page, "<"+element+">") + strings.Count(page, "<"+element+" ")
		assert.Equal(t, opened, strings.Count(page, "</"+element+">"), "<%s> is closed as often as opened", element)
	}
}

func TestDocsAnswerReadsOnly(t *testing.T) {
	w := httptest.NewRecorder()
	Docs().ServeHTTP(w, httptest.NewRequest("HEAD", "/problems", nil))
	assert.Equal(t, http.StatusOK, w.Code)
	assert.Zero(t, w.Body.Len())
	assert.NotEmpty(t, w.Header().Get("Content-Length"))

	w = httptest.NewRecorder()
	Docs().ServeHTTP(w, httptest.NewRequest("POST", "/problems", nil))
	assert.Equal(t, http.StatusMethodNotAllowed, w.Code)
	assert.Equal(t, "GET, HEAD", w.Header().Get("Allow"))
}
