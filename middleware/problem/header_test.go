package problem_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/middleware/problem"
)

func TestHandlerFieldsCleared(t *testing.T) {
	stale := []string{
		"ETag", "Last-Modified", "Content-Length", "Content-Encoding", "Content-Range", "Content-Disposition",
		"Content-Location", "Content-Digest", "Repr-Digest", "Digest", "Content-MD5", "Signature", "Signature-Input",
		"Accept-Ranges", "Expires", "Age", "Pragma", "Location", "Trailer", "Transfer-Encoding", "Preference-Applied",
		"CDN-Cache-Control", "Cloudflare-CDN-Cache-Control", "Surrogate-Control", "Retry-After", "Refresh",
		http.TrailerPrefix + "Checksum",
	}
	kept := []string{
		"Set-Cookie", "Vary", "Access-Control-Allow-Origin", "Access-Control-Expose-Headers", "Strict-Transport-Security",
		"Content-Security-Policy", "WWW-Authenticate", "Allow", "X-Request-Id", "RateLimit", "Server-Timing",
	}
	p := problem.Duplicate("The name is in use.")

	for name, respond := range map[string]problem.Responder{
		"JSON": problem.JSON, "Negotiate": problem.Negotiate, "Stripe": problem.Stripe,
		"a body of one's own": func(w http.ResponseWriter, _ *http.Request, p *problem.Problem) { p.WriteHeader(w) },
	} {
		t.Run(name, func(t *testing.T) {
			w := httptest.NewRecorder()
			for _, f := range append(stale, kept...) {
				w.Header().Set(f, "x")
			}
			w.Header()["etag"] = []string{"put into the map directly"}
			w.Header().Set("Cache-Control", "public, max-age=600")
			w.Header().Add("Link", `</page/2>; rel="next"`)
			respond(w, httptest.NewRequest("PUT", "/", nil), p)

			h := w.Result().Header
			for _, f := range stale {
				assert.Empty(t, h.Values(f), f)
			}
			assert.NotContains(t, h, "etag")
			for _, f := range kept {
				assert.Contains(t, h.Values(f), "x", f)
			}
			assert.Equal(t, []string{"no-store"}, h.Values("Cache-Control"))
			assert.Equal(t, []string{"<" + problem.DefaultTypeBase + `duplicate>; rel="describedby"; type="text/html"`}, h.Values("Link"))
		})
	}
}

// A recorder does not mind a wrong length or encoding; a client does.
func TestStaleFieldsDoNotBreakTheConnection(t *testing.T) {
	server := httptest.NewServer(problem.Responder(nil).HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Content-Length", "3")
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Trailer", "Checksum")
		w.Header().Set("Content-Type", "image/png")
		return problem.Duplicate("The name is in use.")
	}))
	defer server.Close()

	res, err := server.Client().Get(server.URL)
	require.NoError(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	assert.Equal(t, http.StatusConflict, res.StatusCode)
	assert.Equal(t, strconv.Itoa(len(body)), res.Header.Get("Content-Length"))
	assert.Contains(t, string(body), "The name is in use.")
	assert.Equal(t, "application/problem+json", res.Header.Get("Content-Type"))
}

func TestBodyOfOnesOwnKeepsItsTypeAndLanguage(t *testing.T) {
	w := httptest.NewRecorder()
	w.Header().Set("Content-Type", "application/vnd.acme+json")
	w.Header().Set("Content-Language", "fr")
	problem.Duplicate("d").WriteHeader(w)
	assert.Equal(t, http.StatusConflict, w.Code)
	assert.Equal(t, "application/vnd.acme+json", w.Header().Get("Content-Type"))
	assert.Equal(t, "fr", w.Header().Get("Content-Language"))
	assert.Zero(t, w.Body.Len())
}

func TestFieldsOfTheProblemAreSent(t *testing.T) {
	p := problem.New(problem.KindWriteConflict, "d")
	p.Header = http.Header{
		"etag":             {`"v2"`},
		"retry-after":      {"30"},
		"Link":             {`</docs>; rel="help"`},
		"Vary":             {"Origin"},
		"Content-Type":     {"text/evil"},
		"content-length":   {"1"},
		"Content-Encoding": {"gzip"},
	}
	w := httptest.NewRecorder()
	w.Header().Set("Vary", "Accept-Language")
	problem.JSON(w, httptest.NewRequest("PUT", "/", nil), p)

	h := w.Header()
	assert.Equal(t, []string{`"v2"`}, h.Values("ETag"))
	assert.Equal(t, []string{"30"}, h.Values("Retry-After"))
	assert.Len(t, h.Values("Link"), 2, "the description and the problem's own")
	assert.Equal(t, []string{"Accept-Language", "Origin"}, h.Values("Vary"))
	assert.Equal(t, "application/problem+json", h.Get("Content-Type"), "the form of the body is the responder's")
	assert.Empty(t, h.Values("Content-Length"))
	assert.Empty(t, h.Values("Content-Encoding"))
}

func TestWhatIsPromisedOfEveryProblemCannotBeReplaced(t *testing.T) {
	p := problem.Duplicate("d")
	p.Header = http.Header{"X-Own": {"x"}}
	refused := []string{
		"Cache-Control", "cache-control", "CDN-Cache-Control", "Surrogate-Control", "X-Content-Type-Options",
		"x-content-type-options", "Content-Language", "Date", "Connection", "Keep-Alive", "Upgrade", "TE",
		"Transfer-Encoding", "Trailer", http.TrailerPrefix + "Foo", "trailer:foo", "", "a b", "a\r\nb",
	}
	for _, name := range refused {
		p.Header[name] = []string{"x"}
	}
	for name, respond := range map[string]problem.Responder{"JSON": problem.JSON, "Negotiate": problem.Negotiate, "Stripe": problem.Stripe} {
		h := render(respond, p, "PUT").Header()
		assert.Equal(t, []string{"no-store"}, h.Values("Cache-Control"), name)
		assert.Equal(t, []string{"nosniff"}, h.Values("X-Content-Type-Options"), name)
		assert.Equal(t, []string{"en"}, h.Values("Content-Language"), name)
		assert.Equal(t, []string{"x"}, h.Values("X-Own"), name)
		for _, field := range refused {
			assert.NotContains(t, h[field], "x", "%s: %s", name, field)
			assert.NotContains(t, h.Values(field), "x", "%s: %s", name, field)
		}
	}
}

func TestAFieldIsSentInOneSpelling(t *testing.T) {
	p := problem.Locked("d", "", time.Time{})
	p.Header.Set("X-Own", "problem")
	for name, respond := range map[string]problem.Responder{
		"JSON": problem.JSON, "Negotiate": problem.Negotiate, "Stripe": problem.Stripe,
		"a body of one's own": func(w http.ResponseWriter, _ *http.Request, p *problem.Problem) {
			w.Header().Set("Content-Type", "text/plain")
			p.WriteHeader(w)
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest("PUT", "/", nil)
			r.Header.Set("Accept", "text/html")
			w := httptest.NewRecorder()
			for _, field := range []string{
				"content-type", "CONTENT-TYPE", "x-content-type-options", "cache-control", "link", "retry-after", "x-own",
				"vary", "set-cookie", "x-request-id",
			} {
				w.Header()[field] = []string{"handler"}
			}
			respond(w, r, p)
			spellings := map[string]int{}
			for field := range w.Header() {
				spellings[http.CanonicalHeaderKey(field)]++
			}
			for _, field := range []string{"Content-Type", "X-Content-Type-Options", "Cache-Control", "Link", "Retry-After", "X-Own"} {
				assert.Equal(t, 1, spellings[field], field)
				assert.NotContains(t, w.Header().Values(field), "handler", field)
			}
			for _, field := range []string{"vary", "set-cookie", "x-request-id"} {
				assert.Equal(t, []string{"handler"}, w.Header()[field], "no business of the problem's")
			}
		})
	}
	for field, respond := range map[string]problem.Responder{"stripe-should-retry": problem.Stripe, "content-language": problem.JSON} {
		w := httptest.NewRecorder()
		w.Header()[field] = []string{"handler"}
		respond(w, httptest.NewRequest("PUT", "/", nil), p)
		assert.NotContains(t, w.Header(), field)
		assert.Len(t, w.Header().Values(field), 1, field)
	}
}

func TestTypeThatIsNoURIIsNotLinked(t *testing.T) {
	for _, uri := range []string{"about:blank", "/p> ; rel=x", "/p q", "/p\r\nSet-Cookie: a=b", "/\"", "/ü"} {
		w := render(problem.JSON, &problem.Problem{Kind: problem.KindDuplicate, Type: uri}, "PUT")
		assert.Empty(t, w.Header().Values("Link"), uri)
	}
}

func TestHeadIsAnsweredWithoutBody(t *testing.T) {
	for name, respond := range map[string]problem.Responder{"JSON": problem.JSON, "Negotiate": problem.Negotiate, "Stripe": problem.Stripe} {
		w := render(respond, problem.Duplicate("d"), "HEAD", "Accept", "text/html")
		assert.Equal(t, http.StatusConflict, w.Code, name)
		assert.Zero(t, w.Body.Len(), name)
	}
}
