package idempotency_test

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/problem"
	"github.com/concordhttp/concord/store"
)

// booking is a till that makes an entry in the ledger, in its transaction, and
// then answers; nil: 201 with the number of the run.
func booking(then func(w http.ResponseWriter, r *http.Request, n int64)) *till {
	return &till{then: func(w http.ResponseWriter, r *http.Request, n int64) {
		tx := txLedger(r.Context())
		if tx == nil {
			http.Error(w, "there is no transaction", http.StatusInternalServerError)
			return
		}
		if _, err := tx.enter("k"); err != nil {
			http.Error(w, "the ledger fails", http.StatusInternalServerError)
			return
		}
		if then == nil {
			charged(w, n)
			return
		}
		then(w, r, n)
	}}
}

// txHook lets a test act at what a transaction does.
type txHook struct {
	*txMemory
	endless bool                            // it does not end with its context
	begin   func() error                    // instead of Begin, if it fails
	settle  func() error                    // instead of writing the outcome, if it fails
	commit  func(commit func() error) error // instead of Commit
	lost    error                           // what Rollback says when it is done
}

type hookedTx struct {
	store.Tx
	h *txHook
}

func (h *txHook) Begin(ctx context.Context) (store.Tx, error) {
	if h.begin != nil {
		if err := h.begin(); err != nil {
			return nil, err
		}
	}
	if h.endless {
		ctx = context.WithoutCancel(ctx)
	}
	tx, err := h.txMemory.Begin(ctx)
	return &hookedTx{tx, h}, err
}

func (x *hookedTx) Replace(ctx context.Context, key string, version uint64, r store.Record) (store.Record, bool, error) {
	if x.h.settle != nil {
		if err := x.h.settle(); err != nil {
			return store.Record{}, false, err
		}
	}
	return x.Tx.Replace(ctx, key, version, r)
}

func (x *hookedTx) Commit() error {
	if x.h.commit == nil {
		return x.Tx.Commit()
	}
	return x.h.commit(x.Tx.Commit)
}

func (x *hookedTx) Rollback() error { return errors.Join(x.Tx.Rollback(), x.h.lost) }

// sqlError is an error as drivers make them.
type sqlError string

func (e sqlError) Error() string    { return "SQLSTATE " + string(e) }
func (e sqlError) SQLState() string { return string(e) }

// isRolledBack fails unless p was answered that nothing was done, nothing was,
// and the key is free.
func isRolledBack(t *testing.T, s *txMemory, h http.Handler, p *pending) {
	t.Helper()
	assert.Equal(t, http.StatusServiceUnavailable, p.answer().Code)
	assert.Equal(t, problem.KindStoreUnavailable, kindOf(t, p.answer()))
	assert.NotEmpty(t, p.answer().Header().Get("Retry-After"))
	assert.Empty(t, p.answer().Header().Get("Location"), "of the handler's answer nothing is left")
	isFreeOnce(t, s, h)
}

// isFreeOnce fails unless the request can run, and then has been done once.
func isFreeOnce(t *testing.T, s *txMemory, h http.Handler) {
	t.Helper()
	assert.Zero(t, s.count("k"), "nothing was done")
	s.befall(nil)
	w := send(h, post("k", "{}"))
	assert.Equal(t, http.StatusCreated, w.Code)
	assert.False(t, replayed(w))
	assert.Equal(t, 1, s.count("k"), "now it is")
	assert.True(t, replayed(send(h, post("k", "{}"))))
}

func TestTransactionCommits(t *testing.T) {
	for status, fields := range map[int][]string{
		http.StatusOK: nil, http.StatusCreated: {"Location", "/payments/1"}, http.StatusNoContent: nil,
		http.StatusSeeOther: {"Location", "/payments/1", "Retry-After", "5"}, http.StatusNotModified: nil,
	} {
		bubble(t, http.StatusText(status), func(t *testing.T) {
			s := newTxMemory()
			pay := booking(answers(status, fields...))
			h := serverOn(t, s, pay)
			first := send(h, post("k", "{}"))
			again := send(h, post("k", "{}"))
			assert.Equal(t, status, first.Code)
			assert.Equal(t, status, again.Code)
			assert.True(t, replayed(again))
			assert.Equal(t, first.Header().Get("Location"), again.Header().Get("Location"))
			assert.EqualValues(t, 1, pay.runs.Load())
			assert.Equal(t, 1, s.count("k"))
			assert.Len(t, h.saw.of(middleware.EventPassed), 1)
			assert.Zero(t, h.wire.calls("Replace")+h.wire.calls("Delete"), "the outcome is not written outside of it")
		})
	}
	bubble(t, "outcome and effects become visible in one step", func(t *testing.T) {
		s := &txHook{txMemory: newTxMemory()}
		h := serverOn(t, s, booking(nil))
		other, meanwhile := serverOn(t, s, booking(nil)), newPending()
		s.commit = func(commit func() error) error {
			assert.Zero(t, s.count("k"))
			meanwhile.start(other, post("k", "{}"))
			time.Sleep(time.Second)
			assert.False(t, meanwhile.over(), "it waits for the record's lock")
			err := commit()
			assert.Equal(t, 1, s.count("k"))
			assertCharge(t, 1, send(other, post("k", "{}")))
			return err
		}
		assertCharge(t, 1, send(h, post("k", "{}")))
		assertCharge(t, 1, meanwhile.answer())
		assert.True(t, replayed(meanwhile.answer()))
	})
}

func TestTransactionRollsBack(t *testing.T) {
	recorded := map[int][]string{
		http.StatusBadRequest: nil, http.StatusNotFound: nil, http.StatusConflict: nil,
		http.StatusUnprocessableEntity: nil, http.StatusInternalServerError: nil, http.StatusNotImplemented: nil,
	}
	for status := range recorded {
		bubble(t, http.StatusText(status)+" and is recorded", func(t *testing.T) {
			s := newTxMemory()
			pay := booking(func(w http.ResponseWriter, _ *http.Request, _ int64) {
				w.Header().Set("X-Reason", "of its own")
				w.WriteHeader(status)
				_, _ = w.Write([]byte("because"))
			})
			h := serverOn(t, s, pay)
			first, again := send(h, post("k", "{}")), send(h, post("k", "{}"))
			assert.Equal(t, status, first.Code)
			assert.Equal(t, status, again.Code)
			assert.Equal(t, "because", again.Body.String())
			assert.Equal(t, "of its own", again.Header().Get("X-Reason"))
			assert.True(t, replayed(again))
			assert.EqualValues(t, 1, pay.runs.Load())
			assert.Zero(t, s.count("k"))
		})
	}
	freed := map[int][]string{
		http.StatusUnauthorized: nil, http.StatusForbidden: nil, http.StatusPreconditionFailed: nil, http.StatusTooManyRequests: nil,
		http.StatusBadGateway: nil, http.StatusServiceUnavailable: nil, http.StatusGatewayTimeout: nil, // unknown elsewhere: here nothing was done
		http.StatusInternalServerError: {"Retry-After", "1"},
	}
	for status, fields := range freed {
		bubble(t, http.StatusText(status)+" and is freed", func(t *testing.T) {
			s := newTxMemory()
			pay := booking(func(w http.ResponseWriter, r *http.Request, n int64) {
				if n == 1 {
					answers(status, fields...)(w, r, n)
					return
				}
				charged(w, n)
			})
			h := serverOn(t, s, pay)
			assert.Equal(t, status, send(h, post("k", "{}")).Code)
			isFreeOnce(t, s, h)
			assert.Empty(t, h.saw.of(middleware.EventFailed))
		})
	}
	ends := map[string]func(a *idempotency.Attempt){
		"a panic":           func(*idempotency.Attempt) { panic("boom") },
		"ErrAbortHandler":   func(*idempotency.Attempt) { panic(http.ErrAbortHandler) },
		"runtime.Goexit":    func(*idempotency.Attempt) { runtime.Goexit() },
		"Free, whatever it": (*idempotency.Attempt).Free,
	}
	for name, end := range ends {
		bubble(t, name+" answers", func(t *testing.T) {
			s := newTxMemory()
			pay := booking(func(w http.ResponseWriter, r *http.Request, n int64) {
				charged(w, n)
				_ = http.NewResponseController(w).Flush()
				if n == 1 {
					a, _ := idempotency.FromContext(r.Context())
					end(a)
				}
			})
			h := serverOn(t, s, pay)
			p := start(recovering{h}, post("k", "{}"))
			p.answer()
			if strings.HasPrefix(name, "Free") {
				assertCharge(t, 1, p.w, "the answer is the handler's")
			} else {
				assert.Empty(t, p.w.Body.String(), "nothing of it is sent")
				assert.Len(t, h.saw.of(middleware.EventFailed), 1)
			}
			isFreeOnce(t, s, h)
		})
	}
}

func TestTransactionKeep(t *testing.T) {
	keeps := func(d idempotency.Disposition) func(*idempotency.Config) {
		return func(c *idempotency.Config) { c.Keep = func(int, http.Header) idempotency.Disposition { return d } }
	}
	bubble(t, "Free of a 2xx commits, and the key can be used again", func(t *testing.T) {
		s := newTxMemory()
		h := serverOn(t, s, booking(nil), keeps(idempotency.Free))
		assertCharge(t, 1, send(h, post("k", "{}")))
		assert.Equal(t, 1, s.count("k"))
		assertCharge(t, 2, send(h, post("k", "{}")))
		assert.Equal(t, 2, s.count("k"))
	})
	bubble(t, "Unknown of a 2xx commits, and nobody runs it again", func(t *testing.T) {
		s := newTxMemory()
		h := serverOn(t, s, booking(nil), keeps(idempotency.Unknown))
		assertCharge(t, 1, send(h, post("k", "{}")))
		time.Sleep(lapseTime)
		assert.Equal(t, problem.KindOutcomeUnknown, kindOf(t, send(h, post("k", "{}"))))
		assert.Equal(t, 1, s.count("k"))
		told := h.saw.of(middleware.EventUnknown)
		require.Len(t, told, 1, "an operator learns what there is to settle")
		require.NoError(t, h.layer.Resolve(t.Context(), told[0].Key, &idempotency.Outcome{Status: http.StatusAccepted}))
		assert.Equal(t, http.StatusAccepted, send(h, post("k", "{}")).Code)
	})
	bubble(t, "unless it is to: Unknown with Rerun", func(t *testing.T) {
		s := newTxMemory()
		h := serverOn(t, s, booking(nil), keeps(idempotency.Unknown), rerun)
		assertCharge(t, 1, send(h, post("k", "{}")))
		time.Sleep(lapseTime)
		assertCharge(t, 2, send(h, post("k", "{}")))
	})
	bubble(t, "Unknown of an error frees: it was rolled back", func(t *testing.T) {
		s := newTxMemory()
		pay := booking(answers(http.StatusTeapot))
		h := serverOn(t, s, pay, keeps(idempotency.Unknown))
		assert.Equal(t, http.StatusTeapot, send(h, post("k", "{}")).Code)
		assert.Equal(t, http.StatusTeapot, send(h, post("k", "{}")).Code)
		assert.EqualValues(t, 2, pay.runs.Load())
		assert.Zero(t, s.count("k"))
	})
}

func TestTransactionThatCannotEnd(t *testing.T) {
	bubble(t, "it does not begin: the handler is not run", func(t *testing.T) {
		s, pay := newTxMemory(), booking(nil)
		h := serverOn(t, s, pay)
		s.befall(func(int) txPlan { return txPlan{begin: errCut} })
		p := start(h, post("k", "{}"))
		p.answer()
		assert.Zero(t, pay.runs.Load())
		isRolledBack(t, s, h, p)
	})
	bubble(t, "to begin panics", func(t *testing.T) {
		s := &txHook{txMemory: newTxMemory(), begin: func() error { panic("boom") }}
		h := serverOn(t, s, booking(nil))
		assert.Equal(t, "boom", panics(t, h, post("k", "{}")))
		s.begin = nil
		isFreeOnce(t, s.txMemory, h)
	})
	bubble(t, "the outcome cannot be written into it", func(t *testing.T) {
		s := newTxMemory()
		h := serverOn(t, s, booking(nil))
		s.befall(func(int) txPlan { return txPlan{failAt: 2} })
		isRolledBack(t, s, h, start(h, post("k", "{}")))
	})
	bubble(t, "the outcome cannot be written, and yet it could commit", func(t *testing.T) {
		s := &txHook{txMemory: newTxMemory(), settle: func() error { return store.ErrTooLarge }}
		h := serverOn(t, s, booking(nil))
		p := start(h, post("k", "{}"))
		p.answer()
		s.settle = nil
		isRolledBack(t, s.txMemory, h, p)
	})
	bubble(t, "it is aborted and the handler says 201 all the same", func(t *testing.T) {
		s := newTxMemory()
		h := serverOn(t, s, &till{then: func(w http.ResponseWriter, r *http.Request, n int64) {
			_, _ = txLedger(r.Context()).enter("k")
			charged(w, n)
		}})
		s.befall(func(int) txPlan { return txPlan{failAt: 1} })
		isRolledBack(t, s, h, start(h, post("k", "{}")))
	})
	bubble(t, "its connection is lost, and the handler says 500", func(t *testing.T) {
		s := &txHook{txMemory: newTxMemory(), lost: errCut}
		h := serverOn(t, s, booking(func(w http.ResponseWriter, _ *http.Request, n int64) {
			if n == 1 {
				http.Error(w, "the database does not answer", http.StatusInternalServerError)
				return
			}
			charged(w, n)
		}))
		isRolledBack(t, s.txMemory, h, start(h, post("k", "{}")))
	})
	bubble(t, "its time is over, and the handler says 500", func(t *testing.T) {
		s := newTxMemory()
		h := serverOn(t, s, booking(func(w http.ResponseWriter, r *http.Request, n int64) {
			if n == 1 {
				<-r.Context().Done()
				http.Error(w, "the statement was broken off", http.StatusInternalServerError)
				return
			}
			charged(w, n)
		}))
		isRolledBack(t, s, h, start(h, post("k", "{}")))
	})
	for name, answer := range map[string]func(http.ResponseWriter, *http.Request, int64){
		"201": nil, "422": answers(http.StatusUnprocessableEntity),
	} {
		bubble(t, "the handler has ended it by itself, and says "+name, func(t *testing.T) {
			s := &txHook{txMemory: newTxMemory(), lost: store.ErrEnded, settle: func() error { return store.ErrEnded }}
			pay := booking(answer)
			h := serverOn(t, s, pay)
			assert.Equal(t, problem.KindInternal, kindOf(t, send(h, post("k", "{}"))))
			assert.Equal(t, problem.KindOutcomeUnknown, kindOf(t, send(h, post("k", "{}"))))
			assert.EqualValues(t, 1, pay.runs.Load())
		})
	}
	bubble(t, "its connection is lost, and the handler says 422 for a reason of its own", func(t *testing.T) {
		s := &txHook{txMemory: newTxMemory(), lost: errCut}
		pay := booking(answers(http.StatusUnprocessableEntity))
		h := serverOn(t, s, pay)
		assert.Equal(t, http.StatusUnprocessableEntity, send(h, post("k", "{}")).Code)
		again := send(h, post("k", "{}"))
		assert.Equal(t, http.StatusUnprocessableEntity, again.Code)
		assert.True(t, replayed(again))
		assert.EqualValues(t, 1, pay.runs.Load())
	})
	bubble(t, "to commit panics", func(t *testing.T) {
		s := &txHook{txMemory: newTxMemory()}
		var again atomic.Bool
		s.commit = func(commit func() error) error {
			if !again.Swap(true) {
				panic("boom")
			}
			return commit()
		}
		h := serverOn(t, s, booking(nil))
		start(recovering{h}, post("k", "{}"))
		time.Sleep(lapseTime) // the release waits for the transaction's lock, which its deadline ends
		isFreeOnce(t, s.txMemory, h)
	})
	bubble(t, "the commit fails", func(t *testing.T) {
		s := newTxMemory()
		h := serverOn(t, s, booking(nil))
		s.befall(func(int) txPlan { return txPlan{commit: txFails} })
		isRolledBack(t, s, h, start(h, post("k", "{}")))
	})
	bubble(t, "what the database says of a conflict reaches the client", func(t *testing.T) {
		s := &txHook{txMemory: newTxMemory()}
		h := serverOn(t, s, booking(nil))
		s.commit = func(commit func() error) error {
			s.befall(nil)
			_ = commit()
			return errors.Join(sqlError("40001"))
		}
		s.befall(func(int) txPlan { return txPlan{commit: txFails} })
		w := send(h, post("k", "{}"))
		assert.Equal(t, problem.KindWriteConflict, kindOf(t, w))
		assert.NotEmpty(t, w.Header().Get("Retry-After"))
		s.commit = nil
		isFreeOnce(t, s.txMemory, h)
	})
}

func TestTransactionIsItsLease(t *testing.T) {
	bubble(t, "which is not renewed while it is open", func(t *testing.T) {
		s := newTxMemory()
		h := serverOn(t, s, booking(func(w http.ResponseWriter, r *http.Request, n int64) {
			deadline, ok := r.Context().Deadline()
			assert.True(t, ok)
			assert.Equal(t, stopTime, time.Until(deadline))
			time.Sleep(stopTime - 1)
			assert.NoError(t, r.Context().Err())
			charged(w, n)
		}))
		assertCharge(t, 1, send(h, post("k", "{}")))
		assert.Zero(t, h.wire.calls("Replace"))
		assert.Equal(t, 1, s.count("k"))
	})
	for _, endless := range []bool{false, true} {
		bubble(t, map[bool]string{false: "and it does not commit when that is over", true: "nor if the database does not enforce that"}[endless], func(t *testing.T) {
			s := &txHook{txMemory: newTxMemory(), endless: endless}
			slow := true
			h := serverOn(t, s, booking(func(w http.ResponseWriter, r *http.Request, n int64) {
				if slow {
					<-r.Context().Done()
					assert.Error(t, context.Cause(r.Context()))
				}
				charged(w, n)
			}))
			p := start(h, post("k", "{}"))
			p.answer()
			assert.Equal(t, stopTime, p.took)
			slow = false
			isRolledBack(t, s.txMemory, h, p)
		})
	}
	bubble(t, "nor does that of a handler that does not care", func(t *testing.T) {
		s := newTxMemory()
		pay := booking(func(w http.ResponseWriter, _ *http.Request, n int64) {
			if n == 1 {
				time.Sleep(time.Minute)
			}
			charged(w, n)
		})
		a, b := serverOn(t, s, pay), serverOn(t, s, pay)
		first := start(a, post("k", "{}"))
		time.Sleep(lapseTime - 1)
		assertInFlight(t, send(b, post("k", "{}")))
		time.Sleep(1)
		assertCharge(t, 2, send(b, post("k", "{}")), "orphans are run again, although Unknown is Refuse")
		w := first.answer()
		time.Sleep(time.Minute)
		assert.Equal(t, 1, s.count("k"), "and the dead owner's transaction cannot commit")
		assertCharge(t, 2, w, "it answers with the standing outcome")
	})
}

func TestTransactionAnswerTooLarge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTxMemory()
		large := true
		h := serverOn(t, s, booking(func(w http.ResponseWriter, _ *http.Request, n int64) {
			if large {
				w.Header().Set("Location", "/payments/1")
				w.WriteHeader(http.StatusCreated)
				_, err := w.Write([]byte(strings.Repeat("x", 101)))
				assert.ErrorIs(t, err, middleware.ErrTooLarge)
				return
			}
			charged(w, n)
		}), func(c *idempotency.Config) { c.MaxResponseBody = 100 })
		for range 2 {
			w := send(h, post("k", "{}"))
			assert.Equal(t, http.StatusInternalServerError, w.Code)
			assert.Equal(t, problem.KindResponseTooLarge, kindOf(t, w))
			assert.Contains(t, w.Body.String(), `"limit":100`)
			assert.Empty(t, w.Header().Get("Location"))
		}
		large = false
		isFreeOnce(t, s, h)
	})
}

func TestRunInside(t *testing.T) {
	bubble(t, "itself is part of one transaction", func(t *testing.T) {
		s, pay := newTxMemory(), booking(nil)
		v := serverOn(t, s, pay)
		h := v.layer.Claim(v.layer.Run(v.layer.Handler(v.layer.Run(pay))))
		assertCharge(t, 1, send(h, post("k", "{}")))
		assert.True(t, replayed(send(h, post("k", "{}"))))
		assert.Equal(t, 1, s.begun)
		assert.Equal(t, 1, s.count("k"))
	})
	bubble(t, "another layer of the same namespace is part of one transaction", func(t *testing.T) {
		s, pay := newTxMemory(), booking(nil)
		shared := func(c *idempotency.Config) { c.Store = s }
		h := serverOn(t, s, serverOn(t, s, pay, shared), shared)
		assertCharge(t, 1, send(h, post("k", "{}")))
		assert.Equal(t, 1, s.begun)
		assert.Equal(t, 1, s.count("k"))
	})
	bubble(t, "no claim has no transaction", func(t *testing.T) {
		s := newTxMemory()
		v := serverOn(t, s, nil)
		plain := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, ok := idempotency.FromContext(r.Context())
			assert.False(t, ok)
			assert.Nil(t, txLedger(r.Context()))
		})
		send(v.layer.Run(plain), post("k", "{}"))
		send(v.layer.Handler(plain), post("", "{}"))
		send(v.layer.Handler(plain), request(http.MethodGet, "/payments", "k", ""))
		assert.Zero(t, s.begun)
	})
	bubble(t, "a layer that is not transactional does nothing", func(t *testing.T) {
		s := newTxMemory()
		h := newLayer(t, idempotency.Config{Store: s}).Handler(&till{})
		assertCharge(t, 1, send(h, post("k", "{}")))
		assert.Zero(t, s.begun)
	})
}

func TestTimeoutHandlerAroundTheTransaction(t *testing.T) {
	slowly := func() *till {
		return booking(func(w http.ResponseWriter, _ *http.Request, n int64) {
			if n == 1 {
				time.Sleep(5 * time.Second) // whatever its context says
			}
			charged(w, n)
		})
	}
	for name, wait := range map[string]time.Duration{"before the handler has ended": 0, "after it has": 10 * time.Second} {
		bubble(t, "the client is told 503 and retries "+name, func(t *testing.T) {
			s := newTxMemory()
			v := serverOn(t, s, nil)
			h := v.layer.Claim(http.TimeoutHandler(v.layer.Run(slowly()), time.Second, "too slow"))
			w := send(h, post("k", "{}"))
			assert.Equal(t, http.StatusServiceUnavailable, w.Code)
			assert.Equal(t, "too slow", w.Body.String())
			time.Sleep(wait)
			assertCharge(t, 2, send(h, post("k", "{}")))
			time.Sleep(time.Minute)
			assert.Equal(t, 1, s.count("k"), "what was answered 503 never commits")
			assertCharge(t, 2, send(h, post("k", "{}")))
		})
	}
	bubble(t, "within it the answer is an error like any other", func(t *testing.T) {
		s := newTxMemory()
		v := serverOn(t, s, nil)
		h := v.layer.Handler(http.TimeoutHandler(slowly(), time.Second, "too slow"))
		assert.Equal(t, http.StatusServiceUnavailable, send(h, post("k", "{}")).Code)
		time.Sleep(time.Minute)
		isFreeOnce(t, s, h)
	})
}

// outlet notes that something of an answer is sent.
type outlet struct {
	*httptest.ResponseRecorder
	sent atomic.Int64
}

func (o *outlet) WriteHeader(status int) {
	o.sent.Add(1)
	o.ResponseRecorder.WriteHeader(status)
}

func (o *outlet) Write(p []byte) (int, error) {
	o.sent.Add(1)
	return o.ResponseRecorder.Write(p)
}

func (o *outlet) Flush() {
	o.sent.Add(1)
	o.ResponseRecorder.Flush()
}

func (o *outlet) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	o.sent.Add(1)
	return nil, nil, nil
}

func TestNothingLeavesBeforeCommit(t *testing.T) {
	ways := map[string]func(t *testing.T, w http.ResponseWriter){
		"a flush": func(t *testing.T, w http.ResponseWriter) {
			charged(w, 1)
			assert.NoError(t, http.NewResponseController(w).Flush())
			w.(http.Flusher).Flush()
		},
		"a declared trailer": func(_ *testing.T, w http.ResponseWriter) {
			w.Header().Set("Trailer", "X-Sum")
			charged(w, 1)
			w.Header().Set("X-Sum", "1")
		},
		"a hijack, which is refused": func(t *testing.T, w http.ResponseWriter) {
			_, _, err := http.NewResponseController(w).Hijack()
			assert.Error(t, err)
			charged(w, 1)
		},
		"a body that fills the limit": func(_ *testing.T, w http.ResponseWriter) {
			w.WriteHeader(http.StatusCreated)
			for range 64 {
				_, _ = w.Write([]byte(strings.Repeat("x", 16)))
			}
		},
	}
	limit := func(c *idempotency.Config) { c.MaxResponseBody = 1 << 10 }
	for name, way := range ways {
		for _, fails := range []bool{false, true} {
			bubble(t, name+map[bool]string{true: ", and the commit fails", false: ""}[fails], func(t *testing.T) {
				s := &txHook{txMemory: newTxMemory()}
				h := serverOn(t, s, booking(func(w http.ResponseWriter, _ *http.Request, _ int64) { way(t, w) }), limit)
				p := newPending()
				out := &outlet{ResponseRecorder: p.w}
				s.commit = func(commit func() error) error {
					assert.Zero(t, out.sent.Load())
					if fails {
						s.befall(nil)
						return errors.Join(errCut, context.Canceled)
					}
					return commit()
				}
				p.start(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { h.ServeHTTP(out, r) }), post("k", "{}"))
				if fails {
					time.Sleep(time.Second)
					assert.Zero(t, out.sent.Load(), "it has to be decided")
					p.answer()
					assert.Equal(t, http.StatusServiceUnavailable, p.w.Code)
					assert.Zero(t, s.count("k"))
					return
				}
				assert.Equal(t, http.StatusCreated, p.answer().Code)
				assert.NotEmpty(t, p.w.Body.String())
				assert.Equal(t, 1, s.count("k"))
			})
		}
	}
	bubble(t, "more than the limit", func(t *testing.T) {
		s := &txHook{txMemory: newTxMemory(), commit: func(func() error) error { panic("it is not committed") }}
		h := serverOn(t, s, booking(func(w http.ResponseWriter, _ *http.Request, _ int64) {
			w.WriteHeader(http.StatusCreated)
			for range 65 {
				_, _ = w.Write([]byte(strings.Repeat("x", 16)))
			}
			_ = http.NewResponseController(w).Flush()
		}), limit)
		w := send(h, post("k", "{}"))
		assert.Equal(t, problem.KindResponseTooLarge, kindOf(t, w))
		assert.NotContains(t, w.Body.String(), "xxx")
		assert.Zero(t, s.count("k"))
	})
}
