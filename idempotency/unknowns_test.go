package idempotency_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/problem"
	"github.com/concordhttp/concord/store/memory"
)

func atMost(unknown int) func(*idempotency.Config) {
	return func(c *idempotency.Config) { c.MaxUnknown = unknown }
}

func TestUnknownsDoNotFillTheStore(t *testing.T) {
	boom := func(http.ResponseWriter, *http.Request, int64) { panic("boom") }
	bubble(t, "the oldest is forgotten, and an event says which", func(t *testing.T) {
		shared, pay := memory.New(memory.Config{MaxRecords: 20}), &till{then: boom}
		h := serverOn(t, shared, pay, atMost(5))
		for i := range 100 {
			require.Equal(t, "boom", panics(t, h, post(fmt.Sprint(i), "{}")), "it is never refused for want of room")
		}
		unknown, forgotten := h.saw.of(middleware.EventUnknown), h.saw.of(middleware.EventForgotten)
		require.Len(t, unknown, 100)
		require.Len(t, forgotten, 95)
		for i, e := range forgotten {
			assert.Equal(t, unknown[i].Key, e.Key, "in their order")
			assert.NoError(t, e.Err)
		}
		for i := 95; i < 100; i++ {
			assert.Equal(t, problem.KindOutcomeUnknown, kindOf(t, send(h, post(fmt.Sprint(i), "{}"))))
		}
		pay.then = nil
		for i := range 10 {
			assert.Equal(t, http.StatusCreated, send(h, post(fmt.Sprint(i), "{}")).Code, "its key is free")
		}
	})
	bubble(t, "outcomes that are known are never forgotten for them", func(t *testing.T) {
		pay := &till{}
		h := serverOn(t, memory.New(memory.Config{}), pay, atMost(1))
		send(h, post("known", "{}"))
		pay.then = boom
		for i := range 10 {
			panics(t, h, post(fmt.Sprint(i), "{}"))
		}
		assertCharge(t, 1, send(h, post("known", "{}")))
	})
	bubble(t, "nor is one that was settled since", func(t *testing.T) {
		pay := &till{then: boom}
		h := serverOn(t, memory.New(memory.Config{}), pay, atMost(1))
		panics(t, h, post("a", "{}"))
		ref := h.saw.of(middleware.EventUnknown)[0].Key
		require.NoError(t, h.layer.Resolve(t.Context(), ref, &idempotency.Outcome{Status: http.StatusAccepted}))
		panics(t, h, post("b", "{}"))
		assert.Empty(t, h.saw.of(middleware.EventForgotten))
		assert.Equal(t, http.StatusAccepted, send(h, post("a", "{}")).Code)
	})
	bubble(t, "nor one that was run again since", func(t *testing.T) {
		pay := &till{then: boom}
		h := serverOn(t, memory.New(memory.Config{}), pay, atMost(1), rerun)
		panics(t, h, post("a", "{}"))
		time.Sleep(lapseTime)
		pay.then = nil
		assertCharge(t, 2, send(h, post("a", "{}")))
		pay.then = boom
		panics(t, h, post("b", "{}"))
		assertCharge(t, 2, send(h, post("a", "{}")))
	})
	bubble(t, "a store that fails is told of", func(t *testing.T) {
		pay := &till{then: boom}
		h := serverOn(t, memory.New(memory.Config{}), pay, atMost(1))
		panics(t, h, post("a", "{}"))
		h.wire.befall(on("Delete", mishap{before: broken}, 1))
		panics(t, h, post("b", "{}"))
		told := h.saw.of(middleware.EventForgotten)
		require.Len(t, told, 1)
		assert.ErrorIs(t, told[0].Err, errCut)
	})
	bubble(t, "a store that hangs keeps nobody waiting for ever", func(t *testing.T) {
		pay := &till{then: answers(http.StatusBadGateway)}
		h := serverOn(t, memory.New(memory.Config{}), pay, atMost(1))
		send(h, post("a", "{}"))
		h.wire.befall(on("Delete", mishap{before: hanging}, 1))
		began := time.Now()
		assert.Equal(t, http.StatusBadGateway, send(h, post("b", "{}")).Code)
		assert.Equal(t, 5*time.Second, time.Since(began))
	})
	bubble(t, "a negative number forgets none", func(t *testing.T) {
		pay := &till{then: boom}
		h := serverOn(t, memory.New(memory.Config{}), pay, atMost(-1))
		for i := range 100 {
			panics(t, h, post(fmt.Sprint(i), "{}"))
		}
		assert.Empty(t, h.saw.of(middleware.EventForgotten))
		assert.Equal(t, problem.KindOutcomeUnknown, kindOf(t, send(h, post("0", "{}"))))
	})
	bubble(t, "zero is the default", func(t *testing.T) {
		pay := &till{then: boom}
		h := serverOn(t, memory.New(memory.Config{}), pay)
		for i := range idempotency.DefaultMaxUnknown + 1 {
			panics(t, h, post(fmt.Sprint(i), "{}"))
		}
		assert.Len(t, h.saw.of(middleware.EventForgotten), 1)
		synctest.Wait()
	})
}
