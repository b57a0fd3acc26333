package middleware_test

import (
	"bytes"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/problem"
)

func TestWhatNobodyIsToldIsNotTimed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for o, want := range map[middleware.Observer]time.Duration{nil: 0, middleware.Log(nil): time.Second} {
			began := middleware.Began(o)
			time.Sleep(time.Second)
			assert.Equal(t, want, middleware.Took(began))
		}
	})
}

func TestLogWritesWhatAppliesAndNothingElse(t *testing.T) {
	var out bytes.Buffer
	log := middleware.Log(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	})))
	log.Observe(t.Context(), middleware.Event{Kind: middleware.EventNotModified, Layer: "etag", Method: "GET", Resource: "/a", Status: 304})
	log.Observe(t.Context(), middleware.Event{
		Kind: middleware.EventRefused, Layer: "etag", Method: "PUT", Resource: "/a",
		Problem: problem.KindVersionMismatch, Status: 412, Wait: time.Millisecond,
	})
	log.Observe(t.Context(), middleware.Event{Kind: middleware.EventLost, Layer: "etag", Run: time.Second, Holder: "ann", Key: "6b1f"})
	log.Observe(t.Context(), middleware.Event{Kind: middleware.EventCollapsed, Layer: "collapse", Method: "GET", Wait: time.Second})
	log.Observe(t.Context(), middleware.Event{Kind: middleware.EventLocked, Layer: "lock", Method: "LOCK", Resource: "/a", Holder: "ann"})
	log.Observe(t.Context(), middleware.Event{Kind: middleware.EventUnlocked, Layer: "lock", Holder: "ann"})
	log.Observe(t.Context(), middleware.Event{Kind: middleware.EventFailed, Layer: "etag", Err: errors.New("no route to host")})
	assert.Equal(t, `level=DEBUG msg="concord: not-modified" layer=etag method=GET resource=/a status=304
level=INFO msg="concord: refused" layer=etag method=PUT resource=/a problem=version-mismatch status=412 wait=1ms
level=WARN msg="concord: lost" layer=etag key=6b1f run=1s holder=ann
level=DEBUG msg="concord: collapsed" layer=collapse method=GET wait=1s
level=DEBUG msg="concord: locked" layer=lock method=LOCK resource=/a holder=ann
level=DEBUG msg="concord: unlocked" layer=lock holder=ann
level=ERROR msg="concord: failed" layer=etag err="no route to host"
`, out.String())
}
