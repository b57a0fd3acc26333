package concord_test

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/etag"
	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware/collapse"
	"github.com/concordhttp/concord/middleware/lock"
)

// ways are how each odd handler is asked: what a request is called, and the
// fields that make layers take part in it.
var ways = map[string][]string{
	"GET":                 nil,
	"HEAD":                nil,
	"POST":                nil,
	"POST with a key":     {"Idempotency-Key", "k"},
	"PUT":                 nil,
	"PUT with If-Match":   {"If-Match", "*"},
	"PUT with both":       {"If-Match", "*", "Idempotency-Key", "k"},
	"OPTIONS":             nil,
	"PATCH with a key":    {"Idempotency-Key", "k"},
	"DELETE with If-None": {"If-None-Match", `"none"`},
}

// TestKeepsHTTPAsItWas: over real connections a client sees the same answer
// from a handler with a Stack around it and without, to the way in which the
// connection ends, but for the fields that Concord adds; and the handler is told
// the same of what it writes.
func TestKeepsHTTPAsItWas(t *testing.T) {
	for _, version := range []string{"HTTP/1.1", "HTTP/2.0"} {
		t.Run(version, func(t *testing.T) {
			bare := oddServer(t, version, func(h http.Handler) http.Handler { return h })
			wrapped := oddServer(t, version, newStack(t, concord.Config{
				ETag:        etag.Config{MaxBody: held},
				Idempotency: idempotency.Config{MaxRequestBody: held, MaxResponseBody: held},
				Collapse:    collapse.Config{MaxBody: held},
				Lock:        &lock.Config{MaxBody: held},
			}).Handler)
			for _, name := range slices.Sorted(maps.Keys(oddities)) {
				for _, way := range slices.Sorted(maps.Keys(ways)) {
					o := oddities[name]
					keyed := slices.Contains(ways[way], "Idempotency-Key")
					if o.reads && way != "GET" && way != "HEAD" || o.keyed && keyed || o.old && version == "HTTP/2.0" {
						continue
					}
					t.Run(name+", "+way, func(t *testing.T) {
						t.Parallel()
						key := rand.Text()
						want := ask(t, bare, name, way, key)
						got := ask(t, wrapped, name, way, key)
						if o.stays {
							want.Closed = false
						}
						if way == "HEAD" {
							want.Noted, got.Noted = "", "" // HTTP/2 calls what a HEAD writes short, for what the client gets
						}
						got.forgetAdditionsTo(want)
						assert.Equal(t, want, got)
						if keyed && !o.once {
							again := ask(t, wrapped, name, way, key)
							again.wantReplayOf(t, want)
						}
					})
				}
			}
		})
	}
}

// oddServer serves all odd handlers, each under its name.
func oddServer(t *testing.T, version string, stack func(http.Handler) http.Handler) *httptest.Server {
	t.Helper()
	handlers := make(map[string]http.Handler, len(oddities))
	for name, o := range oddities {
		handlers[name] = stack(asksForValidators(o.serve))
		if o.around != nil {
			handlers[name] = o.around(handlers[name])
		}
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handlers[strings.TrimPrefix(r.URL.Path, "/")].ServeHTTP(w, r)
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.EnableHTTP2 = version == "HTTP/2.0"
	if s.EnableHTTP2 {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s
}

// asksForValidators answers the GET by which a layer asks for the validator of
// what a PUT or DELETE is about: that is none of the odd answers.
func asksForValidators(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if way := r.Header.Get("X-Way"); r.Method == http.MethodGet && way != "GET" && way != "HEAD" {
			_, _ = io.WriteString(w, "current")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// exchange is what a client sees of an answer, and its handler of itself.
type exchange struct {
	Status        string
	Fields        http.Header
	Length        int64
	Encoding      []string // of the transfer
	Body          string
	Trailers      http.Header
	Informational []string
	Failed        bool // there was no answer, or it broke off
	Closed        bool // the connection is not used for a second request
	Noted         string
}

// wantReplayOf asserts that x is the answer that the first request got. Now that
// it is whole its length is known, and nothing is informational any more.
func (x *exchange) wantReplayOf(t *testing.T, first *exchange) {
	t.Helper()
	assert.Equal(t, []string{"true"}, x.Fields["Idempotency-Replayed"])
	delete(x.Fields, "Idempotency-Replayed")
	assert.Empty(t, x.Noted, "the handler did not run")
	first.Informational, first.Noted = nil, ""
	for _, e := range []*exchange{x, first} {
		e.Length, e.Encoding = 0, nil
		delete(e.Fields, "Content-Length")
	}
	x.forgetAdditionsTo(first)
	assert.Equal(t, first, x)
}

// forgetAdditionsTo takes away what Concord adds to an answer. A 304 has the
// fields of the answer in whose place it is, but those of its content; the date
// is not needed where there is a tag (RFC 9110 section 15.4.5).
func (x *exchange) forgetAdditionsTo(bare *exchange) {
	names := []string{"Etag", "Cache-Status"}
	if x.Status == "304 Not Modified" && x.Fields["Etag"] != nil {
		names = append(names, "Accept-Ranges")
		delete(bare.Fields, "Last-Modified")
	}
	for _, name := range names {
		if bare.Fields[name] == nil {
			delete(x.Fields, name)
		}
	}
}

var boundary = regexp.MustCompile(`[0-9a-f]{60}`)

// ask sends one request on a connection of its own.
func ask(t *testing.T, s *httptest.Server, name, way, key string) *exchange {
	t.Helper()
	transport := s.Client().Transport.(*http.Transport).Clone()
	defer transport.CloseIdleConnections()
	x := &exchange{}
	reused := false
	id := rand.Text()
	r := oddRequest(t, s.URL, name, way, key)
	r.Header.Set("X-Note", id)
	r = r.WithContext(httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
			x.Informational = append(x.Informational, fmt.Sprint(code, h))
			return nil
		},
		GotConn: func(i httptrace.GotConnInfo) { reused = i.Reused },
	}))
	x.read(transport.RoundTrip(r))
	noted, _ := notes.LoadAndDelete(id)
	x.Noted, _ = noted.(string)

	second, err := transport.RoundTrip(oddRequest(t, s.URL, "writes nothing", "OPTIONS", "").WithContext(r.Context()))
	require.NoError(t, err)
	second.Body.Close()
	x.Closed = !reused
	return x
}

func oddRequest(t *testing.T, to, name, way, key string) *http.Request {
	t.Helper()
	method, _, _ := strings.Cut(way, " ")
	o := oddities[name]
	var body io.Reader
	if o.body != "" && (method == http.MethodPost || method == http.MethodPut) {
		body = strings.NewReader(o.body)
	}
	r, err := http.NewRequest(method, to+"/"+url.PathEscape(name), body)
	require.NoError(t, err)
	for _, fields := range [][]string{o.fields, ways[way]} {
		for i := 0; i+1 < len(fields); i += 2 {
			r.Header.Set(fields[i], fields[i+1])
		}
	}
	if r.Header.Get("Idempotency-Key") != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	r.Header.Set("X-Way", way)
	return r
}

// read takes in the answer to its end.
func (x *exchange) read(resp *http.Response, err error) {
	if err != nil {
		x.Failed = true
		return
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	x.Status, x.Fields, x.Length, x.Encoding = resp.Status, resp.Header, resp.ContentLength, resp.TransferEncoding
	x.Body, x.Trailers, x.Failed = boundary.ReplaceAllString(string(body), "boundary"), resp.Trailer, err != nil
	if date := resp.Header["Date"]; len(date) == 1 {
		resp.Header["Date"] = []string{"some day"}
	}
	if ct := resp.Header.Get("Content-Type"); ct != "" {
		resp.Header.Set("Content-Type", boundary.ReplaceAllString(ct, "boundary"))
	}
	if len(x.Body) > 1<<10 {
		x.Body = fmt.Sprintf("%d bytes, %x", len(x.Body), sha256.Sum256([]byte(x.Body)))
	}
}
