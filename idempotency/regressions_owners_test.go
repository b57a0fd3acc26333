package idempotency_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
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

// TestTheLastRoundsClaimIsUsed: when a request has gone after a record that is
// gone whenever it looks, and then gets the key in its last round, it held it
// without running. Nobody could run it for a day.
func TestTheLastRoundsClaimIsUsed(t *testing.T) {
	gaveUp := false
	for n := 0; n < 100 && !gaveUp; n++ {
		bubble(t, "", func(t *testing.T) {
			pay := &till{}
			h := serverOn(t, memory.New(memory.Config{}), pay)
			h.wire.befall(func(s step) mishap { return mishap{gone: s.method == "Create" && s.nth <= n} })
			first := send(h, post("k", "{}"))
			h.wire.befall(nil)
			gaveUp = first.Code == http.StatusConflict
			assertCharge(t, 1, send(h, post("k", "{}")), "after %d creates that found something and nothing", n)
			assert.EqualValues(t, 1, pay.runs.Load())
		})
	}
	assert.True(t, gaveUp, "it does not go on for ever")
}

// TestWhoeverUsesAFreedKeyNextIsNoSuccessor: an owner past MaxRun frees its key,
// and the corrected request comes before it has answered. It was answered with
// that one's outcome.
func TestWhoeverUsesAFreedKeyNextIsNoSuccessor(t *testing.T) {
	overMaxRun := func(t *testing.T, next *http.Request) {
		s := &nextUser{spy: newSpy()}
		pay := &till{then: func(w http.ResponseWriter, _ *http.Request, n int64) {
			if n == 1 {
				time.Sleep(time.Minute)
				w.WriteHeader(http.StatusPreconditionFailed)
				return
			}
			charged(w, n)
		}}
		h := serverOn(t, s, pay, func(c *idempotency.Config) { c.MaxRun = time.Minute - time.Second })
		s.comes = func() { assertCharge(t, 2, send(h, next)) }
		first := send(h, post("k", "{}"))
		assert.Equal(t, http.StatusPreconditionFailed, first.Code, first.Body)
		require.Len(t, h.saw.of(middleware.EventLost), 1, "the observer is told")
		time.Sleep(time.Hour)
	}
	bubble(t, "with another body", func(t *testing.T) { overMaxRun(t, post("k", `{"corrected":true}`)) })
	bubble(t, "with the same", func(t *testing.T) { overMaxRun(t, post("k", "{}")) })
	bubble(t, "nor if an operator has freed it, for another request", func(t *testing.T) {
		shared := memory.New(memory.Config{})
		pay, end := firstHangs(t)
		a, first := paused(t, shared, pay, post("k", "{}"))
		b := serverOn(t, shared, pay)
		send(b, post("k", "{}"))
		ref := b.saw.of(middleware.EventRefused)[0].Key
		require.NoError(t, b.layer.Resolve(t.Context(), ref, nil))
		assertCharge(t, 2, send(b, post("k", `{"another":true}`)))
		end()
		assertCharge(t, 1, first.answer())
		require.Len(t, a.saw.of(middleware.EventLost), 1)
	})
}

// nextUser has somebody come as soon as a key is free.
type nextUser struct {
	*spy
	comes func()
}

func (s *nextUser) Delete(ctx context.Context, key string, version uint64) (bool, error) {
	deleted, err := s.spy.Delete(ctx, key, version)
	if comes := s.comes; deleted && comes != nil {
		s.comes = nil
		comes()
	}
	return deleted, err
}

// TestNobodyIsToldThatWhatRanDidNot, nor to use another key for it: it would be
// done twice.
func TestNobodyIsToldThatWhatRanDidNot(t *testing.T) {
	truthful := func(t *testing.T, kind problem.Kind, w *httptest.ResponseRecorder) {
		t.Helper()
		require.Equal(t, kind, kindOf(t, w))
		detail, ok := member(t, w, "detail").(string)
		require.True(t, ok)
		assert.NotRegexp(t, `(?i)\b(was|were) not (run|done)\b|can be sent again|(use|choose|with) a(nother)? (new )?key`, detail)
		assert.Regexp(t, `with (that|the same) key`, detail)
	}
	bubble(t, "an owner that was taken over by one that still runs", func(t *testing.T) {
		shared, held := memory.New(memory.Config{}), make(chan struct{})
		pay := &till{then: func(w http.ResponseWriter, _ *http.Request, n int64) {
			if n == 1 {
				<-held
			} else {
				time.Sleep(5 * time.Second)
			}
			charged(w, n)
		}}
		_, first := paused(t, shared, pay, post("k", "{}"))
		second := start(serverOn(t, shared, pay, rerun), post("k", "{}"))
		synctest.Wait()
		close(held)
		truthful(t, problem.KindRequestInFlight, first.answer())
		assertCharge(t, 2, second.answer())
	})
	bubble(t, "one whose commit came too late", func(t *testing.T) {
		first, second := overtakenUnderWay(t, newTxMemory())
		truthful(t, problem.KindRequestInFlight, first.answer())
		assertCharge(t, 1, second.answer())
	})
	bubble(t, "one whose successor has freed the key meanwhile", func(t *testing.T) {
		s := newTxMemory()
		a := planned(t, s, s, txPlan{takes: time.Minute, unlocked: true})
		first := start(a, post("k", "{}"))
		time.Sleep(lapseTime)
		send(serverOn(t, s, booking(answers(http.StatusTooManyRequests))), post("k", "{}"))
		truthful(t, problem.KindRequestInFlight, first.answer())
	})
	bubble(t, "one whose outcome is not known", func(t *testing.T) {
		h := serverOn(t, memory.New(memory.Config{}), &till{then: answers(http.StatusBadGateway)})
		send(h, post("k", "{}"))
		truthful(t, problem.KindOutcomeUnknown, send(h, post("k", "{}")))
	})
	for name, change := range unreadable() {
		bubble(t, "one whose outcome cannot be read: "+name, func(t *testing.T) {
			s := newSpy()
			h := serverOn(t, s, &till{})
			send(h, post("k", "{}"))
			s.put(t, reference(s.keys[0]), change)
			truthful(t, problem.KindStoreUnavailable, send(h, post("k", "{}")))
		})
	}
}

// registered is a context that counts who wants to hear of its end.
type registered struct {
	context.Context
	now atomic.Int64
}

// Value keeps package context from telling the embedded one directly.
func (*registered) Value(any) any { return nil }

func (r *registered) AfterFunc(f func()) (stop func() bool) {
	r.now.Add(1)
	forget := context.AfterFunc(r.Context, f)
	return func() bool {
		stopped := forget()
		if stopped {
			r.now.Add(-1)
		}
		return stopped
	}
}

// TestWhoHasWaitedIsForgotten by the context of its client, which can be that of
// a connection with many requests.
func TestWhoHasWaitedIsForgotten(t *testing.T) {
	bubble(t, "with an outcome, and without", func(t *testing.T) {
		h := serverOn(t, memory.New(memory.Config{}), taking(time.Minute), waiting(20*time.Second))
		first := start(h, post("k", "{}"))
		time.Sleep(time.Second)
		client := &registered{Context: t.Context()}
		assertInFlight(t, send(h, post("k", "{}").WithContext(client)))
		time.Sleep(30 * time.Second)
		assertCharge(t, 1, send(h, post("k", "{}").WithContext(client)))
		first.answer()
		assert.Zero(t, client.now.Load())
	})
}
