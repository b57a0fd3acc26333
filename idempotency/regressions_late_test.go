package idempotency_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware"
)

// leftBehind has do done by a goroutine of its own, and waits for it.
func leftBehind(do func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		do()
	}()
	<-done
}

// heldBack is a layer that holds the answers of h back, and shares its Recorder.
func heldBack(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec, _ := middleware.Record(w)
		rec.Enter(holding{}, 1<<10)
		h.ServeHTTP(rec, r)
		rec.Leave()
		rec.Finish()
	})
}

type holding struct{}

func (holding) Decide(*middleware.Recorder, middleware.Decision) middleware.Decision {
	return middleware.Buffer
}

// TestLateWritesAreNoPartOfTheAnswer: a goroutine that the handler left behind
// writes while the outcome is being recorded or committed. What is sent then was
// not what is replayed.
func TestLateWritesAreNoPartOfTheAnswer(t *testing.T) {
	for name, late := range map[string]func(http.ResponseWriter) error{
		"a write": func(w http.ResponseWriter) error {
			_, err := io.WriteString(w, " LATE")
			return err
		},
		"more than may be held back": func(w http.ResponseWriter) error {
			_, err := w.Write(make([]byte, 2<<10))
			return err
		},
		"a copy": func(w http.ResponseWriter) error {
			n, err := io.Copy(w, struct{ io.Reader }{strings.NewReader(" LATE")})
			return errors.Join(err, bytesWritten(n))
		},
		"a flush": func(w http.ResponseWriter) error { return http.NewResponseController(w).Flush() },
		"a status and fields": func(w http.ResponseWriter) error {
			w.WriteHeader(http.StatusTeapot)
			w.Header().Set("X-Late", "1")
			_, err := w.Write(nil)
			return err
		},
	} {
		var out http.ResponseWriter
		meanwhile := func() {
			leftBehind(func() {
				err := late(out)
				assert.ErrorIs(t, err, http.ErrHandlerTimeout)
				assert.NotErrorIs(t, err, errWritten)
			})
		}
		answer := func(w http.ResponseWriter, n int64) {
			out = w
			charged(w, n)
		}
		small := func(c *idempotency.Config) { c.MaxResponseBody = 1 << 10 }
		recorded := func(t *testing.T, outside func(http.Handler) http.Handler) {
			s := newSpy()
			s.before = func(call string) {
				if call == "replace" {
					meanwhile()
				}
			}
			pay := &till{then: func(w http.ResponseWriter, _ *http.Request, n int64) { answer(w, n) }}
			h := outside(serverOn(t, s, pay, small))
			first := send(h, post("k", "{}"))
			assertCharge(t, 1, first)
			wantReplay(t, first, send(h, post("k", "{}")))
		}
		t.Run(name+" while the outcome is recorded", func(t *testing.T) {
			recorded(t, func(h http.Handler) http.Handler { return h })
		})
		t.Run(name+" while it is, and a layer outside holds the answer, too", func(t *testing.T) { recorded(t, heldBack) })
		t.Run(name+" while the outcome is committed", func(t *testing.T) {
			s := &txHook{txMemory: newTxMemory()}
			s.settle = func() error {
				meanwhile()
				return nil
			}
			h := serverOn(t, s, booking(func(w http.ResponseWriter, _ *http.Request, n int64) { answer(w, n) }), small)
			first := send(h, post("k", "{}"))
			assertCharge(t, 1, first)
			wantReplay(t, first, send(h, post("k", "{}")))
		})
	}
}

// errWritten is for what should not have been.
var errWritten = errors.New("something was written")

func bytesWritten(n int64) error {
	if n == 0 {
		return nil
	}
	return fmt.Errorf("%w: %d bytes", errWritten, n)
}

// TestALateOverflowFreesNobodysBuffer: the buffer of an answer went back to the
// pool while it was encoded, and another request's bytes were recorded or sent.
func TestALateOverflowFreesNobodysBuffer(t *testing.T) {
	const held = 64 << 10
	s := newTxMemory()
	var stray, all sync.WaitGroup
	pay := booking(func(w http.ResponseWriter, r *http.Request, _ int64) {
		_, _ = io.WriteString(w, strings.Repeat(r.URL.Query().Get("by"), held))
		stray.Go(func() {
			for range 64 {
				if _, err := w.Write(make([]byte, held/16)); err != nil {
					return
				}
			}
		})
	})
	h := serverOn(t, s, pay, func(c *idempotency.Config) { c.MaxResponseBody = held + held/8 })
	for by := range 4 {
		all.Go(func() {
			for i := range 25 {
				ask := func() *http.Request {
					return request(http.MethodPost, fmt.Sprint("/payments?by=", by), fmt.Sprint(by, "-", i), "{}")
				}
				first := send(h, ask())
				again := send(h, ask())
				if replayed(again) && !bytes.Equal(first.Body.Bytes(), again.Body.Bytes()) {
					t.Errorf("first and replay of request %d by %d differ", i, by)
				}
			}
		})
	}
	all.Wait()
	stray.Wait()
}
