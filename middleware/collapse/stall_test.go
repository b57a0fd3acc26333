package collapse_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/concordhttp/concord/middleware/collapse"
)

// stuck is a client that takes some, and then nothing until it is freed.
type stuck struct {
	*httptest.ResponseRecorder
	room int
	free chan struct{}
}

func (s *stuck) Write(p []byte) (int, error) {
	if s.room -= len(p); s.room < 0 {
		<-s.free
	}
	return s.ResponseRecorder.Write(p)
}

func (s *stuck) FlushError() error {
	if s.room <= 0 {
		<-s.free
	}
	return nil
}

func TestALeaderThatDoesNotReadHoldsNobodyUp(t *testing.T) {
	for name, room := range map[string]int{"in a write": 10, "in a flush": 11} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				release := make(chan struct{})
				l := layer(t, collapse.Config{MaxWait: time.Second})
				h := l.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					<-release
					_, _ = io.WriteString(w, "some")
					_ = http.NewResponseController(w).Flush()
					time.Sleep(time.Minute) // which is no fault of the client's
					_, _ = io.WriteString(w, "of more")
					_ = http.NewResponseController(w).Flush()
					_, _ = io.WriteString(w, "than that")
				}))
				client := &stuck{httptest.NewRecorder(), room, make(chan struct{})}
				leader := &reply{ResponseRecorder: client.ResponseRecorder, done: make(chan struct{})}
				leader.serve(client, h, get("/a"))
				synctest.Wait()
				follower := start(h, get("/a"))
				synctest.Wait()
				close(release)
				time.Sleep(time.Minute - 1)
				synctest.Wait()
				assert.True(t, follower.underWay(), "a handler may pause")
				time.Sleep(2*time.Second + 2)
				synctest.Wait()
				assert.False(t, follower.underWay(), "the client of another may not")
				assert.Equal(t, http.ErrAbortHandler, follower.panicked)
				assert.Equal(t, "someof more", follower.Body.String())
				close(client.free)
				<-leader.done
				<-follower.done
				wantNothingLeft(t, l)
			})
		})
	}
}

func TestFollowersOfAHandlerThatStallsAfterItsFieldsRunForThemselves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release, end := make(chan struct{}), make(chan struct{})
		var runs atomic.Int64
		l := layer(t, collapse.Config{MaxWait: time.Second})
		h := l.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if runs.Add(1) > 1 {
				_, _ = io.WriteString(w, "own")
				return
			}
			<-release
			_ = http.NewResponseController(w).Flush()
			<-end
		}))
		leader := start(h, get("/a"))
		synctest.Wait()
		follower := start(h, get("/a"))
		synctest.Wait()
		close(release)
		time.Sleep(time.Second)
		synctest.Wait()
		assert.False(t, follower.underWay())
		close(end)
		follower.wants(t, 200, "own", notShared)
		<-leader.done
		wantNothingLeft(t, l)
	})
}
