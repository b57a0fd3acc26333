package lock_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/middleware/lock"
)

func TestEventsSayWhatHappened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := &observed{}
		l := layer(t, lock.Config{Holder: shows, Observer: seen})
		h := l.Handler(&documents{takes: time.Second})
		do(h, "bob", "PUT", "/a", "x")
		token := take(t, h, "ann", "/a")
		do(h, "ann", "PUT", "/a", "x", "Lock-Token", token)
		do(h, "bob", "PUT", "/a", "x")
		do(h, "ann", "LOCK", "/a", "", "Lock-Token", token)
		do(h, "ann", "UNLOCK", "/a", "", "Lock-Token", token)
		do(h, "ann", "PUT", "/a", "x", "Lock-Token", token)
		do(h, "ann", "GET", "/a", "")
		go do(h, "bob", "PUT", "/a", "x")
		synctest.Wait()
		held, err := l.Acquire(t.Context(), "/a", "ann", "Ann", 0)
		require.NoError(t, err)
		require.NoError(t, l.Release(t.Context(), "/a", held.Token, "ann"))
		_, err = l.Acquire(t.Context(), "/a", "", "", 0)
		require.Error(t, err)
		var got []string
		for _, e := range seen.all() {
			got = append(got, fmt.Sprintf("%s %s|%s|%s|%s|%d|%v|%v|%s|%v", e.Layer, e.Kind, e.Method, e.Resource, e.Problem, e.Status, e.Wait, e.Run, e.Holder, e.Err != nil))
		}
		assert.Equal(t, []string{
			"lock passed|PUT|/a||202|0s|1s||false",
			"lock locked|LOCK|/a||200|0s|0s|the ann|false",
			"lock passed|PUT|/a||202|0s|1s|the ann|false",
			"lock refused|PUT|/a|locked|409|0s|0s|the ann|true",
			"lock locked|LOCK|/a||200|0s|0s|the ann|false",
			"lock unlocked|UNLOCK|/a||204|0s|0s|the ann|false",
			"lock refused|PUT|/a|version-mismatch|412|0s|0s||true",
			"lock passed|PUT|/a||202|0s|1s||false",
			"lock locked||/a||0|1s|0s|Ann|false",
			"lock unlocked||/a||0|0s|0s|Ann|false",
			"lock failed||/a|principal-unknown|500|0s|0s||true",
		}, got)
	})
}
