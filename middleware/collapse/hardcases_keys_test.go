package collapse_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"

	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/collapse"
)

func TestIdenticalReadsShareOneRun(t *testing.T) {
	assert.EqualValues(t, 1, together(t, collapse.Config{}, get("/reports/1"), get("/reports/1"), get("/reports/1")))
}

func TestQueryHostMethodCaseAreKeys(t *testing.T) {
	for name, pair := range map[string][2]*http.Request{
		"query":           {get("/a?id=1"), get("/a?id=2")},
		"empty query":     {get("/a"), get("/a?")},
		"order in query":  {get("/a?x=1&y=2"), get("/a?y=2&x=1")},
		"path":            {get("/a"), get("/b")},
		"case of path":    {get("/a"), get("/A")},
		"slash at end":    {get("/a"), get("/a/")},
		"spelling":        {get("/a/b"), get("/a%2Fb")},
		"host":            {get("http://one.example/a"), get("http://two.example/a")},
		"port":            {get("http://one.example/a"), get("http://one.example:8080/a")},
		"scheme":          {get("http://one.example/a"), get("https://one.example/a")},
		"method":          {get("/a"), request("HEAD", "/a")},
		"case of a value": {get("/a", "X-Tenant", "a"), get("/a", "X-Tenant", "A")},
	} {
		t.Run(name, func(t *testing.T) {
			assert.EqualValues(t, 2, together(t, collapse.Config{}, pair[0], pair[1]))
		})
	}
	t.Run("a DELETE during a GET is run", func(t *testing.T) {
		assert.EqualValues(t, 2, together(t, collapse.Config{}, get("/a"), request("DELETE", "/a")))
	})
	t.Run("methods in lower case are other methods", func(t *testing.T) {
		assert.EqualValues(t, 2, together(t, collapse.Config{}, request("get", "/a"), request("get", "/a")))
	})
}

func TestCredentialsAreNeverShared(t *testing.T) {
	subject := func(r *http.Request) (string, error) {
		if r.RemoteAddr == "" {
			return "", errors.New("nobody")
		}
		return r.RemoteAddr, nil
	}
	as := func(who string) *http.Request {
		r := get("/a")
		r.RemoteAddr = who
		return r
	}
	certified := func() *http.Request {
		r := get("https://api.example/a")
		r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{{}}}
		return r
	}
	for name, c := range map[string]struct {
		config collapse.Config
		pair   [2]*http.Request
	}{
		"Authorization":       {pair: [2]*http.Request{get("/a", "Authorization", "Bearer a"), get("/a", "Authorization", "Bearer b")}},
		"none":                {pair: [2]*http.Request{get("/a", "Authorization", "Bearer a"), get("/a")}},
		"none before":         {pair: [2]*http.Request{get("/a"), get("/a", "Authorization", "Bearer a")}},
		"Proxy-Authorization": {pair: [2]*http.Request{get("/a", "Proxy-Authorization", "Basic a"), get("/a", "Proxy-Authorization", "Basic b")}},
		"two lines":           {pair: [2]*http.Request{get("/a", "Authorization", "a"), get("/a", "Authorization", "a", "Authorization", "b")}},
		"principal":           {collapse.Config{Principal: subject}, [2]*http.Request{as("ann"), as("bob")}},
		"no principal":        {collapse.Config{Principal: subject}, [2]*http.Request{as(""), as("")}},
		"certificates":        {pair: [2]*http.Request{certified(), certified()}},
	} {
		t.Run(name, func(t *testing.T) {
			assert.EqualValues(t, 2, together(t, c.config, c.pair[0], c.pair[1]))
		})
	}
	t.Run("one caller that the Principal knows", func(t *testing.T) {
		assert.EqualValues(t, 1, together(t, collapse.Config{Principal: subject}, as("ann"), as("ann")))
	})
	t.Run("one caller with a certificate, whom the Principal knows", func(t *testing.T) {
		known := func(*http.Request) (string, error) { return "CN=ann", nil }
		assert.EqualValues(t, 1, together(t, collapse.Config{Principal: known}, certified(), certified()))
	})
	t.Run("one caller with two tokens, whom the Principal knows", func(t *testing.T) {
		known := func(*http.Request) (string, error) { return "ann", nil }
		c := collapse.Config{Principal: known, Neutral: []string{"authorization"}}
		assert.EqualValues(t, 1, together(t, c, get("/a", "Authorization", "Bearer a"), get("/a", "Authorization", "Bearer b")))
	})
}

func TestCookieCallersAreNotAnonymous(t *testing.T) {
	assert.EqualValues(t, 2, together(t, collapse.Config{}, get("/a", "Cookie", "session=1"), get("/a", "Cookie", "session=2")))
	assert.EqualValues(t, 2, together(t, collapse.Config{}, get("/a", "Cookie", "session=1"), get("/a")))
}

func TestUnlistedFieldsAreKeys(t *testing.T) {
	for _, name := range []string{
		"X-Api-Key", "X-Tenant", "X-Forwarded-For", "X-Forwarded-Host", "Forwarded", "Accept", "Accept-Language",
		"Accept-Encoding", "Origin", "Referer", "Dnt", "Sec-Fetch-Site", "Sec-Gpc", "Baggage", "Te", "Via", "X-",
		"Cache-Control", "Pragma", "Prefer", "Save-Data", "Idempotency-Key", "User-Agents", "X-" + strings.Repeat("Long-", 20),
	} {
		t.Run(name, func(t *testing.T) {
			assert.EqualValues(t, 2, together(t, collapse.Config{}, get("/a", name, "1"), get("/a", name, "2")), "two values")
			assert.EqualValues(t, 2, together(t, collapse.Config{}, get("/a", name, "1"), get("/a")), "one without")
			assert.EqualValues(t, 1, together(t, collapse.Config{}, get("/a", name, "1"), get("/a", name, "1")), "one value")
		})
	}
	t.Run("a neutral name that is not in its canonical form", func(t *testing.T) {
		one, two := get("/a"), get("/a")
		one.Header["user-agent"], two.Header["user-agent"] = []string{"1"}, []string{"2"}
		assert.EqualValues(t, 2, together(t, collapse.Config{}, one, two))
	})
}

func TestNeutralFieldsAreNoKeys(t *testing.T) {
	for _, name := range append(collapse.Neutral(), "X-Beacon") {
		t.Run(name, func(t *testing.T) {
			c := collapse.Config{Neutral: []string{"x-beacon"}}
			one, two := "1", "2"
			if name == "Connection" || name == "Proxy-Connection" {
				one, two = "close", "keep-alive" // all else names fields
			}
			assert.EqualValues(t, 1, together(t, c, get("/a", name, one), get("/a", name, two), get("/a")))
		})
	}
	list := collapse.Neutral()
	list[0] = "Cookie"
	assert.NotContains(t, collapse.Neutral(), "Cookie", "what is returned is a copy")
}

func TestKeyPartsCannotForgeEachOther(t *testing.T) {
	two := func(name string, lines ...string) *http.Request {
		r := get("/a")
		r.Header[name] = lines
		return r
	}
	for name, pair := range map[string][2]*http.Request{
		"path and query":            {get("/ab?c"), get("/a?bc")},
		"name and value":            {get("/a", "X-A", "bc"), get("/a", "X-Ab", "c")},
		"values change places":      {get("/a", "X-A", "1", "X-B", "2"), get("/a", "X-A", "2", "X-B", "1")},
		"one line or two":           {two("X-A", "1", "2"), two("X-A", "1, 2")},
		"the order of lines":        {two("X-A", "1", "2"), two("X-A", "2", "1")},
		"lines change fields":       {get("/a", "X-A", "1", "X-A", "2", "X-B", "3"), get("/a", "X-A", "1", "X-B", "2", "X-B", "3")},
		"a line moves":              {get("/a", "X-A", "1", "X-B", "1", "X-B", "1"), get("/a", "X-A", "1", "X-A", "1", "X-B", "1")},
		"twice the same":            {two("X-A", "1"), two("X-A", "1", "1")},
		"an empty value":            {get("/a", "X-A", ""), get("/a")},
		"names of one outline":      {get("/a", "X-Forwarded-A-Identity", "1"), get("/a", "X-Forwarded-B-Identity", "1")},
		"names of one length":       {get("/a", "X-A", "1"), get("/a", "X-B", "1")},
		"a line break in the value": {get("/a", "X-A", "1\nX-B: 2"), get("/a", "X-A", "1", "X-B", "2")},
	} {
		t.Run(name, func(t *testing.T) {
			assert.EqualValues(t, 2, together(t, collapse.Config{}, pair[0], pair[1]))
			assert.EqualValues(t, 2, together(t, collapse.Config{}, pair[1], pair[0]))
		})
	}
}

func TestBodiesRangesAndUpgradesNeverCollapse(t *testing.T) {
	with := func(name, value string) func() *http.Request {
		return func() *http.Request { return get("/a", name, value) }
	}
	for name, ask := range map[string]func() *http.Request{
		"Range":                 with("Range", "bytes=0-1"),
		"If-Range":              with("If-Range", `"v1"`),
		"Upgrade":               with("Upgrade", "websocket"),
		"If-Match":              with("If-Match", `"v1"`),
		"If-Unmodified-Since":   with("If-Unmodified-Since", "Sat, 29 Oct 1994 19:43:31 GMT"),
		"no-cache":              with("Cache-Control", "No-Cache"),
		"no-store":              with("Cache-Control", `max-age=0,no-store`),
		"Pragma":                with("Pragma", "no-cache"),
		"Connection":            with("Connection", "keep-alive, X-Tenant"),
		"Proxy-Connection":      with("Proxy-Connection", "x-tenant"),
		"event stream":          with("Accept", "application/json, text/event-stream"),
		"event stream, shouted": with("Accept", "Text/Event-Stream"),
		"a body": func() *http.Request {
			r := get("/a")
			r.Body, r.ContentLength = http.NoBody, 1
			return r
		},
		"a body of unknown length": func() *http.Request {
			r := get("/a")
			r.ContentLength = -1
			return r
		},
		"a body that the length denies": func() *http.Request {
			r := get("/a")
			r.Body = io.NopCloser(strings.NewReader("body"))
			return r
		},
		"more fields than are looked at": func() *http.Request {
			r := get("/a")
			r.Header["X-A"] = make129()
			return r
		},
	} {
		t.Run(name, func(t *testing.T) {
			assert.EqualValues(t, 2, together(t, collapse.Config{}, ask(), ask()))
		})
	}
	t.Run("a request without a Body at all", func(t *testing.T) {
		r := get("/a")
		r.Body = nil
		assert.EqualValues(t, 1, together(t, collapse.Config{}, r, get("/a")))
	})
	t.Run("a Body in which there is nothing, as over HTTP/2", func(t *testing.T) {
		r := get("/a")
		r.Body = http.MaxBytesReader(nil, http.NoBody, 1)
		assert.EqualValues(t, 1, together(t, collapse.Config{}, r, get("/a")))
	})
	t.Run("a body reaches the handler whole", func(t *testing.T) {
		var got []byte
		h := layer(t, collapse.Config{}).Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got, _ = io.ReadAll(r.Body) }))
		r := get("/a")
		r.Body = io.NopCloser(strings.NewReader("body"))
		h.ServeHTTP(nil, r)
		assert.Equal(t, "body", string(got))
	})
	t.Run("the handler gets what it would get", func(t *testing.T) {
		var got http.Header
		h := layer(t, collapse.Config{}).Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header }))
		r := get("/a", "Range", "bytes=0-1", "If-Range", `"v1"`, "If-None-Match", `"v1"`)
		h.ServeHTTP(nil, r)
		assert.Equal(t, r.Header, got)
	})
}

func make129() []string { return strings.Split(strings.Repeat("1 ", 128)+"1", " ") }

func TestTwoHandlersOfOneLayerNeverShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := layer(t, collapse.Config{})
		one, two := newReport(), newReport()
		a, b := start(http.StripPrefix("/a", l.Handler(one)), get("/a/x")), start(http.StripPrefix("/b", l.Handler(two)), get("/b/x"))
		synctest.Wait()
		close(one.release)
		close(two.release)
		a.wants(t, 200, "run 1", "")
		b.wants(t, 200, "run 1", "")
		assert.EqualValues(t, 1, two.runs.Load())
	})
}

func TestProbeNeverJoins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newReport()
		l := layer(t, collapse.Config{})
		h := l.Handler(s)
		first := start(h, get("/a"))
		synctest.Wait()
		probe := middleware.Ask(1<<10, func() {})
		asked := &reply{ResponseRecorder: nil, done: make(chan struct{})}
		asked.serve(probe, h, get("/a"))
		synctest.Wait()
		assert.EqualValues(t, 2, s.runs.Load(), "the question reached the handler")
		assert.Zero(t, l.Waiting())
		second := start(h, get("/a"))
		synctest.Wait()
		assert.Equal(t, 1, l.Waiting(), "and is not joined either")
		close(s.release)
		<-asked.done
		probe.Leave()
		assert.Equal(t, "run 2", string(probe.Bytes()))
		probe.Finish()
		first.wants(t, 200, "run 1", shared)
		second.wants(t, 200, "run 1", shared)
	})
}

func TestWhetherTheConnectionStaysIsNoKey(t *testing.T) {
	assert.EqualValues(t, 1, together(t, collapse.Config{},
		get("/a", "Connection", "keep-alive"), get("/a", "Connection", "Close"), get("/a", "Connection", ", keep-alive ,"),
		get("/a", "Proxy-Connection", "Keep-Alive"), get("/a")))
}

func TestAnEmptyPrincipalIsNobody(t *testing.T) {
	c := collapse.Config{Principal: func(*http.Request) (string, error) { return "", nil }}
	assert.EqualValues(t, 2, together(t, c, get("/a"), get("/a")))
}
