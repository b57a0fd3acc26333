package openapitest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/middleware/lock"
	"github.com/concordhttp/concord/middleware/problem"
	"github.com/concordhttp/concord/store"
	"github.com/concordhttp/concord/store/memory"
	"github.com/concordhttp/concord/store/sqlstore"
)

// provocation is a way to get a kind of problem out of a server.
type provocation struct {
	kind    problem.Kind
	name    string // where a kind has several
	config  func(*testing.T, *concord.Config)
	handler func(http.ResponseWriter, *http.Request) error // nil: a document
	before  []ask                                          // what is sent before
	ask     ask
}

// ask is a request; one that does not wait is answered, if ever, after the next.
type ask struct {
	method, body string
	fields       []string
	asBob, begun bool
}

var provocations = []provocation{
	{kind: problem.KindVersionMismatch, ask: ask{method: "PUT", fields: []string{"If-Match", `"stale"`}}},
	{kind: problem.KindVersionMismatch, name: "with what stands", ask: ask{method: "PUT", fields: []string{"If-Match", `"stale"`, "Prefer", "return=representation"}}},
	{
		kind: problem.KindVersionMismatch, name: "as 409",
		config: func(_ *testing.T, c *concord.Config) { c.ETag.StaleStatus = http.StatusConflict },
		ask:    ask{method: "PUT", fields: []string{"If-Match", `"stale"`}},
	},
	{
		kind:   problem.KindPreconditionRequired,
		config: func(_ *testing.T, c *concord.Config) { c.ETag.Require = concord.Routes("PUT /") },
		ask:    ask{method: "PUT"},
	},
	{kind: problem.KindPreconditionMalformed, ask: ask{method: "PUT", fields: []string{"If-Match", "bare"}}},
	{
		kind:    problem.KindResourceBusy,
		config:  func(_ *testing.T, c *concord.Config) { c.ETag.GateWait = time.Millisecond },
		handler: blocks, before: []ask{{method: "PUT", begun: true}},
		ask: ask{method: "DELETE"},
	},
	{kind: problem.KindLocked, config: locks(0), before: []ask{{method: "LOCK"}}, ask: ask{method: "PUT", asBob: true}},
	{kind: problem.KindLocked, name: "as 423", config: locks(http.StatusLocked), before: []ask{{method: "LOCK"}}, ask: ask{method: "PUT", asBob: true}},
	{
		kind: problem.KindDuplicate, ask: ask{method: "POST"},
		handler: func(http.ResponseWriter, *http.Request) error {
			p := problem.Duplicate("There is a document of this name.")
			p.Extensions = object{"conflicting": "/documents/notes"}
			return p
		},
	},
	{kind: problem.KindStateConflict, handler: answers(problem.StateConflict("The slot is taken.")), ask: ask{method: "POST"}},
	{kind: problem.KindDependency, handler: answers(sqlError("23503")), ask: ask{method: "DELETE"}},
	{kind: problem.KindWriteConflict, handler: answers(sqlError("40001")), ask: ask{method: "POST"}},
	{kind: problem.KindRequestInFlight, handler: blocks, before: []ask{{method: "POST", fields: key, begun: true}}, ask: ask{method: "POST", fields: key}},
	{kind: problem.KindOutcomeUnknown, handler: panics, before: []ask{{method: "POST", fields: key}}, ask: ask{method: "POST", fields: key}},
	{
		kind:   problem.KindResponseNotRetained,
		config: func(_ *testing.T, c *concord.Config) { c.Idempotency.MaxResponseBody = 1 },
		before: []ask{{method: "POST", fields: key}}, ask: ask{method: "POST", fields: key},
	},
	{kind: problem.KindKeyReused, before: []ask{{method: "POST", body: "1", fields: key}}, ask: ask{method: "POST", body: "2", fields: key}},
	{
		kind:   problem.KindKeyMissing,
		config: func(_ *testing.T, c *concord.Config) { c.Idempotency.Require = concord.Routes("POST /") },
		ask:    ask{method: "POST"},
	},
	{kind: problem.KindKeyInvalid, ask: ask{method: "POST", fields: []string{"Idempotency-Key", ""}}},
	{
		kind:   problem.KindBodyTooLarge,
		config: func(_ *testing.T, c *concord.Config) { c.Idempotency.MaxRequestBody = 1 },
		ask:    ask{method: "POST", body: "12", fields: key},
	},
	{
		kind:   problem.KindPrincipalUnknown,
		config: func(_ *testing.T, c *concord.Config) { c.Principal = concord.ByCookie("session") },
		ask:    ask{method: "POST", fields: key},
	},
	{kind: problem.KindValidatorMissing, handler: answers(problem.OfStatus(http.StatusMethodNotAllowed, "", nil)), ask: ask{method: "PUT", fields: []string{"If-Match", "*"}}},
	{
		kind: problem.KindResponseTooLarge,
		config: func(t *testing.T, c *concord.Config) {
			c.Store = database(t)
			c.Idempotency.Transactional, c.Idempotency.MaxResponseBody = true, 1
		},
		handler: func(w http.ResponseWriter, r *http.Request) error {
			if _, err := sqlstore.Tx(r.Context()); err != nil {
				return err
			}
			_, _ = io.WriteString(w, "more than may be held")
			return nil
		},
		ask: ask{method: "POST", fields: key},
	},
	{kind: problem.KindInternal, handler: answers(errors.New("a cause")), ask: ask{method: "POST"}},
	{kind: problem.KindValidatorUnavailable, handler: answers(errors.New("a cause")), ask: ask{method: "PUT", fields: []string{"If-Match", "*"}}},
	{
		kind:   problem.KindStoreUnavailable,
		config: func(_ *testing.T, c *concord.Config) { c.Store = down{memory.New(memory.Config{})} },
		ask:    ask{method: "POST", fields: key},
	},
}

var key = []string{"Idempotency-Key", `"1"`}

// provoke runs a server, and returns its answer to the last request.
func (p *provocation) provoke(t *testing.T) *http.Response {
	t.Helper()
	c := concord.Config{Principal: concord.ByAuthorization}
	if p.config != nil {
		p.config(t, &c)
	}
	stack, err := concord.New(c)
	require.NoError(t, err)
	handler := p.handler
	if handler == nil {
		handler = func(w http.ResponseWriter, _ *http.Request) error {
			_, err := io.WriteString(w, "a document")
			return err
		}
	}
	began, done := make(chan struct{}, 1), make(chan struct{})
	routes := stack.Handler(stack.HandlerFunc(handler))
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		routes.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), gateKey{}, gate{began, done})))
	}))
	server.Config.ErrorLog = quiet
	server.Start()
	var answered sync.WaitGroup
	t.Cleanup(func() { close(done); answered.Wait(); server.Close() })
	for _, a := range p.before {
		if !a.begun {
			if answer, err := a.send(t, server); err == nil {
				answer.Body.Close()
			}
			continue
		}
		answered.Go(func() {
			if answer, err := a.send(t, server); err == nil {
				answer.Body.Close()
			}
		})
		<-began
	}
	answer, err := p.ask.send(t, server)
	require.NoError(t, err)
	t.Cleanup(func() { answer.Body.Close() })
	return answer
}

func (a ask) send(t *testing.T, server *httptest.Server) (*http.Response, error) {
	ctx := context.WithoutCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, a.method, server.URL+"/documents/1", strings.NewReader(a.body))
	if err != nil {
		return nil, err
	}
	user := "ann"
	if a.asBob {
		user = "bob"
	}
	r.SetBasicAuth(user, "")
	for i := 0; i+1 < len(a.fields); i += 2 {
		r.Header.Set(a.fields[i], a.fields[i+1])
	}
	return server.Client().Do(r)
}

// locks turns edit locks on.
func locks(status int) func(*testing.T, *concord.Config) {
	return func(_ *testing.T, c *concord.Config) {
		c.Lock = &lock.Config{Status: status, Holder: func(*http.Request) string { return "Ann" }}
	}
}

// down is a store that does not answer.
type down struct{ store.Store }

// Create implements [store.Store].
func (down) Create(context.Context, string, store.Record) (store.Record, bool, error) {
	return store.Record{}, false, store.ErrUnavailable
}
