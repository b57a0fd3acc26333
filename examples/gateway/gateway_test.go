package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const completions = "/v1/completions"

// upstream counts its calls, and stops in the middle of each completion until it
// is told how to go on.
type upstream struct {
	calls  atomic.Int64
	goOn   chan struct{} // closed: to the end
	breaks bool          // off, in place of an end
}

func (u *upstream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	call := u.calls.Add(1)
	said, _ := io.ReadAll(r.Body)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Call", fmt.Sprint(call))
	fmt.Fprintf(w, "data: You said %s.\n\n", said)
	if err := http.NewResponseController(w).Flush(); err != nil {
		panic(err)
	}
	select {
	case <-u.goOn:
	case <-r.Context().Done():
		return
	}
	if u.breaks {
		panic(http.ErrAbortHandler)
	}
	for i := range 3 {
		fmt.Fprintf(w, "data: And %d.\n\n", i)
		_ = http.NewResponseController(w).Flush()
	}
	fmt.Fprint(w, "data: [DONE]\n\n")
}

const whole = "data: You said hello.\n\ndata: And 0.\n\ndata: And 1.\n\ndata: And 2.\n\ndata: [DONE]\n\n"

// gatewayTo returns the URL of a gateway to a server.
func gatewayTo(t *testing.T, server string) string {
	t.Helper()
	target, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	handler, err := newGateway(target, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	gateway := httptest.NewServer(handler)
	t.Cleanup(gateway.Close)
	return gateway.URL
}

// newUpstream returns one, and the URL of a gateway to it.
func newUpstream(t *testing.T) (*upstream, string) {
	t.Helper()
	u := &upstream{goOn: make(chan struct{})}
	server := httptest.NewServer(u)
	t.Cleanup(server.Close)
	return u, gatewayTo(t, server.URL)
}

// ask sends a prompt with a key, if it is to have one, from a client with a connection of its own.
func ask(ctx context.Context, t *testing.T, gateway, key, prompt string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, gateway+completions, strings.NewReader(prompt))
	if err != nil {
		t.Fatal(err)
	}
	r.GetBody = nil // or net/http sends it again by itself
	r.SetBasicAuth("ann", "")
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	t.Cleanup(transport.CloseIdleConnections)
	res, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	return res
}

// firstEvent reads one event of an answer that is still open.
func firstEvent(t *testing.T, res *http.Response) {
	t.Helper()
	line, err := bufio.NewReader(res.Body).ReadString('\n')
	if err != nil || line != "data: You said hello.\n" {
		t.Fatalf("%q, %v", line, err)
	}
}

func TestACompletionThatIsRetriedIsReplayedAndPaidForOnce(t *testing.T) {
	u, gateway := newUpstream(t)
	ctx, hangUp := context.WithCancel(t.Context())
	first := ask(ctx, t, gateway, "a", "hello")
	firstEvent(t, first) // though upstream is not done: nothing is held back
	hangUp()

	// The client is back before upstream is done, or after: both must do.
	retried := make(chan *http.Response, 1)
	go func() { retried <- ask(t.Context(), t, gateway, "a", "hello") }()
	close(u.goOn)
	for name, res := range map[string]*http.Response{
		"the retry":  <-retried,
		"once again": ask(t.Context(), t, gateway, "a", "hello"),
	} {
		body, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != http.StatusOK || string(body) != whole {
			t.Errorf("%s: %s %q, %v; want the whole completion", name, res.Status, body, err)
		}
		if res.Header.Get("Idempotency-Replayed") != "true" || res.Header.Get("X-Call") != "1" || res.Header.Get("Content-Type") != "text/event-stream" {
			t.Errorf("%s: %v; want the first answer", name, res.Header)
		}
	}
	if n := u.calls.Load(); n != 1 {
		t.Errorf("%d calls of upstream, want 1", n)
	}
}

func TestACompletionThatBrokeOffIsNeitherReplayedNorPaidForAgain(t *testing.T) {
	u, gateway := newUpstream(t)
	u.breaks = true
	first := ask(t.Context(), t, gateway, "a", "hello")
	firstEvent(t, first)
	close(u.goOn)
	if _, err := io.ReadAll(first.Body); err == nil {
		t.Error("half a completion looks whole")
	}
	second := ask(t.Context(), t, gateway, "a", "hello")
	body, _ := io.ReadAll(second.Body)
	if second.StatusCode != http.StatusConflict || !strings.Contains(string(body), "#outcome-unknown") {
		t.Errorf("%s %s", second.Status, body)
	}
	if n := u.calls.Load(); n != 1 {
		t.Errorf("%d calls of upstream, want 1", n)
	}
}

func TestAnotherPromptIsAnotherCall(t *testing.T) {
	u, gateway := newUpstream(t)
	close(u.goOn)
	for _, c := range []struct {
		key, prompt string
		status      int
	}{
		{"a", "hello", 200},
		{"b", "hello", 200},
		{"a", "goodbye", 422},
		{"", "hello", 400},
	} {
		res := ask(t.Context(), t, gateway, c.key, c.prompt)
		if _, err := io.ReadAll(res.Body); err != nil || res.StatusCode != c.status {
			t.Errorf("key %q, %s: %s, %v; want %d", c.key, c.prompt, res.Status, err, c.status)
		}
	}
	if n := u.calls.Load(); n != 2 {
		t.Errorf("%d calls of upstream, want 2", n)
	}
}

func TestAnUpstreamThatWasNeverReachedLeavesTheKeyFree(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	gateway := gatewayTo(t, gone.URL)
	for range 2 {
		res := ask(t.Context(), t, gateway, "a", "hello")
		if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" {
			t.Errorf("%s %v; want 503 with Retry-After", res.Status, res.Header)
		}
	}
}

func TestADocumentOfUnknownLengthIsProtectedToo(t *testing.T) {
	var stored atomic.Value
	stored.Store("first")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			body, _ := io.ReadAll(r.Body)
			stored.Store(string(body))
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = http.NewResponseController(w).Flush() // so it is sent in chunks
		fmt.Fprint(w, stored.Load())
	}))
	t.Cleanup(server.Close)
	gateway := gatewayTo(t, server.URL) + "/documents/1"
	send := func(method, tag, body string) *http.Response {
		r, err := http.NewRequestWithContext(t.Context(), method, gateway, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if tag != "" {
			r.Header.Set("If-Match", tag)
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		return res
	}
	tag := send(http.MethodGet, "", "").Header.Get("ETag")
	ann, bob := send(http.MethodPut, tag, "Ann's"), send(http.MethodPut, tag, "Bob's")
	if tag == "" || ann.StatusCode != http.StatusOK || bob.StatusCode != http.StatusPreconditionFailed || stored.Load() != "Ann's" {
		t.Errorf("tag %s, %s, %s, %s; want Ann's, and Bob's refused", tag, ann.Status, bob.Status, stored.Load())
	}
}

func TestMeasureLeavesAnswersAsTheyAre(t *testing.T) {
	long := strings.Repeat("x", maxDocument+1)
	for _, c := range []struct {
		name, method, contentType, body string
		length                          int64 // afterwards
	}{
		{"a document", "GET", "application/json", "{}", 2},
		{"nothing", "GET", "text/plain", "", 0},
		{"one that is as long as may be", "GET", "text/plain", long[1:], maxDocument},
		{"one that is longer", "GET", "text/plain", long, -1},
		{"an event stream", "GET", "text/event-stream; charset=utf-8", "data: 1\n\n", -1},
		{"JSON by lines", "GET", "application/x-ndjson", "{}\n", -1},
		{"the answer to another method", "POST", "application/json", "{}", -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			res := &http.Response{
				Header:        http.Header{"Content-Type": {c.contentType}},
				Body:          io.NopCloser(strings.NewReader(c.body)),
				ContentLength: -1,
				Request:       httptest.NewRequest(c.method, "/", http.NoBody),
			}
			if err := measure(res); err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(res.Body)
			if err != nil || string(body) != c.body || res.ContentLength != c.length {
				t.Errorf("%d bytes, length %d, %v; want %d bytes, length %d", len(body), res.ContentLength, err, len(c.body), c.length)
			}
		})
	}
}

// A request without a body on a connection that is used again is what net/http
// would send twice.
func TestARequestIsSentToUpstreamOnce(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	var calls atomic.Int64
	go func() {
		for conn, err := listener.Accept(); err == nil; conn, err = listener.Accept() {
			go answerOnce(conn, &calls)
		}
	}()
	gateway := gatewayTo(t, "http://"+listener.Addr().String())
	if res := ask(t.Context(), t, gateway, "a", ""); res.StatusCode != http.StatusOK {
		t.Fatal(res.Status)
	}
	if res := ask(t.Context(), t, gateway, "b", ""); res.StatusCode != http.StatusBadGateway {
		t.Errorf("the connection broke, and the answer is %s", res.Status)
	}
	if n := calls.Load(); n != 2 {
		t.Errorf("%d calls of upstream, want 2", n)
	}
}

// answerOnce answers the first request on a connection, and breaks off at the
// second.
func answerOnce(conn net.Conn, calls *atomic.Int64) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	for range 2 {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		if calls.Add(1)%2 == 1 {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		}
	}
}

func TestTheModelIsOneCallForEachCompletion(t *testing.T) {
	base, err := serveModel(time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	res := ask(ctx, t, gatewayTo(t, base), "a", "hello")
	story, err := io.ReadAll(res.Body)
	if err != nil || !strings.HasPrefix(string(story), "data: Once\n\n") || !strings.Contains(string(story), "call\n\ndata: 1\n\n") || res.Header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("%q, %v, %v", story, err, res.Header)
	}
}
