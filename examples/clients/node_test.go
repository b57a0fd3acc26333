package clients

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/etag"
	"github.com/concordhttp/concord/middleware/problem"
)

// node runs a script of testdata, which prints JSON.
func node(t *testing.T, result any, name string, args ...string) {
	t.Helper()
	script(t, result, "node", append([]string{"testdata/" + name}, args...)...)
}

// paid is what pay.mjs tells of each amount.
type paid struct {
	Status   int
	Replayed bool
	Location string
	Text     string
	Problem  *problemRead
	Attempts int
}

// wantPaid pays with a script, as that prints it, and wants one payment and its answer.
func wantPaid(t *testing.T, s *server, replayed bool, results []paid) {
	t.Helper()
	require.Len(t, results, 1)
	got := results[0]
	assert.GreaterOrEqual(t, got.Attempts, len(s.exchanges()), "one that ran out of patience early never reached the server")
	got.Attempts = 0
	assert.Equal(t, paid{Status: 201, Replayed: replayed, Location: "/payments/1", Text: "Payment 1."}, got)
	assert.EqualValues(t, 1, s.runs.Load())
	s.requireOneKey(t)
}

const (
	long  = "30000" // milliseconds for which a script waits for an answer
	short = "500"   // of which only those run out that there is no answer to
)

func TestNodePaysOnceThoughTheReplyIsLost(t *testing.T) {
	s := newPayments(t, losesReply(1))
	var results []paid
	node(t, &results, "pay.mjs", s.URL+"/payments", long, "1250")
	wantPaid(t, s, true, results)
	assert.Equal(t, []int{201, 201}, s.statuses())
}

func TestNodePaysOnceThoughItRetriesWhileTheFirstRuns(t *testing.T) {
	t.Parallel() // it waits as long as Retry-After says
	s := newPayments(t, runsUntilRefused(t, false))
	var results []paid
	node(t, &results, "pay.mjs", s.URL+"/payments", long, "1250")
	wantPaid(t, s, true, results)
	assert.Equal(t, []int{201, 409, 201}, s.statuses())
}

// The handler does not answer before the client has given up and asked again.
func TestNodePaysOnceThoughItLosesPatience(t *testing.T) {
	t.Parallel() // it waits as long as Retry-After says
	s := newPayments(t, runsUntilRefused(t, true))
	var results []paid
	node(t, &results, "pay.mjs", s.URL+"/payments", short, "1250")
	wantPaid(t, s, true, results)
	assert.Contains(t, s.statuses(), http.StatusConflict)
}

func TestNodePaysOnceTheStoreAnswersAgain(t *testing.T) {
	t.Parallel() // it waits as long as Retry-After says
	s := newPayments(t, storeIsDown(1))
	var results []paid
	node(t, &results, "pay.mjs", s.URL+"/payments", long, "1250")
	wantPaid(t, s, false, results)
	assert.Equal(t, []int{503, 201}, s.statuses())
}

func TestNodeReadsWhyAKeyIsRefused(t *testing.T) {
	s := newPayments(t, nothingElse)
	var results []paid
	node(t, &results, "pay.mjs", s.URL+"/payments", long, "1250", "9900")
	require.Len(t, results, 2)
	refused := results[1]
	assert.Equal(t, 422, refused.Status)
	assert.Equal(t, 1, refused.Attempts)
	require.NotNil(t, refused.Problem)
	assert.Equal(t, problem.DefaultTypeBase+"key-reused", refused.Problem.Type)
	assert.False(t, refused.Problem.Retryable)
	assert.EqualValues(t, 1, s.runs.Load())
}

// Node's fetch has no cache: its modes only change what it says to others' caches.
// So a script keeps the tag by itself, and sees the 304.
func TestNodeSeesA304InEachCacheMode(t *testing.T) {
	s := newNotes(t, nothingElse)
	type read struct {
		Status    int
		Tag, Text string
	}
	var results struct {
		First              read
		Plain, Conditional map[string]read
	}
	node(t, &results, "read.mjs", s.URL+"/notes/1")
	first := results.First
	require.Equal(t, 200, first.Status)
	require.Equal(t, "Buy milk.", first.Text)
	require.NotEmpty(t, first.Tag)
	require.Len(t, results.Plain, 5)
	require.Len(t, results.Conditional, 5)
	for mode := range results.Plain {
		assert.Equal(t, first, results.Plain[mode], mode)
		assert.Equal(t, read{304, first.Tag, ""}, results.Conditional[mode], mode)
	}
	assert.Len(t, s.exchanges(), 11, "each is a request")
}

func TestNodeOverwritesNothingUnseen(t *testing.T) {
	s := newNotes(t, nothingElse)
	type saved struct {
		Status  int
		Problem *problemRead
	}
	var results struct {
		Ann, Bob, Unseen, Merged saved
		Current, Text            string
	}
	node(t, &results, "edit.mjs", s.URL+"/notes/1")
	assert.Equal(t, saved{Status: 200}, results.Ann)

	assert.Equal(t, 412, results.Bob.Status)
	require.NotNil(t, results.Bob.Problem)
	assert.Equal(t, problem.DefaultTypeBase+"version-mismatch", results.Bob.Problem.Type)
	assert.Equal(t, "If-Match", results.Bob.Problem.FailedField)
	assert.Equal(t, results.Current, results.Bob.Problem.CurrentETag)

	assert.Equal(t, 428, results.Unseen.Status)
	require.NotNil(t, results.Unseen.Problem)
	assert.Contains(t, results.Unseen.Problem.WantedFields, "If-Match")

	assert.Equal(t, saved{Status: 200}, results.Merged)
	assert.Equal(t, "Buy milk. Buy bread. Buy tea.", results.Text)
	assert.EqualValues(t, 2, s.runs.Load())
}

// encoded is what encoded.mjs tells.
type encoded struct {
	Encoding, Text, Tag string
	Again               int
	Saved, Stale        struct {
		Status  int
		Problem *problemRead
	}
}

func TestNodeChangesWhatCameCompressed(t *testing.T) {
	for name, transform := range map[string]func(string) string{
		"as nginx does it":  func(tag string) string { return "W/" + tag },
		"as Apache does it": func(tag string) string { return tag[:len(tag)-1] + `-gzip"` },
	} {
		proxy := func(s *server) { s.around = func(h http.Handler) http.Handler { return compressed(h, transform) } }
		t.Run(name, func(t *testing.T) {
			s := newNotes(t, func(s *server, c *concord.Config) {
				proxy(s)
				c.ETag.AcceptTransformed = true
			})
			var results encoded
			node(t, &results, "encoded.mjs", s.URL+"/notes/1")
			assert.Equal(t, "gzip", results.Encoding)
			assert.Equal(t, "Buy milk.", results.Text, "fetch has unpacked it")
			assert.Equal(t, transform(etag.Of([]byte("Buy milk.")).String()), results.Tag, "the proxy's")
			assert.Equal(t, 304, results.Again)
			assert.Equal(t, 200, results.Saved.Status, "%+v", results.Saved.Problem)
			assert.Equal(t, 412, results.Stale.Status)
			assert.EqualValues(t, 1, s.runs.Load())
		})
		t.Run(name+", without AcceptTransformed", func(t *testing.T) {
			s := newNotes(t, func(s *server, _ *concord.Config) { proxy(s) })
			var results encoded
			node(t, &results, "encoded.mjs", s.URL+"/notes/1")
			assert.Equal(t, 412, results.Saved.Status, "nobody can save anything")
			assert.Zero(t, s.runs.Load())
		})
	}
}

// What the handler has compressed is replayed compressed.
func TestNodeUnpacksAReplay(t *testing.T) {
	s := newServer(t, losesReply(1))
	s.mux.HandleFunc("POST /payments", func(w http.ResponseWriter, r *http.Request) {
		s.effect(r)
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		_, _ = io.WriteString(z, "Payment 1.")
		_ = z.Close()
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Location", "/payments/1")
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write(packed.Bytes())
	})
	var results []paid
	node(t, &results, "pay.mjs", s.URL+"/payments", long, "1250")
	wantPaid(t, s, true, results)
}

// A refusal costs nobody its connection.
func TestNodeKeepsItsConnection(t *testing.T) {
	s := newNotes(t, func(_ *server, c *concord.Config) { c.Idempotency.Require = concord.Routes("POST /payments") })
	s.mux.HandleFunc("POST /payments", s.payment)
	var results []struct {
		Status int
		Reused bool
	}
	node(t, &results, "keepalive.mjs", s.URL)
	var statuses []int
	for i, result := range results {
		statuses = append(statuses, result.Status)
		assert.Equal(t, i > 0, result.Reused, "request %d", i)
	}
	assert.Equal(t, []int{200, 304, 412, 428, 200, 201, 201, 422, 400}, statuses)
	assert.EqualValues(t, 1, s.connections.Load())
}
