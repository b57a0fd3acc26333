package openapitest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	validator "github.com/pb33f/libopenapi-validator"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/middleware/problem"
)

// TestProblemsAreAnsweredAsTheDocumentSays: each kind of problem is provoked on
// a server, and the validator compares what came over the wire with the
// document. Every kind and every response of the document has its turn.
func TestProblemsAreAnsweredAsTheDocumentSays(t *testing.T) {
	doc := document(t)
	v := judge(t, doc)
	var kinds, statuses []string
	for _, p := range provocations {
		t.Run(string(p.kind)+" "+p.name, func(t *testing.T) {
			answer := p.provoke(t)
			kinds = append(kinds, string(p.kind))
			statuses = append(statuses, "Problem"+answer.Status[:3])
			compare(t, v, answer, p.kind)
		})
	}
	components, _ := doc["components"].(object)
	schemas, _ := components["schemas"].(object)
	enum, _ := schemas["ProblemKind"].(object)
	var all []string
	for _, kind := range enum["enum"].([]any) {
		all = append(all, kind.(string))
	}
	assert.Subset(t, kinds, all, "every kind was provoked")
	responses, _ := components["responses"].(object)
	for name := range responses {
		assert.True(t, slices.Contains(statuses, name), "%s was answered", name)
	}
}

// compare has the validator judge an answer, and the answer with things changed
// that the document must not allow.
func compare(t *testing.T, v validator.Validator, answer *http.Response, kind problem.Kind) {
	t.Helper()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.Contains(t, string(body), "#"+string(kind)+`"`)
	judged := func(body []byte) (bool, string) {
		answer.Body = io.NopCloser(bytes.NewReader(body))
		valid, errs := v.ValidateHttpResponse(answer.Request, answer)
		said, _ := json.Marshal(errs)
		return valid, string(said)
	}
	valid, errs := judged(body)
	assert.True(t, valid, "%s\n%s", errs, body)

	for name, change := range map[string]func(object){
		"a kind that there is not":  func(p object) { p["type"] = problem.DefaultTypeBase + "other" },
		"a part of a kind":          func(p object) { p["type"] = problem.DefaultTypeBase + "double-" + string(kind) },
		"the status of another one": func(p object) { p["status"] = http.StatusTeapot },
		"no retryable":              func(p object) { delete(p, "retryable") },
		"a title that is a number":  func(p object) { p["title"] = 1 },
	} {
		var p object
		require.NoError(t, json.Unmarshal(body, &p))
		change(p)
		changed, err := json.Marshal(p)
		require.NoError(t, err)
		valid, _ := judged(changed)
		assert.False(t, valid, name)
	}
}

// TestExamplesAreAsTheDocumentSays: the examples that the document shows are
// judged as if they had been answered.
func TestExamplesAreAsTheDocumentSays(t *testing.T) {
	doc := document(t)
	v := judge(t, doc)
	components, _ := doc["components"].(object)
	responses, _ := components["responses"].(object)
	for name, r := range responses {
		content, _ := r.(object)["content"].(object)
		media, _ := content["application/problem+json"].(object)
		examples, _ := media["examples"].(object)
		require.NotEmpty(t, examples, name)
		for kind, example := range examples {
			t.Run(name+" "+kind, func(t *testing.T) {
				value, _ := example.(object)["value"].(object)
				status, _ := value["status"].(float64)
				body, err := json.Marshal(value)
				require.NoError(t, err)
				w := httptest.NewRecorder()
				w.Header().Set("Content-Type", "application/problem+json")
				w.Header().Set("Retry-After", "1")
				w.WriteHeader(int(status))
				_, _ = w.Write(body)
				answer := w.Result()
				defer answer.Body.Close()
				valid, errs := v.ValidateHttpResponse(httptest.NewRequest(http.MethodPut, "/documents/1", nil), answer)
				said, _ := json.Marshal(errs)
				assert.True(t, valid, "%s\n%s", said, body)
			})
		}
	}
}
