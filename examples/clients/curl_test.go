package clients

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/middleware/problem"
)

// curl runs curl without its progress meter. It prints the status after the body.
func curl(t *testing.T, args ...string) (said string, status int) {
	t.Helper()
	return run(t, "curl", append([]string{"--disable", "--silent", "--write-out", "%{http_code}"}, args...)...)
}

// wantCurl wants curl to end well, and to print this.
func wantCurl(t *testing.T, want string, args ...string) {
	t.Helper()
	said, status := curl(t, args...)
	assert.Zero(t, status)
	assert.Equal(t, want, said)
}

func content(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(b)
}

func TestCurlReadsAgainOnlyWhatHasChanged(t *testing.T) {
	s := newNotes(t, nothingElse)
	tag, note := filepath.Join(t.TempDir(), "tag"), filepath.Join(t.TempDir(), "note")
	read := []string{"--etag-compare", tag, "--etag-save", tag, "--output", note, s.URL + "/notes/1"}

	wantCurl(t, "200", read...)
	assert.Equal(t, `""`, s.exchanges()[0].sent.Get("If-None-Match"), "what curl sends where there is no file yet: it matches nothing")
	assert.Equal(t, "Buy milk.", content(t, note))
	first := content(t, tag)
	assert.Regexp(t, `^"[^"]+"\n$`, first)

	wantCurl(t, "304", read...)
	assert.Equal(t, "Buy milk.", content(t, note), "a 304 leaves the file alone")
	assert.Equal(t, first, content(t, tag))

	wantCurl(t, "200", "--request", "PUT", "--header", "If-Match: *", "--data", "Buy bread.", s.URL+"/notes/1")
	wantCurl(t, "200", read...)
	assert.Equal(t, "Buy bread.", content(t, note))
	assert.NotEqual(t, first, content(t, tag))
}

func TestCurlOverwritesNothingUnseen(t *testing.T) {
	s := newNotes(t, nothingElse)
	tag := filepath.Join(t.TempDir(), "tag")
	wantCurl(t, "Buy milk.200", "--etag-save", tag, s.URL+"/notes/1")
	seen := content(t, tag)
	ifMatch := func(tag string) string { return "If-Match: " + strings.TrimSuffix(tag, "\n") } // as $(cat tag) drops the line break
	write := []string{"--request", "PUT", "--fail-with-body", "--header", ifMatch(seen), s.URL + "/notes/1", "--data"}

	wantCurl(t, "200", append(write, "Buy milk and bread.")...)
	said, status := curl(t, append(write, "Buy milk and tea.")...)
	assert.Equal(t, 22, status)
	var p problemRead
	require.NoError(t, json.Unmarshal([]byte(said[:len(said)-len("412")]), &p), said)
	assert.Equal(t, problem.DefaultTypeBase+"version-mismatch", p.Type)
	assert.Equal(t, "If-Match", p.FailedField)
	assert.Equal(t, seen, content(t, tag))
	wantCurl(t, "Buy milk and bread.200", s.URL+"/notes/1")

	said, status = curl(t, "--request", "PUT", "--fail", "--data", "Buy tea.", s.URL+"/notes/1")
	assert.Equal(t, 22, status)
	assert.Equal(t, "428", said)

	t.Run("but would with --etag-save on the PUT", func(t *testing.T) {
		_, status := curl(t, append([]string{"--etag-save", tag}, append(write, "Buy tea.")...)...)
		assert.Equal(t, 22, status)
		if content(t, tag) == seen {
			t.Skip("this curl saves no tag of a refusal")
		}
		write[4] = ifMatch(content(t, tag))
		wantCurl(t, "200", append(write, "Buy tea.")...)
	})
}

// paying is how curl takes part in a payment.
func curlPays(s *server, amount string, args ...string) []string {
	return append([]string{"--user", "ann:", "--header", `Idempotency-Key: "order-1"`, "--data", amount, s.URL + "/payments"}, args...)
}

func TestCurlRetriesA503WithTheSameKey(t *testing.T) {
	t.Parallel() // it waits as long as Retry-After says
	s := newPayments(t, storeIsDown(1))
	wantCurl(t, "Payment 1.201", curlPays(s, "1250", "--fail", "--retry", "3")...)
	assert.Equal(t, []int{503, 201}, s.statuses())
	s.requireOneKey(t)
}

func TestCurlGivesUpWhenAReplyIsLost(t *testing.T) {
	s := newPayments(t, losesReply(1))
	_, status := curl(t, curlPays(s, "1250", "--fail", "--retry", "3")...)
	assert.Equal(t, 52, status, "an empty reply is not what --retry is for")
	wantCurl(t, "Payment 1.201", curlPays(s, "1250")...)
	assert.EqualValues(t, 1, s.runs.Load())
}

func TestCurlTakesA409ForFinal(t *testing.T) {
	s := newPayments(t, runsUntilRefused(t, false))
	_, status := curl(t, curlPays(s, "1250")...)
	assert.Equal(t, 52, status)
	said, status := curl(t, curlPays(s, "1250", "--fail", "--retry", "3")...)
	assert.Equal(t, 22, status)
	assert.Equal(t, "409", said)
}

func TestCurlPaysOnceIfItRetriesAllErrors(t *testing.T) {
	t.Parallel() // it waits twice
	s := newPayments(t, runsUntilRefused(t, false))
	wantCurl(t, "Payment 1.201", curlPays(s, "1250", "--fail", "--retry", "5", "--retry-all-errors")...)
	assert.Equal(t, []int{201, 409, 201}, s.statuses())
	assert.EqualValues(t, 1, s.runs.Load())
	s.requireOneKey(t)
}

func TestCurlRepeatsA422TooIfItRetriesAllErrors(t *testing.T) {
	t.Parallel() // it waits
	s := newPayments(t, nothingElse)
	wantCurl(t, "Payment 1.201", curlPays(s, "1250")...)
	_, status := curl(t, curlPays(s, "9900", "--fail", "--retry", "1", "--retry-all-errors")...)
	assert.Equal(t, 22, status)
	assert.Equal(t, []int{201, 422, 422}, s.statuses(), "which does no harm")
	assert.EqualValues(t, 1, s.runs.Load())
}
