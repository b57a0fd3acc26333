package concord_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/middleware/lock"
)

// patience is for what must not come: a test that passes does not wait for it.
const patience = 10 * time.Second

func listen(t *testing.T, version string, h http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.EnableHTTP2 = version == "HTTP/2.0"
	if s.EnableHTTP2 {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s
}

// TestEventsArriveWhileTheHandlerRuns: each is read before the next is written.
func TestEventsArriveWhileTheHandlerRuns(t *testing.T) {
	for _, version := range []string{"HTTP/1.1", "HTTP/2.0"} {
		for way, fields := range map[string][]string{
			"GET": nil, "GET of events": {"Accept", "text/event-stream"}, "POST": nil, "POST with a key": {"Idempotency-Key", "k"}, "PUT": nil,
		} {
			t.Run(version+" "+way, func(t *testing.T) {
				read := make(chan struct{})
				s := listen(t, version, newStack(t, concord.Config{Lock: &lock.Config{}}).Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Type", "text/event-stream")
					for i := range 3 {
						fmt.Fprintf(w, "data: %d\n", i)
						assert.NoError(t, http.NewResponseController(w).Flush())
						select {
						case <-read:
						case <-time.After(patience):
							assert.Fail(t, "the event did not arrive")
							return
						}
					}
				})))
				method, _, _ := strings.Cut(way, " ")
				r, err := http.NewRequestWithContext(t.Context(), method, s.URL, nil)
				require.NoError(t, err)
				for i := 0; i+1 < len(fields); i += 2 {
					r.Header.Set(fields[i], fields[i+1])
				}
				resp, err := s.Client().Do(r)
				require.NoError(t, err)
				defer resp.Body.Close()
				events := bufio.NewReader(resp.Body)
				for i := range 3 {
					line, err := events.ReadString('\n')
					require.NoError(t, err)
					assert.Equal(t, fmt.Sprintf("data: %d\n", i), line)
					read <- struct{}{}
				}
				_, err = events.ReadByte()
				assert.Equal(t, io.EOF, err)
			})
		}
	}
}

// shout is a handler that speaks another protocol from the first answer on.
func shout(w http.ResponseWriter, _ *http.Request) {
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer conn.Close()
	_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: shout\r\n\r\n")
	_ = rw.Flush()
	for {
		line, err := rw.ReadString('\n')
		if err != nil {
			return
		}
		_, _ = rw.WriteString(strings.ToUpper(line))
		_ = rw.Flush()
	}
}

// TestUpgradedConnectionsGoBothWays byte for byte, whatever was sent before the
// handler took them.
func TestUpgradedConnectionsGoBothWays(t *testing.T) {
	for way, fields := range map[string]string{"GET": "", "POST": "", "POST with a key": "Idempotency-Key: k\r\n", "PUT": ""} {
		t.Run(way, func(t *testing.T) {
			method, _, _ := strings.Cut(way, " ")
			talk := func(h http.Handler) string {
				conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", listen(t, "HTTP/1.1", h).Listener.Addr().String())
				require.NoError(t, err)
				defer conn.Close()
				require.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
				_, err = io.WriteString(conn, method+" / HTTP/1.1\r\nHost: api.example\r\nConnection: Upgrade\r\nUpgrade: shout\r\n"+fields+"\r\nearly\n")
				require.NoError(t, err)
				in := bufio.NewReader(conn)
				var heard strings.Builder
				for range 5 {
					line, err := in.ReadString('\n')
					require.NoError(t, err)
					heard.WriteString(line)
				}
				_, err = io.WriteString(conn, "late\n")
				require.NoError(t, err)
				line, err := in.ReadString('\n')
				require.NoError(t, err)
				return heard.String() + line
			}
			assert.Equal(t, talk(http.HandlerFunc(shout)), talk(newStack(t, concord.Config{Lock: &lock.Config{}}).Handler(http.HandlerFunc(shout))))
		})
	}
}

// TestReadDeadlinesReachTheConnection: a body that does not come ends with them.
func TestReadDeadlinesReachTheConnection(t *testing.T) {
	for _, version := range []string{"HTTP/1.1", "HTTP/2.0"} {
		t.Run(version, func(t *testing.T) {
			saw := make(chan error, 1)
			s := listen(t, version, newStack(t, concord.Config{}).Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				rc := http.NewResponseController(w)
				assert.NoError(t, rc.SetReadDeadline(time.Now().Add(-time.Second)))
				_, err := io.ReadAll(r.Body)
				saw <- err
			})))
			body, end := io.Pipe()
			defer end.Close()
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL, body)
			require.NoError(t, err)
			go func() {
				if resp, err := s.Client().Do(r); err == nil {
					resp.Body.Close()
				}
			}()
			select {
			case err := <-saw:
				assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
			case <-time.After(patience):
				t.Error("the handler still reads")
			}
		})
	}
}

// TestABodyLargerThanTheServerTakesIs413 where a layer has to know all of it.
func TestABodyLargerThanTheServerTakesIs413(t *testing.T) {
	ran := false
	h := atMost16(newStack(t, concord.Config{}).Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { ran = true })))
	w := send(h, request(http.MethodPost, strings.Repeat("x", 17), "Idempotency-Key", "k"))
	assert.Equal(t, http.StatusRequestEntityTooLarge, w.Code)
	assert.Contains(t, w.Body.String(), "#body-too-large")
	assert.False(t, ran)
}
