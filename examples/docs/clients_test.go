package docs

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/examples/internal/console"
	"github.com/concordhttp/concord/middleware/problem"
)

// api is the server that docs/clients.md speaks of: notes, which are changed by
// version, and payments, which are made once.
type api struct {
	mu      sync.Mutex
	note    string
	charges int
	stack   *concord.Stack
}

func newAPI(t *testing.T) *api {
	t.Helper()
	config := concord.Config{Principal: customer}
	config.ETag.Require = concord.Routes("PUT /notes/{id}")
	config.Idempotency.Require = concord.Routes("POST /payments")
	stack, err := concord.New(config)
	require.NoError(t, err)
	return &api{note: "Buy milk.", stack: stack}
}

func (a *api) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /notes/1", func(w http.ResponseWriter, _ *http.Request) {
		a.mu.Lock()
		defer a.mu.Unlock()
		_, _ = io.WriteString(w, a.note)
	})
	mux.HandleFunc("PUT /notes/1", func(_ http.ResponseWriter, r *http.Request) {
		if text, err := io.ReadAll(r.Body); err == nil {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.note = string(text)
		}
	})
	mux.Handle("POST /payments", a.stack.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		if r.URL.RawQuery == "reject" {
			return problem.StateConflict("The account is closed.")
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		a.charges++
		w.WriteHeader(http.StatusCreated)
		_, err := fmt.Fprintf(w, "Charge %d.", a.charges)
		return err
	}))
	return a.stack.Handler(mux)
}

// TestTranscriptOfClients writes what docs/clients.md shows.
func TestTranscriptOfClients(t *testing.T) {
	server := httptest.NewServer(newAPI(t).handler())
	defer server.Close()
	address := strings.TrimPrefix(server.URL, "http://")
	console.Hold(t, "payments.console", console.Of(t, address, []console.Step{
		{Note: "Pay. Suppose that the answer is lost on its way.", Method: "POST", Path: "/payments", User: "ann:", Fields: []string{`Idempotency-Key: "8e03978e-40d5"`}, Body: "EUR 12.50"},
		{Note: "Send the same again, with the same key. Nothing is done now: this is the first answer.", Method: "POST", Path: "/payments", User: "ann:", Fields: []string{`Idempotency-Key: "8e03978e-40d5"`}, Body: "EUR 12.50"},
		{Note: "The key of one payment is no key for another.", Method: "POST", Path: "/payments", User: "ann:", Fields: []string{`Idempotency-Key: "8e03978e-40d5"`}, Body: "EUR 99.00"},
	}))
	console.Hold(t, "notes.console", console.Of(t, address, []console.Step{
		{Note: "Read. The ETag names this version.", Method: "GET", Path: "/notes/1"},
		{Note: "Change that version.", Method: "PUT", Path: "/notes/1", Fields: []string{"If-Match: %s"}, Body: "Buy tea."},
		{Note: "It is not current any more, so this would undo somebody's change.", Method: "PUT", Path: "/notes/1", Fields: []string{"If-Match: %s"}, Body: "Buy bread."},
		{Note: "Nor is a change accepted that does not say what it changes.", Method: "PUT", Path: "/notes/1", Body: "Buy bread."},
	}))
}

// unreliable loses the first answer to each key on its way, lets somebody else
// write the note before its first PUT, and is down when it is told to be.
func unreliable(a *api, meanwhile string) http.Handler {
	next := a.handler()
	var lost sync.Map
	var down, written atomic.Bool
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/down":
			down.Store(true)
			return
		case down.Load() && r.Method == http.MethodPost:
			panic(http.ErrAbortHandler)
		case r.Method == http.MethodPut && written.CompareAndSwap(false, true):
			a.mu.Lock()
			a.note = meanwhile
			a.mu.Unlock()
		}
		if _, before := lost.LoadOrStore(r.Header.Get("Idempotency-Key"), true); !before && r.Method != http.MethodGet {
			next.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}
		next.ServeHTTP(w, r)
	})
}

// TestClientInJavaScript runs the client that docs/clients.md shows.
func TestClientInJavaScript(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		missing(t, "no node on PATH")
	}
	a := newAPI(t)
	server := httptest.NewUnstartedServer(unreliable(a, "Buy tea."))
	server.Config.ErrorLog = quiet
	server.Start()
	defer server.Close()
	out, err := exec.CommandContext(t.Context(), node, "testdata/client_run.mjs", server.URL).CombinedOutput()
	require.NoError(t, err, "%s", out)
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	require.Len(t, lines, 5, "%s", out)
	assert.Equal(t, "201 Charge 1. true", lines[0], "the answer that was lost came again, and nothing was charged for it")
	assert.Contains(t, lines[1], "409 ")
	assert.Contains(t, lines[1], "state-conflict", "which is final")
	assert.Equal(t, "200", strings.TrimSpace(strings.TrimSuffix(lines[2], "true")))
	assert.Equal(t, "200 Buy tea. Again.", strings.TrimSpace(lines[3]), "nobody's change was lost")
	assert.Equal(t, "no answer", lines[4])
	assert.Equal(t, 1, a.charges)
}

// missing skips a test, or has it fail where nothing may be missing.
func missing(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("CONCORD_TEST_REQUIRE") == "1" {
		t.Fatal(why)
	}
	t.Skip(why)
}
