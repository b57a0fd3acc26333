package concord_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/idempotency"
)

// Whether it is a valid document, and describes what is answered, is tested by
// a validator in internal/openapitest.

func TestOpenAPIHasWhatItsCommentLists(t *testing.T) {
	var document map[string]map[string]map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(concord.OpenAPI(), &document))
	assert.Equal(t, []string{"components"}, slices.Collect(maps.Keys(document)))
	for section, want := range map[string]string{
		"parameters": "IdempotencyKey IfMatch IfNoneMatch IfUnmodifiedSince LockTimeout LockToken Prefer RequiredIdempotencyKey",
		"headers":    "CacheStatus ETag IdempotencyReplayed Link Location LockTimeout LockToken PreferenceApplied RetryAfter",
		"responses":  "Problem400 Problem409 Problem412 Problem413 Problem422 Problem423 Problem428 Problem500 Problem503",
	} {
		assert.Equal(t, want, strings.Join(slices.Sorted(maps.Keys(document["components"][section])), " "), section)
	}
	assert.Equal(t, concord.OpenAPI(), concord.OpenAPI(), "the same at each call")
}

func TestOpenAPINamesTheFieldsThatBrowsersMustBeAllowed(t *testing.T) {
	var document struct {
		Components struct {
			Parameters map[string]struct{ Name string }
			Headers    map[string]json.RawMessage
		}
	}
	require.NoError(t, json.Unmarshal(concord.OpenAPI(), &document))
	var sent []string
	for _, p := range document.Components.Parameters {
		sent = append(sent, p.Name)
	}
	slices.Sort(sent)
	assert.Equal(t, concord.CORSRequestFields(), slices.Compact(sent))
	for _, name := range concord.CORSResponseFields() {
		name = strings.Replace(strings.ReplaceAll(name, "-", ""), "Timeout", "LockTimeout", 1)
		assert.Contains(t, document.Components.Headers, name)
	}
	assert.Len(t, document.Components.Headers, len(concord.CORSResponseFields()))
}

// TestNoFieldNeedsNoPermission: CORS libraries may refuse names that browsers
// let through anyway, or never.
func TestNoFieldNeedsNoPermission(t *testing.T) {
	safelisted := []string{ // https://fetch.spec.whatwg.org/#cors-safelisted-request-header and -response-header-name
		"Accept", "Accept-Language", "Content-Language", "Content-Type", "Range",
		"Cache-Control", "Content-Length", "Expires", "Last-Modified", "Pragma",
	}
	for _, list := range [][]string{concord.CORSRequestFields(), concord.CORSResponseFields()} {
		assert.True(t, slices.IsSorted(list))
		for _, name := range list {
			assert.NotContains(t, safelisted, name)
			if name != "ETag" { // as RFC 9110 writes it
				assert.Equal(t, http.CanonicalHeaderKey(name), name)
			}
		}
	}
	assert.Contains(t, concord.CORSRequestFields(), idempotency.DefaultHeader)
	assert.Contains(t, concord.CORSResponseFields(), idempotency.DefaultReplayField)
	concord.CORSRequestFields()[0] = "X-Other"
	assert.NotContains(t, concord.CORSRequestFields(), "X-Other", "each caller has a slice of its own")
}

// TestAPageCanReadAllFieldsOfARefusal: but those that are for the browser alone.
func TestAPageCanReadAllFieldsOfARefusal(t *testing.T) {
	stack, err := concord.New(concord.Config{Principal: concord.DangerouslyShared})
	require.NoError(t, err)
	h := stack.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte("7"))
	}))
	r := httptest.NewRequest(http.MethodPut, "/", http.NoBody)
	r.Header.Set("If-Match", `"stale"`)
	r.Header.Set("Prefer", "return=representation")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	assert.Contains(t, w.Body.String(), `"current":7`)
	readable := []string{"Cache-Control", "Content-Language", "Content-Type", "X-Content-Type-Options"}
	for _, name := range concord.CORSResponseFields() {
		readable = append(readable, http.CanonicalHeaderKey(name))
	}
	assert.Subset(t, readable, slices.Collect(maps.Keys(w.Header())))
}
