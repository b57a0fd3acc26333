package idempotency_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/problem"
)

// TestEventOfEachDecision: one for each request, with what applies to it.
func TestEventOfEachDecision(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		heard := &observer{}
		pay := &till{then: func(w http.ResponseWriter, r *http.Request, _ int64) {
			time.Sleep(2 * time.Second)
			switch r.URL.Path {
			case "/panic":
				panic("boom")
			case "/busy":
				w.WriteHeader(http.StatusTooManyRequests)
			case "/lost":
				w.WriteHeader(http.StatusBadGateway)
			default:
				w.WriteHeader(http.StatusCreated)
			}
		}}
		h := newLayer(t, idempotency.Config{Observer: heard, Wait: 10 * time.Second}).Handler(pay)
		one := func(r *http.Request, want middleware.Event) {
			t.Helper()
			before := len(heard.events)
			if r.URL.Path == "/panic" && want.Kind == middleware.EventUnknown {
				panics(t, h, r)
				require.Error(t, heard.last(t).Err)
			} else {
				send(h, r)
			}
			require.Len(t, heard.events, before+1)
			got := heard.last(t)
			if want.Problem != problem.KindKeyInvalid {
				assert.Len(t, got.Key, 64, "a reference that Resolve takes")
			}
			assert.Equal(t, want.Problem != "", got.Instance != "", "what the client may quote")
			got.Key, got.Instance, got.Err = "", "", nil
			want.Layer, want.Method = "idempotency", r.Method
			assert.Equal(t, want, got)
		}
		ran := 2 * time.Second
		try := func(path string) *http.Request { return request(http.MethodPut, path, "key"+path[1:], "{}") }
		one(try("/pay"), middleware.Event{Kind: middleware.EventPassed, Status: 201, Run: ran})
		one(try("/pay"), middleware.Event{Kind: middleware.EventReplayed, Status: 201})
		one(try("/busy"), middleware.Event{Kind: middleware.EventPassed, Status: 429, Run: ran})
		one(try("/lost"), middleware.Event{Kind: middleware.EventUnknown, Status: 502, Run: ran})
		one(try("/lost"), middleware.Event{Kind: middleware.EventRefused, Problem: problem.KindOutcomeUnknown, Status: 409})
		one(try("/panic"), middleware.Event{Kind: middleware.EventUnknown, Run: ran})
		one(request(http.MethodPut, "/pay", `"`, ""), middleware.Event{Kind: middleware.EventRefused, Problem: problem.KindKeyInvalid, Status: 400})
		one(request(http.MethodPut, "/pay", "keypay", "other"), middleware.Event{Kind: middleware.EventRefused, Problem: problem.KindKeyReused, Status: 422})

		go send(h, try("/slow"))
		synctest.Wait()
		time.Sleep(time.Second)
		before := len(heard.events)
		send(h, try("/slow"))
		synctest.Wait()
		require.Len(t, heard.events, before+2)
		replayed := heard.of(middleware.EventReplayed)
		assert.Equal(t, time.Second, replayed[len(replayed)-1].Wait, "how long it waited")
	})
}

// TestEventsOfOneKeyHaveOneReference: which neither the key nor the principal
// can be read from, and which another key does not have.
func TestEventsOfOneKeyHaveOneReference(t *testing.T) {
	heard := &observer{}
	h := newLayer(t, idempotency.Config{Observer: heard, Principal: bySubject}).Handler(&till{})
	refs := map[string]int{}
	for _, who := range []string{"alice", "bob"} {
		for _, key := range []string{"key-one", "key-two"} {
			for range 3 {
				send(h, post(key, "{}", "X-Subject", who))
				ref := heard.last(t).Key
				refs[ref]++
				assert.Regexp(t, "^[0-9a-f]{64}$", ref)
				decoded := storageKey(t, ref)
				for _, secret := range []string{key, who} {
					assert.NotContains(t, decoded, secret)
				}
			}
		}
	}
	assert.Len(t, refs, 4)
}

// TestPrincipalUnknownIsToldInFull: it is a mistake of configuration.
func TestPrincipalUnknownIsToldInFull(t *testing.T) {
	heard := &observer{}
	cause := fmt.Errorf("no subject: %w", middleware.ErrPrincipalUnknown)
	pay := &till{}
	h := newLayer(t, idempotency.Config{Observer: heard, Principal: func(*http.Request) (string, error) { return "", cause }}).Handler(pay)
	w := send(h, post("k", "{}"))
	wantKind(t, http.StatusInternalServerError, problem.KindPrincipalUnknown, w)
	assert.NotContains(t, w.Body.String(), "subject")
	assert.Equal(t, middleware.EventFailed, heard.last(t).Kind)
	assert.Equal(t, problem.KindPrincipalUnknown, heard.last(t).Problem)
	require.ErrorIs(t, heard.last(t).Err, cause)
	assert.Zero(t, pay.runs.Load())
	assert.Equal(t, http.StatusCreated, send(h, post("", "{}")).Code, "requests without a key need no principal")
}

func TestForgottenOutcomeIsTold(t *testing.T) {
	d := newDesk(t, idempotency.Config{MaxUnknown: 1})
	first := d.lose(t, "k1")
	assert.Empty(t, d.heard.of(middleware.EventForgotten))
	d.pay.then = func(http.ResponseWriter, *http.Request, int64) { panic("boom") }
	panics(t, d, post("k2", "{}"))
	forgotten := d.heard.of(middleware.EventForgotten)
	require.Len(t, forgotten, 1)
	assert.Equal(t, first, forgotten[0].Key)
	require.NoError(t, forgotten[0].Err)
	require.ErrorIs(t, d.Resolve(context.Background(), first, nil), idempotency.ErrNoRecord)
}

// TestLogShowsNoKey: the observer that comes with Concord writes references.
func TestLogShowsNoKey(t *testing.T) {
	var text bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: slog.LevelDebug}))
	h := newLayer(t, idempotency.Config{Observer: middleware.Log(logger), Principal: bySubject}).Handler(&till{})
	for _, body := range []string{"{}", "{}", "other"} {
		send(h, post("key-2f9a", body, "X-Subject", "alice"))
	}
	send(h, post(`key-2f9a"`, "{}", "X-Subject", "alice"))
	assert.Contains(t, text.String(), "replayed")
	assert.Contains(t, text.String(), "key=")
	assert.NotContains(t, text.String(), "2f9a")
	assert.NotContains(t, text.String(), "alice")
}
