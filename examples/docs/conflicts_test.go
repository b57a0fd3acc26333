package docs

import (
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/examples/internal/console"
	"github.com/concordhttp/concord/middleware/lock"
	"github.com/concordhttp/concord/middleware/problem"
)

var quiet = log.New(io.Discard, "", 0)

// TestLogOfConflicts writes the log that docs/conflicts.md shows: what concord.Log
// says of each conflict, and of what came before it.
func TestLogOfConflicts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		logger := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			switch a.Key {
			case slog.TimeKey:
				return slog.Attr{}
			case "instance":
				return slog.String(a.Key, "urn:uuid:6f1ed002-9ab3-4c2c-8d2f-3f1f6f4b8a57") // another one each time
			}
			return a
		}}))
		config := concord.Config{Principal: customer, Observer: concord.Log(logger), Lock: &lock.Config{
			Holder: func(r *http.Request) string { name, _, _ := r.BasicAuth(); return name },
		}}
		config.ETag.GateWait = 2 * time.Second
		config.Idempotency.MaxResponseBody = 1000
		stack, err := concord.New(config)
		require.NoError(t, err)
		h := stack.Handler(stack.HandlerFunc(conflicting))
		for _, c := range conflicts {
			fmt.Fprintf(&out, "# %s\n", c.note)
			c.provoke(h)
		}
		console.Hold(t, "conflicts.log", out.String())
	})
}

// conflicting does what the path says.
func conflicting(w http.ResponseWriter, r *http.Request) error {
	switch r.URL.Path {
	case "/slow":
		time.Sleep(20 * time.Second)
	case "/large":
		_, err := w.Write(make([]byte, 2000))
		return err
	case "/dies":
		panic(http.ErrAbortHandler)
	case "/timeout":
		w.WriteHeader(http.StatusGatewayTimeout)
	case "/taken":
		return problem.StateConflict("The slot is taken.")
	}
	return nil
}

// duringSlow runs f while a request runs, and waits for its end.
func duringSlow(h http.Handler, method, key string, f func()) {
	var first sync.WaitGroup
	first.Go(func() { ask(h, method, "/slow", key, "") })
	synctest.Wait()
	f()
	first.Wait()
}

var conflicts = []struct {
	note    string
	provoke func(http.Handler)
}{
	{"request-in-flight: the same request came again while the first one ran", func(h http.Handler) {
		duringSlow(h, "POST", "1", func() { ask(h, "POST", "/slow", "1", "") })
	}},
	{"outcome-unknown: the first request ended without an answer", func(h http.Handler) {
		ask(h, "POST", "/dies", "2", "")
		ask(h, "POST", "/dies", "2", "")
	}},
	{"outcome-unknown: the first request was answered 504 by what stands behind the handler", func(h http.Handler) {
		ask(h, "POST", "/timeout", "3", "")
		ask(h, "POST", "/timeout", "3", "")
	}},
	{"response-not-retained: the first answer was too large to keep", func(h http.Handler) {
		ask(h, "POST", "/large", "4", "")
		ask(h, "POST", "/large", "4", "")
	}},
	{"resource-busy: another write of the resource took longer than this one waits", func(h http.Handler) {
		duringSlow(h, "PUT", "", func() { ask(h, "PUT", "/slow", "", "") })
	}},
	{"locked: bob edits", func(h http.Handler) {
		r := httptest.NewRequest("LOCK", "/notes/1", http.NoBody)
		r.SetBasicAuth("bob", "")
		h.ServeHTTP(httptest.NewRecorder(), r)
		ask(h, "PUT", "/notes/1", "", "")
	}},
	{"state-conflict, duplicate, dependency: the handler said so, and there is no line", func(h http.Handler) {
		ask(h, "POST", "/taken", "", "")
	}},
}
