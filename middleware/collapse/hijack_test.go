package collapse_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"

	"github.com/concordhttp/concord/middleware/collapse"
)

// hijacked is a client whose connection the handler can take.
type hijacked struct{ *httptest.ResponseRecorder }

func (hijacked) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	server, client := net.Pipe()
	return server, nil, client.Close()
}

func TestAnswersOfWhichTheConnectionIsTakenBreakOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release, take, end := make(chan struct{}), make(chan struct{}), make(chan struct{})
		l := layer(t, collapse.Config{})
		h := l.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			<-release
			_, _ = io.WriteString(w, "first half")
			_ = http.NewResponseController(w).Flush()
			<-take // a follower that was sent nothing would run for itself
			conn, _, err := http.NewResponseController(w).Hijack()
			if assert.NoError(t, err) {
				_ = conn.Close() // its client sees that the answer is not whole
			}
			<-end
		}))
		client := hijacked{httptest.NewRecorder()}
		leader := &reply{ResponseRecorder: client.ResponseRecorder, done: make(chan struct{})}
		leader.serve(client, h, get("/a"))
		synctest.Wait()
		follower := start(h, get("/a"))
		synctest.Wait()
		close(release)
		synctest.Wait()
		close(take)
		synctest.Wait()
		assert.False(t, follower.underWay(), "at once")
		close(end)
		<-follower.done
		<-leader.done
		assert.Equal(t, http.ErrAbortHandler, follower.panicked)
		wantNothingLeft(t, l)
	})
}
