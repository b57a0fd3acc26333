package idempotency_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
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

// desk is a layer whose requests an operator settles.
type desk struct {
	*idempotency.Layer
	http.Handler
	pay   *till
	store *spy
	heard *observer
}

func newDesk(t *testing.T, c idempotency.Config) *desk {
	t.Helper()
	d := &desk{pay: &till{}, store: newSpy(), heard: &observer{}}
	c.Store, c.Observer = d.store, d.heard
	d.Layer = newLayer(t, c)
	d.Handler = d.Layer.Handler(d.pay)
	return d
}

// lose makes the request with this key one of which nobody knows how it ended:
// its handler panics. It returns the reference that the observer was told.
func (d *desk) lose(t *testing.T, key string) (ref string) {
	t.Helper()
	then := d.pay.then
	d.pay.then = func(http.ResponseWriter, *http.Request, int64) { panic("boom") }
	panics(t, d, post(key, "{}"))
	d.pay.then = then
	lost := d.heard.last(t)
	require.Equal(t, middleware.EventUnknown, lost.Kind)
	return lost.Key
}

// orphan leaves a claim without an owner under the key, in a bubble: its
// outcome never reached the store.
func (d *desk) orphan(t *testing.T, key string) (ref string) {
	t.Helper()
	d.store.failWith(func(call string) error {
		if call == "replace" {
			return store.ErrUnavailable
		}
		return nil
	})
	send(d, post(key, "{}"))
	d.store.failWith(nil)
	lost := d.heard.last(t)
	require.Equal(t, middleware.EventFailed, lost.Kind)
	return lost.Key
}

func TestResolveSettles(t *testing.T) {
	outcome := &idempotency.Outcome{
		Status: http.StatusAccepted,
		Header: http.Header{
			"Location": {"/payments/7"}, "x-note": {"as the bank says"}, "Link": {"<a>", "<b>"},
			"Set-Cookie": {"session=1"}, "set-cookie": {"session=2"}, "Date": {"then"}, "Connection": {"X-Hop"}, "X-Hop": {"1"},
		},
		Body: []byte(`{"charge":7}`),
	}
	for name, c := range map[string]idempotency.Config{
		"": {}, ", rerun": {Unknown: idempotency.Rerun}, ", sealed": {Seal: []idempotency.Sealer{sealer(t, 1)}},
	} {
		for which, lose := range map[string]func(*desk) string{
			"an unknown outcome": func(d *desk) string { return d.lose(t, "k") },
			"an orphan": func(d *desk) string {
				ref := d.orphan(t, "k")
				time.Sleep(33 * time.Second)
				return ref
			},
		} {
			t.Run(which+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					d := newDesk(t, c)
					ref := lose(d)
					time.Sleep(23 * time.Hour)
					require.NoError(t, d.Resolve(context.Background(), ref, outcome))
					time.Sleep(23 * time.Hour) // the TTL counts from there
					w := send(d, post("k", "{}"))
					assert.Equal(t, http.StatusAccepted, w.Code)
					assert.Equal(t, `{"charge":7}`, w.Body.String())
					assert.Equal(t, http.Header{
						"Location": {"/payments/7"}, "X-Note": {"as the bank says"}, "Link": {"<a>", "<b>"}, "Idempotency-Replayed": {"true"},
					}, w.Header())
					wantKind(t, http.StatusUnprocessableEntity, problem.KindKeyReused, send(d, post("k", "another body")))
					require.ErrorIs(t, d.Resolve(context.Background(), ref, outcome), idempotency.ErrNotUnknown, "it has an outcome now")
					assert.EqualValues(t, 1, d.pay.runs.Load())
					time.Sleep(2 * time.Hour)
					require.ErrorIs(t, d.Resolve(context.Background(), ref, outcome), idempotency.ErrNoRecord)
				})
			})
		}
	}
	t.Run("with a status alone", func(t *testing.T) {
		d := newDesk(t, idempotency.Config{})
		require.NoError(t, d.Resolve(context.Background(), d.lose(t, "k"), &idempotency.Outcome{Status: http.StatusNoContent}))
		assert.Equal(t, http.StatusNoContent, send(d, post("k", "{}")).Code)
	})
	t.Run("and what it says outlives its body", func(t *testing.T) {
		d := newDesk(t, idempotency.Config{})
		require.NoError(t, d.Resolve(context.Background(), d.lose(t, "k"), outcome))
		d.store.dropBodies = true
		w := send(d, post("k", "{}"))
		wantKind(t, http.StatusConflict, problem.KindResponseNotRetained, w)
		assert.Equal(t, "/payments/7", w.Header().Get("Location"))
		assert.EqualValues(t, http.StatusAccepted, member(t, w, "original_status"))
	})
	t.Run("by a reference in upper case", func(t *testing.T) {
		d := newDesk(t, idempotency.Config{})
		require.NoError(t, d.Resolve(context.Background(), strings.ToUpper(d.lose(t, "k")), outcome))
	})
	t.Run("by what a refused client's event says", func(t *testing.T) {
		d := newDesk(t, idempotency.Config{})
		d.lose(t, "k")
		wantKind(t, http.StatusConflict, problem.KindOutcomeUnknown, send(d, post("k", "{}")))
		refused := d.heard.last(t)
		assert.Equal(t, middleware.EventRefused, refused.Kind)
		require.NoError(t, d.Resolve(context.Background(), refused.Key, outcome))
	})
}

func TestResolveFrees(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, idempotency.Config{})
		require.NoError(t, d.Resolve(context.Background(), d.lose(t, "k1"), nil))
		ref := d.orphan(t, "k2")
		time.Sleep(33 * time.Second)
		require.NoError(t, d.Resolve(context.Background(), ref, nil))
		require.ErrorIs(t, d.Resolve(context.Background(), ref, nil), idempotency.ErrNoRecord)
		for _, key := range []string{"k1", "k2"} {
			w := send(d, post(key, "another body"))
			assert.Equal(t, http.StatusCreated, w.Code)
			assert.Empty(t, w.Header().Get("Idempotency-Replayed"))
		}
		assert.EqualValues(t, 4, d.pay.runs.Load())
	})
}

// TestResolveSettlesWhatIsUnknownAlone: an operator who is late, or mistaken,
// cannot overwrite what is known.
func TestResolveSettlesWhatIsUnknownAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, idempotency.Config{MaxResponseBody: 100})
		outcomes := []*idempotency.Outcome{nil, {Status: http.StatusOK}}
		refused := func(ref string) {
			t.Helper()
			for _, o := range outcomes {
				require.ErrorIs(t, d.Resolve(context.Background(), ref, o), idempotency.ErrNotUnknown)
			}
		}
		first := send(d, post("kept", "{}"))
		refused(d.heard.last(t).Key)
		wantReplay(t, first, send(d, post("kept", "{}")))

		d.pay.then = func(w http.ResponseWriter, _ *http.Request, _ int64) { _, _ = w.Write(make([]byte, 101)) }
		send(d, post("large", "{}"))
		refused(d.heard.last(t).Key)

		d.pay.then = func(w http.ResponseWriter, r *http.Request, _ int64) {
			time.Sleep(time.Minute) // renewed meanwhile
			w.WriteHeader(http.StatusCreated)
		}
		d.store.keys = nil
		go send(d, post("running", "{}"))
		synctest.Wait()
		running := reference(d.store.keys[0])
		refused(running)
		time.Sleep(50 * time.Second)
		refused(running)
		time.Sleep(time.Minute)
		assert.Equal(t, "true", send(d, post("running", "{}")).Header().Get("Idempotency-Replayed"))

		d.pay.then = nil
		claimed := time.Now()
		ref := d.orphan(t, "orphan")
		time.Sleep(32*time.Second - time.Since(claimed))
		refused(ref) // not before its owner must have stopped
		time.Sleep(time.Second)
		require.NoError(t, d.Resolve(context.Background(), ref, nil))
	})
}

func TestResolveRefusesWhatIsNoReference(t *testing.T) {
	d := newDesk(t, idempotency.Config{})
	ref := d.lose(t, "k")
	d.store.keys = nil
	for _, bad := range []string{"", "k", ref[:63], ref + "0", ref[:62], "g" + ref[1:], "-" + ref[1:], " " + ref, strings.Repeat("ü", 32)} {
		require.ErrorIs(t, d.Resolve(context.Background(), bad, nil), idempotency.ErrBadReference, bad)
	}
	assert.Empty(t, d.store.keys, "the store is not asked")
	require.ErrorIs(t, d.Resolve(context.Background(), strings.Repeat("0", 64), nil), idempotency.ErrNoRecord)
}

func TestResolveRefusesWhatIsNoOutcome(t *testing.T) {
	d := newDesk(t, idempotency.Config{MaxResponseBody: 10})
	ref := d.lose(t, "k")
	d.store.keys = nil
	for _, o := range []idempotency.Outcome{{}, {Status: 100}, {Status: 199}, {Status: 600}, {Status: -200}, {Status: 200, Body: make([]byte, 11)}} {
		require.Error(t, d.Resolve(context.Background(), ref, &o), o.Status)
	}
	assert.Empty(t, d.store.keys, "the store is not asked")
	for key, o := range map[string]idempotency.Outcome{"a": {Status: 200, Body: make([]byte, 10)}, "b": {Status: 599}} {
		require.NoError(t, d.Resolve(context.Background(), d.lose(t, key), &o))
		assert.Equal(t, o.Status, send(d, post(key, "{}")).Code)
	}
}

// TestResolveReportsAStoreThatFails: each of its calls.
func TestResolveReportsAStoreThatFails(t *testing.T) {
	cause := errors.New("connection reset")
	for name, test := range map[string]struct {
		call string
		skip int // calls of that name that succeed
		o    *idempotency.Outcome
	}{
		"when it looks":    {"get", 0, nil},
		"when it frees":    {"delete", 0, nil},
		"when it seizes":   {"replace", 0, &idempotency.Outcome{Status: 200}},
		"when it settles":  {"replace", 1, &idempotency.Outcome{Status: 200}},
		"when it looks, …": {"get", 0, &idempotency.Outcome{Status: 200}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t, idempotency.Config{})
				ref := d.lose(t, "k")
				skip := test.skip
				d.store.failWith(func(call string) error {
					if call != test.call {
						return nil
					}
					if skip--; skip >= 0 {
						return nil
					}
					return cause
				})
				err := d.Resolve(context.Background(), ref, test.o)
				require.ErrorIs(t, err, cause)
				require.NotErrorIs(t, err, idempotency.ErrNotUnknown)
				d.store.failWith(nil)
				time.Sleep(time.Minute)
				assert.GreaterOrEqual(t, send(d, post("k", "{}")).Code, 400, "it is still not settled")
				require.NoError(t, d.Resolve(context.Background(), ref, test.o), "and can be tried again")
				assert.EqualValues(t, 1, d.pay.runs.Load())
			})
		})
	}
}

// TestResolveYieldsToWhoeverIsFaster: between its look and its write.
func TestResolveYieldsToWhoeverIsFaster(t *testing.T) {
	for call, o := range map[string]*idempotency.Outcome{"delete": nil, "replace": {Status: 200}} {
		for who, act := range map[string]func(t *testing.T, d *desk, ref string){
			"another operator settles it": func(t *testing.T, d *desk, ref string) {
				require.NoError(t, d.Resolve(context.Background(), ref, &idempotency.Outcome{Status: http.StatusTeapot}))
			},
			"another operator frees it": func(t *testing.T, d *desk, ref string) {
				require.NoError(t, d.Resolve(context.Background(), ref, nil))
			},
		} {
			t.Run(who+" before the "+call, func(t *testing.T) {
				d := newDesk(t, idempotency.Config{})
				ref := d.lose(t, "k")
				once := false
				d.store.before = func(now string) {
					if now == call && !once {
						once = true
						act(t, d, ref)
					}
				}
				require.ErrorIs(t, d.Resolve(context.Background(), ref, o), idempotency.ErrNotUnknown)
				d.store.before = nil
				w := send(d, post("k", "{}"))
				assert.Contains(t, []int{http.StatusTeapot, http.StatusCreated}, w.Code, "what the other did stands")
			})
		}
	}
}
