package collapse

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFollowersOfOneTimeShareATimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var p patience
		join := func() <-chan struct{} { return p.join(time.Since(began), 8*time.Second) }
		first := join()
		time.Sleep(time.Second)
		assert.Equal(t, first, join(), "an eighth of the wait later at most")
		time.Sleep(1)
		second := join()
		assert.NotEqual(t, first, second)
		<-first
		assert.Equal(t, 8*time.Second, time.Since(began))
		third := join()
		assert.Len(t, p.parties, 2, "the first are forgotten")
		timers := []*time.Timer{p.parties[0].timer, p.parties[1].timer}
		p.end()
		for _, timer := range timers {
			assert.False(t, timer.Stop(), "it was stopped")
		}
		time.Sleep(time.Hour)
		select {
		case <-second:
			t.Error("second ended")
		case <-third:
			t.Error("third ended")
		default:
		}
	})
}

func TestNoTimerOutlastsThoseWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, err := New(Config{})
		require.NoError(t, err)
		began := make(chan *run, 1)
		h := l.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			led, _ := r.Context().(*run)
			began <- led
			<-r.Context().Done()
		}))
		ctx, disconnect := context.WithCancel(t.Context())
		for range 2 {
			go h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/a", nil).WithContext(ctx))
			synctest.Wait()
		}
		r := <-began
		assert.Len(t, r.crowd.patience.parties, 1)
		disconnect()
		synctest.Wait()
		assert.Empty(t, r.crowd.patience.parties)
	})
}
