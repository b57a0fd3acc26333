//go:build unix

package docs

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rs/cors"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/middleware/lock"
)

// TestPagesOfAnotherOriginInABrowser: with the lists, a browser lets a page send
// what Concord reads and read what it says. Without them it does not.
func TestPagesOfAnotherOriginInABrowser(t *testing.T) {
	with := func(origin string, stack *concord.Stack, mux http.Handler) http.Handler {
		return crossOrigin(origin, stack, signedIn, mux)
	}
	without := func(origin string, stack *concord.Stack, mux http.Handler) http.Handler {
		pages := cors.New(cors.Options{
			AllowedOrigins: []string{origin},
			AllowedMethods: []string{"GET", "POST", "PUT", "PATCH", "LOCK"},
			AllowedHeaders: []string{"Authorization"},
		})
		return pages.Handler(signedIn(stack.Handler(mux)))
	}
	assert.Equal(t, []string{
		"GET 200 ETag",
		"PUT 412 ETag Link",
		"POST 201 Location",
		"POST 201 Idempotency-Replayed Location",
		"LOCK 200 Lock-Token Timeout",
		"PATCH 400 Link", // what it sends is nonsense, and the server says so: the browser let it
	}, seenByPage(t, with))
	assert.Equal(t, []string{
		"GET 200",
		"PUT no answer",
		"POST no answer",
		"POST no answer",
		"LOCK no answer",
		"PATCH no answer",
	}, seenByPage(t, without))
}

// seenByPage has a browser open a page that uses the API from another origin, and
// returns what the page saw.
func seenByPage(t *testing.T, protect func(origin string, stack *concord.Stack, mux http.Handler) http.Handler) []string {
	t.Helper()
	browser := chromium(t)
	stack, err := concord.New(concord.Config{Principal: customer, Lock: &lock.Config{}})
	require.NoError(t, err)
	said := make(chan string, 1)
	script, err := os.ReadFile("testdata/page.js")
	require.NoError(t, err)
	var api string
	page := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			body, _ := io.ReadAll(r.Body)
			said <- string(body)
			return
		}
		allowed, _ := json.Marshal(concord.CORSRequestFields())
		readable, _ := json.Marshal(concord.CORSResponseFields())
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, "<script>const api = %q, allowed = %s, readable = %s\n%s</script>", api, allowed, readable, script)
	}))
	origin := "http://" + page.Listener.Addr().String()
	server := httptest.NewServer(protect(origin, stack, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			w.Header().Set("Location", "/notes/2")
			w.WriteHeader(http.StatusCreated)
			return
		}
		note(w, r)
	})))
	defer server.Close()
	api = server.URL
	page.Start()
	defer page.Close()

	command := exec.CommandContext(t.Context(), browser, "--headless", "--no-sandbox", "--disable-gpu",
		"--disable-dev-shm-usage", "--no-first-run", "--user-data-dir="+t.TempDir(), "--remote-debugging-port=0", origin)
	require.NoError(t, command.Start())
	defer func() { // asked to, it ends its children, which else write on into a folder that is gone
		_ = command.Process.Signal(syscall.SIGTERM)
		late := time.AfterFunc(10*time.Second, func() { _ = command.Process.Kill() })
		_ = command.Wait()
		late.Stop()
	}()
	select {
	case lines := <-said:
		return strings.Split(lines, "\n")
	case <-time.After(time.Minute):
		t.Fatal("the page said nothing")
		return nil
	}
}

// chromium finds a browser.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	missing(t, "no chromium, chromium-browser or google-chrome on PATH")
	return ""
}
