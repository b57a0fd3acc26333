package concord_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/problem"
)

// decision is one that a layer makes, and how to provoke it.
type decision struct {
	config  func(*concord.Config)
	handler http.HandlerFunc // nil: a page
	provoke func(*scene) *httptest.ResponseRecorder
	event   middleware.Event // what it says; Wait and Run: that there is one
	cause   string           // what the event's error says
}

const some = time.Nanosecond // of a wait or a run: however long it was

var decisions = map[string]decision{
	"etag, read": {
		provoke: func(s *scene) *httptest.ResponseRecorder { return s.do("GET", "", "If-None-Match", `"other"`) },
		event:   middleware.Event{Kind: middleware.EventPassed, Layer: "etag", Method: "GET", Status: 200},
	},
	"etag, not modified": {
		provoke: func(s *scene) *httptest.ResponseRecorder { return s.do("GET", "", "If-None-Match", tagOne) },
		event:   middleware.Event{Kind: middleware.EventNotModified, Layer: "etag", Method: "GET", Status: 304},
	},
	"etag, read of a stale version": {
		provoke: func(s *scene) *httptest.ResponseRecorder { return s.do("GET", "", "If-Match", `"stale"`) },
		event:   refusedBy("etag", "GET", problem.KindVersionMismatch, 412),
	},
	"etag, written": {
		handler: sleeps(time.Second),
		provoke: func(s *scene) *httptest.ResponseRecorder { return s.do("PUT", "SECRET-body") },
		event:   middleware.Event{Kind: middleware.EventPassed, Layer: "etag", Method: "PUT", Status: 200, Run: some},
	},
	"etag, written after a wait": {
		handler: sleeps(time.Second),
		provoke: func(s *scene) *httptest.ResponseRecorder {
			s.begin("PUT", "SECRET-body")
			return s.do("DELETE", "")
		},
		event: middleware.Event{Kind: middleware.EventPassed, Layer: "etag", Method: "DELETE", Status: 200, Wait: some, Run: some},
	},
	"etag, stale": {
		provoke: func(s *scene) *httptest.ResponseRecorder { return s.do("PUT", "SECRET-body", "If-Match", `"stale"`) },
		event:   refusedBy("etag", "PUT", problem.KindVersionMismatch, 412),
	},
	"etag, no precondition": {
		config:  func(c *concord.Config) { c.ETag.Require = concord.Routes("PUT /d") },
		provoke: func(s *scene) *httptest.ResponseRecorder { return s.do("PUT", "SECRET-body") },
		event:   refusedBy("etag", "PUT", problem.KindPreconditionRequired, 428),
	},
	"etag, malformed": {
		provoke: func(s *scene) *httptest.ResponseRecorder { return s.do("PUT", "SECRET-body", "If-Match", `"SECRET`) },
		event:   refusedBy("etag", "PUT", problem.KindPreconditionMalformed, 400),
	},
	"etag, busy": {
		config:  func(c *concord.Config) { c.ETag.GateWait = time.Second },
		handler: sleeps(10 * time.Second),
		provoke: func(s *scene) *httptest.ResponseRecorder {
			s.begin("PUT", "SECRET-body")
			return s.do("DELETE", "")
		},
		event: waited(refusedBy("etag", "DELETE", problem.KindResourceBusy, 409)),
		cause: "busy",
	},
	"etag, no validator": {
		handler: answersWith(http.StatusMethodNotAllowed),
		provoke: func(s *scene) *httptest.ResponseRecorder { return s.do("PUT", "SECRET-body", "If-Match", "*") },
		event:   failedIn("etag", "PUT", problem.KindValidatorMissing, 500),
		cause:   "405",
	},
	"etag, validator out of reach": {
		handler: answersWith(http.StatusInternalServerError),
		provoke: func(s *scene) *httptest.ResponseRecorder { return s.do("PUT", "SECRET-body", "If-Match", "*") },
		event:   failedIn("etag", "PUT", problem.KindValidatorUnavailable, 503),
		cause:   "500",
	},
	"etag, may not read": {
		handler: answersWith(http.StatusForbidden),
		provoke: func(s *scene) *httptest.ResponseRecorder {
			w := s.do("PUT", "SECRET-body", "If-Match", "*")
			w.Body.Reset() // the handler's own words
			return w
		},
		event: middleware.Event{Kind: middleware.EventRefused, Layer: "etag", Method: "PUT", Status: 403},
	},
	"etag, panic": {
		handler: panics,
		provoke: func(s *scene) *httptest.ResponseRecorder { s.aborted("PUT"); return nil },
		event:   middleware.Event{Kind: middleware.EventFailed, Layer: "etag", Method: "PUT"},
		cause:   "did not return",
	},
	"etag, store down": {
		provoke: func(s *scene) *httptest.ResponseRecorder { s.store.goDown(); return s.do("PUT", "SECRET-body") },
		event:   failedIn("etag", "PUT", problem.KindStoreUnavailable, 503),
		cause:   "CAUSE",
	},
	"etag, gate lost": {
		config:  func(c *concord.Config) { c.ETag.MaxRun = time.Second },
		handler: sleeps(time.Minute),
		provoke: func(s *scene) *httptest.ResponseRecorder { return s.do("PUT", "SECRET-body") },
		event:   middleware.Event{Kind: middleware.EventLost, Layer: "etag", Method: "PUT"},
		cause:   "lease",
	},

	"idempotency, first": {
		handler: sleeps(time.Second),
		provoke: func(s *scene) *httptest.ResponseRecorder { return s.do("POST", "SECRET-body", keyed...) },
		event:   middleware.Event{Kind: middleware.EventPassed, Layer: "idempotency", Method: "POST", Status: 200, Run: some},
	},
	"idempotency, again": {
		provoke: func(s *scene) *httptest.ResponseRecorder {
			s.do("POST", "SECRET-body", keyed...)
			return s.do("POST", "SECRET-body", keyed...)
		},
		event: middleware.Event{Kind: middleware.EventReplayed, Layer: "idempotency", Method: "POST", Status: 200},
	},
	"idempotency, again after a wait": {
		config:  func(c *concord.Config) { c.Idempotency.Wait = time.Minute },
		handler: sleeps(time.Second),
		provoke: func(s *scene) *httptest.ResponseRecorder {
			s.begin("POST", "SECRET-body", keyed...)
			return s.do("POST", "SECRET-body", keyed...)
		},
		event: middleware.Event{Kind: middleware.EventReplayed, Layer: "idempotency", Method: "POST", Status: 200, Wait: some},
	},
	"idempotency, in flight": {
		config:  func(c *concord.Config) { c.Idempotency.Wait = time.Second },
		handler: sleeps(10 * time.Second),
		provoke: func(s *scene) *httptest.ResponseRecorder {
			s.begin("POST", "SECRET-body", keyed...)
			return s.do("POST", "SECRET-body", keyed...)
		},
		event: waited(refusedBy("idempotency", "POST", problem.KindRequestInFlight, 409)),
	},
	"idempotency, panic": {
		handler: panics,
		provoke: func(s *scene) *httptest.ResponseRecorder { s.aborted("POST", keyed...); return nil },
		event:   middleware.Event{Kind: middleware.EventUnknown, Layer: "idempotency", Method: "POST"},
		cause:   "did not return",
	},
	"idempotency, unclear": {
		handler: answersWith(http.StatusBadGateway),
		provoke: func(s *scene) *httptest.ResponseRecorder { s.do("POST", "SECRET-body", keyed...); return nil },
		event:   middleware.Event{Kind: middleware.EventUnknown, Layer: "idempotency", Method: "POST", Status: 502},
	},
	"idempotency, unknown": {
		handler: panics,
		provoke: func(s *scene) *httptest.ResponseRecorder {
			s.aborted("POST", keyed...)
			return s.do("POST", "SECRET-body", keyed...)
		},
		event: refusedBy("idempotency", "POST", problem.KindOutcomeUnknown, 409),
	},
	"idempotency, forgotten": {
		config:  func(c *concord.Config) { c.Idempotency.MaxUnknown = 1 },
		handler: panics,
		provoke: func(s *scene) *httptest.ResponseRecorder {
			s.aborted("POST", keyed...)
			s.aborted("POST", "Idempotency-Key", "SECRET-2")
			return nil
		},
		event: middleware.Event{Kind: middleware.EventForgotten, Layer: "idempotency", Method: "POST"},
	},
	"idempotency, not retained": {
		config: func(c *concord.Config) { c.Idempotency.MaxResponseBody = 4 },
		provoke: func(s *scene) *httptest.ResponseRecorder {
			s.do("POST", "SECRET-body", keyed...)
			return s.do("POST", "SECRET-body", keyed...)
		},
		event: refusedBy("idempotency", "POST", problem.KindResponseNotRetained, 409),
	},
	"idempotency, reused": {
		provoke: func(s *scene) *httptest.ResponseRecorder {
			s.do("POST", "SECRET-body", keyed...)
			return s.do("POST", "SECRET-other", keyed...)
		},
		event: refusedBy("idempotency", "POST", problem.KindKeyReused, 422),
	},
	"idempotency, no key": {
		config:  func(c *concord.Config) { c.Idempotency.Require = concord.Routes("POST /d") },
		provoke: func(s *scene) *httptest.ResponseRecorder { return s.do("POST", "SECRET-body") },
		event:   refusedBy("idempotency", "POST", problem.KindKeyMissing, 400),
	},
	"idempotency, no such key": {
		provoke: func(s *scene) *httptest.ResponseRecorder {
			return s.do("POST", "SECRET-body", "Idempotency-Key", "SECRET,SECRET")
		},
		event: refusedBy("idempotency", "POST", problem.KindKeyInvalid, 400),
		cause: "character",
	},
	"idempotency, too large": {
		config:  func(c *concord.Config) { c.Idempotency.MaxRequestBody = 4 },
		provoke: func(s *scene) *httptest.ResponseRecorder { return s.do("POST", "SECRET-body", keyed...) },
		event:   refusedBy("idempotency", "POST", problem.KindBodyTooLarge, 413),
	},
	"idempotency, nobody": {
		config: func(c *concord.Config) {
			c.Principal = func(*http.Request) (string, error) { return "", errors.New("CAUSE: no session") }
		},
		provoke: func(s *scene) *httptest.ResponseRecorder { return s.do("POST", "SECRET-body", keyed...) },
		event:   failedIn("idempotency", "POST", problem.KindPrincipalUnknown, 500),
		cause:   "CAUSE",
	},
	"idempotency, store down": {
		provoke: func(s *scene) *httptest.ResponseRecorder {
			s.store.goDown()
			return s.do("POST", "SECRET-body", keyed...)
		},
		event: failedIn("idempotency", "POST", problem.KindStoreUnavailable, 503),
		cause: "CAUSE",
	},
	"idempotency, lost": {
		handler: sleeps(time.Minute),
		provoke: func(s *scene) *httptest.ResponseRecorder {
			answer := s.begin("POST", "SECRET-body", keyed...)
			s.store.loseAll()
			answer()
			return nil
		},
		event: middleware.Event{Kind: middleware.EventLost, Layer: "idempotency", Method: "POST", Status: 200, Run: some},
		cause: "lease",
	},
	"lock, gate lost": {
		handler: sleeps(time.Minute),
		provoke: func(s *scene) *httptest.ResponseRecorder {
			answer := s.begin("POST", "SECRET-body")
			s.store.loseAll()
			answer()
			return nil
		},
		event: middleware.Event{Kind: middleware.EventLost, Layer: "lock", Method: "POST"},
		cause: "lease",
	},
	"idempotency, outlived": {
		config:  func(c *concord.Config) { c.Idempotency.MaxRun = time.Second; c.Idempotency.Lease = time.Second },
		handler: sleeps(time.Hour),
		provoke: func(s *scene) *httptest.ResponseRecorder {
			answer := s.begin("POST", "SECRET-body", keyed...)
			time.Sleep(time.Minute)
			again := s.do("POST", "SECRET-body", keyed...)
			answer()
			return again
		},
		event: refusedBy("idempotency", "POST", problem.KindOutcomeUnknown, 409),
	},

	"collapse, alone": {
		handler: sleeps(time.Second),
		provoke: func(s *scene) *httptest.ResponseRecorder { return s.do("GET", "") },
		event:   middleware.Event{Kind: middleware.EventPassed, Layer: "collapse", Method: "GET", Status: 200, Run: some},
	},
	"collapse, together": {
		handler: sleeps(time.Second),
		provoke: func(s *scene) *httptest.ResponseRecorder {
			s.begin("GET", "")
			return s.do("GET", "")
		},
		event: middleware.Event{Kind: middleware.EventCollapsed, Layer: "collapse", Method: "GET", Status: 200, Wait: some},
	},
	"collapse, not to be shared": {
		handler: func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(time.Second)
			w.Header().Set("Cache-Control", "private")
			_, _ = w.Write(nil)
		},
		provoke: func(s *scene) *httptest.ResponseRecorder {
			s.begin("GET", "")
			return s.do("GET", "")
		},
		event: middleware.Event{Kind: middleware.EventPassed, Layer: "collapse", Method: "GET", Status: 200, Wait: some},
	},
	"collapse, gone": {
		handler: sleeps(10 * time.Second),
		provoke: func(s *scene) *httptest.ResponseRecorder {
			s.begin("GET", "")
			ctx, cancel := context.WithCancel(context.WithValue(context.Background(), subjectKey{}, "SECRET-ann"))
			time.AfterFunc(time.Second, cancel)
			return send(s.h, request("GET", "").WithContext(ctx))
		},
		event: waited(refusedBy("collapse", "GET", problem.KindResourceBusy, 409)),
		cause: "canceled",
	},
	"collapse, panic": {
		handler: panics,
		provoke: func(s *scene) *httptest.ResponseRecorder { s.aborted("GET"); return nil },
		event:   middleware.Event{Kind: middleware.EventFailed, Layer: "collapse", Method: "GET"},
		cause:   "did not return",
	},

	"lock, taken": {
		provoke: func(s *scene) *httptest.ResponseRecorder { s.lock(); return nil },
		event:   middleware.Event{Kind: middleware.EventLocked, Layer: "lock", Method: "LOCK", Status: 200, Holder: "the editor"},
	},
	"lock, ended": {
		provoke: func(s *scene) *httptest.ResponseRecorder { s.do("UNLOCK", "", "Lock-Token", s.lock()); return nil },
		event:   middleware.Event{Kind: middleware.EventUnlocked, Layer: "lock", Method: "UNLOCK", Status: 204, Holder: "the editor"},
	},
	"lock, in its way": {
		provoke: func(s *scene) *httptest.ResponseRecorder { s.lock(); return s.doAs("SECRET-bob", "PUT", "SECRET-body") },
		event:   heldBy("the editor", refusedBy("lock", "PUT", problem.KindLocked, 409)),
		cause:   "held by another",
	},
	"lock, another's": {
		provoke: func(s *scene) *httptest.ResponseRecorder { s.lock(); return s.doAs("SECRET-bob", "LOCK", "") },
		event:   heldBy("the editor", refusedBy("lock", "LOCK", problem.KindLocked, 409)),
		cause:   "held by another",
	},
	"lock, a stolen token": {
		provoke: func(s *scene) *httptest.ResponseRecorder {
			return s.doAs("SECRET-bob", "DELETE", "", "Lock-Token", s.lock())
		},
		event: heldBy("the editor", refusedBy("lock", "DELETE", problem.KindLocked, 409)),
		cause: "held by another",
	},
	"lock, written under": {
		provoke: func(s *scene) *httptest.ResponseRecorder { return s.do("PUT", "SECRET-body", "Lock-Token", s.lock()) },
		event:   middleware.Event{Kind: middleware.EventPassed, Layer: "lock", Method: "PUT", Status: 200, Holder: "the editor"},
	},
	"lock, expired": {
		provoke: func(s *scene) *httptest.ResponseRecorder {
			token := s.lock("Timeout", "Second-10")
			time.Sleep(time.Minute)
			return s.do("PUT", "SECRET-body", "Lock-Token", token)
		},
		event: refusedBy("lock", "PUT", problem.KindVersionMismatch, 412),
		cause: "expired",
	},
	"lock, malformed": {
		provoke: func(s *scene) *httptest.ResponseRecorder { return s.do("PUT", "SECRET-body", "Lock-Token", "SECRET") },
		event:   refusedBy("lock", "PUT", problem.KindPreconditionMalformed, 400),
	},
	"lock, panic": {
		handler: panics,
		provoke: func(s *scene) *httptest.ResponseRecorder { s.aborted("POST"); return nil },
		event:   middleware.Event{Kind: middleware.EventFailed, Layer: "lock", Method: "POST"},
		cause:   "did not return",
	},
	"lock, nobody": {
		config: func(c *concord.Config) {
			c.Principal = func(*http.Request) (string, error) { return "", errors.New("CAUSE: no session") }
		},
		provoke: func(s *scene) *httptest.ResponseRecorder { return s.do("LOCK", "") },
		event:   failedIn("lock", "LOCK", problem.KindPrincipalUnknown, 500),
		cause:   "CAUSE",
	},
	"lock, store down": {
		provoke: func(s *scene) *httptest.ResponseRecorder { s.store.goDown(); return s.do("POST", "SECRET-body") },
		event:   failedIn("lock", "POST", problem.KindStoreUnavailable, 503),
		cause:   "CAUSE",
	},
}

// keyless are the problems of requests whose key is not known, or whose it is.
var keyless = map[problem.Kind]bool{
	problem.KindKeyMissing: true, problem.KindKeyInvalid: true, problem.KindPrincipalUnknown: true,
}

var keyed = []string{"Idempotency-Key", "SECRET-key"}

func refusedBy(layer, method string, kind problem.Kind, status int) middleware.Event {
	return middleware.Event{Kind: middleware.EventRefused, Layer: layer, Method: method, Problem: kind, Status: status}
}

func failedIn(layer, method string, kind problem.Kind, status int) middleware.Event {
	e := refusedBy(layer, method, kind, status)
	e.Kind = middleware.EventFailed
	return e
}

func waited(e middleware.Event) middleware.Event {
	e.Wait = some
	return e
}

func heldBy(holder string, e middleware.Event) middleware.Event {
	e.Holder = holder
	return e
}

// TestEveryDecisionIsAnEvent that says who decided what about which request; and
// each is a line in the log. Neither tells a key, a principal, a token or what
// was in a request.
func TestEveryDecisionIsAnEvent(t *testing.T) {
	for name, d := range decisions {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScene(t, d.config, d.handler)
				d.provoke(s)
				time.Sleep(time.Hour) // whoever is still under way comes to an end
				s.mu.Lock()
				defer s.mu.Unlock()
				found := 0
				for _, e := range s.events {
					if d.isWhat(e) {
						found++
					}
					assert.NotEmpty(t, e.Method, e)
					assert.Equal(t, e.Problem != "", e.Instance != "", e)
					if e.Layer == "idempotency" {
						assert.Empty(t, e.Resource, e)
						assert.Equal(t, !keyless[e.Problem], e.Key != "", e)
					} else {
						assert.Equal(t, "/d", e.Resource, e)
					}
				}
				assert.Equal(t, 1, found, "%+v", s.events)
				log := s.log.String()
				assert.Equal(t, len(s.events), strings.Count(log, "\n"))
				assert.Contains(t, log, `msg="concord: `+string(d.event.Kind)+`" layer=`+d.event.Layer+" method="+d.event.Method)
				assert.NotContains(t, log, "SECRET")
				for _, token := range s.tokens {
					assert.NotContains(t, log, strings.Trim(token, "<>"))
				}
			})
		})
	}
}

// What a client quotes of its refusal is found in the log.
func TestARefusalAndItsEventNameOneInstance(t *testing.T) {
	for name, c := range map[string]struct {
		method string
		fields []string
	}{
		"etag":        {http.MethodPut, []string{"If-Match", `"old"`}},
		"a read":      {http.MethodGet, []string{"If-Match", `"old"`}},
		"idempotency": {http.MethodPost, []string{"Idempotency-Key", `"`}},
		"lock":        {http.MethodPut, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, nil, nil)
			if name == "lock" {
				s.lock()
			}
			s.events = nil
			var told struct{ Instance string }
			require.NoError(t, json.Unmarshal(s.do(c.method, "", c.fields...).Body.Bytes(), &told))
			require.Regexp(t, "^urn:uuid:[0-9a-f-]{36}$", told.Instance)
			assert.True(t, slices.ContainsFunc(s.events, func(e middleware.Event) bool { return e.Instance == told.Instance }), s.events)
			assert.Contains(t, s.log.String(), " instance="+told.Instance)
		})
	}
}

// isWhat reports whether e is the event of the decision.
func (d *decision) isWhat(e middleware.Event) bool {
	if (e.Wait > 0) != (d.event.Wait > 0) || d.event.Run > 0 && e.Run <= 0 || (e.Err != nil) != (d.cause != "") ||
		e.Err != nil && !strings.Contains(e.Err.Error(), d.cause) {
		return false
	}
	e.Resource, e.Key, e.Instance, e.Wait, e.Run, e.Err = "", "", "", d.event.Wait, d.event.Run, nil
	return e == d.event
}
