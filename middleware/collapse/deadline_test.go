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

// limited is a client whose connection has deadlines.
type limited struct{ *httptest.ResponseRecorder }

func (limited) SetReadDeadline(time.Time) error  { return nil }
func (limited) SetWriteDeadline(time.Time) error { return nil }

func TestAnswersForWhichADeadlineIsSetAreNotShared(t *testing.T) {
	for name, set := range map[string]func(*http.ResponseController, time.Time) error{
		"write": (*http.ResponseController).SetWriteDeadline,
		"read":  (*http.ResponseController).SetReadDeadline,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var runs atomic.Int64
				release := make(chan struct{})
				l := layer(t, collapse.Config{})
				h := l.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					if runs.Add(1) == 1 {
						<-release
					}
					err := set(http.NewResponseController(w), time.Now().Add(time.Minute))
					assert.NoError(t, err)
					time.Sleep(time.Second)
					_, _ = io.WriteString(w, "report")
				}))
				serve := func() *reply {
					client := limited{httptest.NewRecorder()}
					p := &reply{ResponseRecorder: client.ResponseRecorder, done: make(chan struct{})}
					p.serve(client, h, get("/a"))
					synctest.Wait()
					return p
				}
				leader, follower := serve(), serve()
				close(release)
				synctest.Wait()
				assert.EqualValues(t, 2, runs.Load(), "at once")
				follower.wants(t, 200, "report", notShared)
				leader.wants(t, 200, "report", "")
				wantNothingLeft(t, l)
			})
		})
	}
}

func TestADeadlineThatCannotBeSetKeepsNobodyFromSharing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStreamed(t, collapse.Config{})
		s.do(func(w http.ResponseWriter, _ *http.Request) {
			assert.ErrorIs(t, http.NewResponseController(w).SetWriteDeadline(time.Now()), http.ErrNotSupported)
			assert.ErrorIs(t, http.NewResponseController(w).SetReadDeadline(time.Now()), http.ErrNotSupported)
		})
		s.write("one")
		close(s.steps)
		s.followers[0].wants(t, 200, "one", shared)
		<-s.leader.done
	})
}
