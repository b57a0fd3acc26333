package collapse_test

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/middleware/collapse"
)

// odd are handlers that do what middleware likes to break.
var odd = map[string]http.HandlerFunc{
	"writes nothing": func(http.ResponseWriter, *http.Request) {},
	"sniffed type":   func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") },
	"in two parts": func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "<ht")
		_, _ = io.WriteString(w, "ml>")
	},
	"created, flushed": func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, "<ht")
		_ = http.NewResponseController(w).Flush()
		_, _ = io.WriteString(w, "ml>")
	},
	"large": func(w http.ResponseWriter, _ *http.Request) {
		for range 48 { // of which the leader cannot run away
			_, _ = io.WriteString(w, strings.Repeat("x", 32<<10))
		}
	},
	"file": func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, "wire_test.go") },
	"copied file": func(w http.ResponseWriter, _ *http.Request) {
		f, err := os.Open("wire_test.go")
		if err == nil {
			_, _ = io.Copy(w, f)
			_ = f.Close()
		}
	},
	"declared trailers": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		_, _ = io.WriteString(w, "body")
		w.Header().Set("X-Sum", "1")
	},
	"undeclared trailers": func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "body")
		_ = http.NewResponseController(w).Flush()
		w.Header().Set(http.TrailerPrefix+"X-Sum", "1")
	},
	"early hints": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</a.css>")
		w.WriteHeader(http.StatusEarlyHints)
		_, _ = io.WriteString(w, "body")
	},
	"two statuses": func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusAccepted)
		w.WriteHeader(http.StatusTeapot)
	},
	"fields too late": func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "body")
		w.Header().Set("X-Late", "1")
	},
	"aborts": func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	},
	"declares too much": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "10")
		_, _ = io.WriteString(w, "half")
	},
	"no content": func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
		_, _ = io.WriteString(w, "body")
	},
	"deadlines": func(w http.ResponseWriter, _ *http.Request) {
		rc := http.NewResponseController(w)
		_, _ = fmt.Fprint(w, rc.SetWriteDeadline(time.Now().Add(time.Hour)), rc.SetReadDeadline(time.Time{}))
	},
	"hijack": func(w http.ResponseWriter, _ *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			_, _ = io.WriteString(w, "no hijack")
			return
		}
		_, _ = rw.WriteString("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\ntaken")
		_ = rw.Flush()
		_ = conn.Close()
	},
	"time out inside": http.TimeoutHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
	}), time.Millisecond, "late").ServeHTTP,
}

// A request that shares with nobody is answered as if the layer were not there;
// and one that shares gets what it would have got, but for Cache-Status.
func TestOnTheWire(t *testing.T) {
	for _, version := range []string{"HTTP/1.1", "HTTP/2.0"} {
		for _, method := range []string{"GET", "HEAD"} {
			for name, handler := range odd {
				t.Run(strings.Join([]string{version, method, name}, " "), func(t *testing.T) {
					bare := onTheWire(t, version, method, handler, 1)[0]
					l := layer(t, collapse.Config{})
					assert.Equal(t, bare, onTheWire(t, version, method, l.Handler(handler), 1)[0])

					l = layer(t, collapse.Config{MaxWait: time.Hour})
					gate, first := make(chan struct{}), make(chan struct{}, 1)
					first <- struct{}{}
					held := l.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						select {
						case <-first:
							<-gate
						default:
						}
						handler(w, r)
					}))
					go func() {
						for l.Waiting() < 2 {
							time.Sleep(time.Millisecond)
						}
						close(gate)
					}()
					for _, got := range onTheWire(t, version, method, held, 3) {
						assert.Equal(t, bare, got)
					}
					wantNothingLeft(t, l)
				})
			}
		}
	}
}

// onTheWire is what n clients that ask at once see of an answer.
func onTheWire(t *testing.T, version, method string, h http.Handler, n int) []string {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.EnableHTTP2 = version == "HTTP/2.0"
	if server.EnableHTTP2 {
		server.StartTLS()
	} else {
		server.Start()
	}
	defer server.Close()
	client := server.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	answers := make(chan string, n)
	for range n {
		go func() { answers <- seen(client, method, server.URL, version) }()
	}
	all := make([]string, 0, n)
	for range n {
		all = append(all, <-answers)
	}
	return all
}

func seen(client *http.Client, method, url, version string) string {
	r, err := http.NewRequest(method, url, nil)
	if err != nil {
		return err.Error()
	}
	resp, err := client.Do(r)
	if err != nil {
		return "no answer"
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	resp.Header.Del("Date")
	resp.Header.Del("Cache-Status")
	fields, _ := httputil.DumpResponse(resp, false)
	return fmt.Sprintf("%s %s%d bytes %.20q, failed %t, trailers %v", version, fields, len(body), body, err != nil, resp.Trailer)
}

func TestTimeoutHandlerOutside(t *testing.T) {
	s := newReport()
	l := layer(t, collapse.Config{})
	server := httptest.NewServer(http.TimeoutHandler(l.Handler(s), 50*time.Millisecond, "late"))
	defer server.Close()
	for range 2 {
		resp, err := http.Get(server.URL)
		require.NoError(t, err)
		status, err := bufio.NewReader(resp.Body).ReadString(0)
		require.ErrorIs(t, err, io.EOF)
		resp.Body.Close()
		assert.Equal(t, 503, resp.StatusCode)
		assert.Equal(t, "late", status)
	}
	close(s.release)
}
