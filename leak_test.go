package concord_test

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware/lock"
	"github.com/concordhttp/concord/middleware/problem"
	"github.com/concordhttp/concord/store/memory"
)

// sqlError has the shape of a driver's error.
type sqlError string

func (e sqlError) Error() string    { return "CAUSE: INSERT INTO SECRET_table failed" }
func (e sqlError) SQLState() string { return string(e) }

// refusals are the problems that handlers have, beside those of the layers.
func refusals() map[string]decision {
	all := maps.Clone(decisions)
	secret := problem.StateConflict("The seat is taken.")
	secret.Err = errors.New("CAUSE")
	for name, err := range map[string]error{
		"handler, state conflict": secret,
		"handler, duplicate":      sqlError("23505"),
		"handler, dependency":     sqlError("23503"),
		"handler, write conflict": sqlError("40001"),
		"handler, internal":       errors.New("CAUSE"),
	} {
		all[name] = decision{
			handler: problem.Responder(nil).HandlerFunc(returns(err)).ServeHTTP,
			provoke: func(s *scene) *httptest.ResponseRecorder { return s.do("PUT", "SECRET-body", keyed...) },
		}
	}
	all["idempotency, answer too large for a transaction"] = decision{
		config: func(c *concord.Config) {
			open := make(chan struct{})
			close(open)
			c.Store = &beginner{Store: memory.New(memory.Config{}), commits: open}
			c.Idempotency = idempotency.Config{Transactional: true, MaxResponseBody: 4}
		},
		provoke: func(s *scene) *httptest.ResponseRecorder { return s.do("PUT", "SECRET-body", keyed...) },
	}
	return all
}

// digest is what keys, fingerprints and principals are stored as, in whichever
// alphabet; nothing that clients are told is as long.
var digest = regexp.MustCompile(`[0-9A-Za-z_+-]{32,}`)

var instance = regexp.MustCompile(`urn:uuid:[0-9a-f-]{36}`)

// TestNothingLeaks: no problem of any layer echoes a key, a fingerprint, a token,
// what another caller sent, or the text of an error.
func TestNothingLeaks(t *testing.T) {
	seen := map[string]bool{}
	for responder, respond := range map[string]problem.Responder{"JSON": nil, "Negotiate": problem.Negotiate, "Stripe": problem.Stripe} {
		for name, d := range refusals() {
			t.Run(responder+"/"+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := newScene(t, func(c *concord.Config) {
						c.Respond = respond
						if d.config != nil {
							d.config(c)
						}
					}, d.handler)
					w := d.provoke(s)
					time.Sleep(time.Hour) // whoever is still under way comes to an end
					if w == nil || w.Code < 400 {
						return // a decision that is no refusal
					}
					said := fmt.Sprint(w.Header(), w.Body)
					assert.NotContains(t, said, "SECRET")
					assert.NotContains(t, said, "CAUSE")
					assert.Empty(t, digest.FindAllString(instance.ReplaceAllString(said, ""), -1))
					s.mu.Lock()
					defer s.mu.Unlock()
					for _, token := range s.tokens {
						assert.NotContains(t, said, strings.Trim(token, "<>"))
					}
					for _, e := range s.events {
						if e.Key != "" {
							assert.NotContains(t, said, e.Key)
						}
					}
					if _, kind, found := strings.Cut(said, "problems.md#"); found {
						seen[kind[:strings.IndexAny(kind, `">`)]] = true
					}
				})
			})
		}
	}
	var missing []problem.Kind
	for _, kind := range []problem.Kind{
		problem.KindVersionMismatch, problem.KindPreconditionRequired, problem.KindPreconditionMalformed, problem.KindResourceBusy,
		problem.KindLocked, problem.KindDuplicate, problem.KindStateConflict, problem.KindDependency, problem.KindWriteConflict,
		problem.KindRequestInFlight, problem.KindOutcomeUnknown, problem.KindResponseNotRetained, problem.KindKeyReused,
		problem.KindKeyMissing, problem.KindKeyInvalid, problem.KindBodyTooLarge, problem.KindPrincipalUnknown,
		problem.KindValidatorMissing, problem.KindResponseTooLarge, problem.KindInternal, problem.KindValidatorUnavailable,
		problem.KindStoreUnavailable,
	} {
		if !seen[string(kind)] {
			missing = append(missing, kind)
		}
	}
	assert.Empty(t, missing, "every kind was provoked")
}

// TestAStolenTokenTellsNothing that a wrong one would not.
func TestAStolenTokenTellsNothing(t *testing.T) {
	h := newStack(t, concord.Config{Principal: subject, Lock: &lock.Config{}}).Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "written")
	}))
	locked := send(h, as("ann", request("LOCK", "")))
	stolen := send(h, as("bob", request("PUT", "x", "Lock-Token", locked.Header().Get("Lock-Token"))))
	wrong := send(h, as("bob", request("PUT", "x", "Lock-Token", "<urn:uuid:00000000-0000-4000-8000-000000000000>")))
	said := func(w *httptest.ResponseRecorder) string {
		return instance.ReplaceAllString(fmt.Sprint(w.Code, w.Header()["Content-Type"], w.Body), "")
	}
	assert.Equal(t, said(wrong), said(stolen))
	assert.Equal(t, http.StatusConflict, stolen.Code)
}
