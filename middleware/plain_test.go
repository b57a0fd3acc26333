package middleware_test

import (
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/concordhttp/concord/middleware"
)

func TestPlainSeesWhatALayerInsideHasSet(t *testing.T) {
	rec, _ := middleware.Record(httptest.NewRecorder())
	var outside bool
	rec.Enter(stageFunc(func(rec *middleware.Recorder, d middleware.Decision) middleware.Decision {
		outside = rec.Plain()
		return d
	}), limit)
	rec.Enter(stageFunc(func(rec *middleware.Recorder, _ middleware.Decision) middleware.Decision {
		assert.True(t, rec.Plain())
		rec.Fields().Set("ETag", `"a"`)
		return middleware.Buffer
	}), limit)
	rec.Header().Set("Content-Type", "text/plain")
	rec.Header().Set("Content-Length", "4")
	_, _ = rec.Write([]byte("body"))
	assert.False(t, outside)
	rec.Leave()
	rec.Leave()
	rec.Finish()
}
