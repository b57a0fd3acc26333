package problem_test

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/middleware/problem"
)

func TestMembersComeInAStableOrder(t *testing.T) {
	w := render(problem.JSON, &problem.Problem{
		Kind: problem.KindStateConflict, Detail: "Seat 12 is taken.", Instance: "urn:uuid:0",
		Extensions: map[string]any{"seat": 12, "row": "C", "also": []int{13, 14}},
	}, "PUT")
	assert.Equal(t, `{"type":"https://github.com/concordhttp/concord/blob/main/docs/problems.md#state-conflict",`+
		`"title":"The current state does not allow this","status":409,"detail":"Seat 12 is taken.",`+
		`"instance":"urn:uuid:0","retryable":false,"also":[13,14],"row":"C","seat":12}`+"\n", w.Body.String())
}

func TestExtensionsNeverOverwriteStandardMembers(t *testing.T) {
	extensions := map[string]any{"": 1}
	for _, name := range []string{"type", "title", "status", "detail", "instance", "retryable", "Type", "STATUS", "ſtatus"} {
		extensions[name] = "overwritten"
	}
	w := render(problem.JSON, &problem.Problem{Kind: problem.KindDuplicate, Extensions: extensions}, "PUT")
	assert.NotContains(t, w.Body.String(), "overwritten")
	var members map[string]any
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &members))
	assert.Len(t, members, 5, "type, title, status, instance, retryable")
}

type panicking struct{}

func (panicking) MarshalJSON() ([]byte, error) { panic("no JSON of me") }

func TestMemberThatCannotBeMarshalledIsLeftOut(t *testing.T) {
	w := render(problem.JSON, &problem.Problem{Kind: problem.KindDuplicate, Extensions: map[string]any{
		"function": func() {}, "infinite": math.Inf(1), "panics": panicking{}, "broken": json.RawMessage("{"), "fine": true,
	}}, "PUT")
	var members map[string]any
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &members), w.Body.String())
	assert.Len(t, members, 6)
	assert.Equal(t, true, members["fine"])
}

func TestMarkupIsEscapedInJSON(t *testing.T) {
	const nasty = "</script><b>&\"\\\u2028\x00\xff ü"
	w := render(problem.JSON, &problem.Problem{
		Kind: problem.KindDuplicate, Detail: nasty, Title: nasty, Type: nasty, Instance: nasty,
		Extensions: map[string]any{nasty: nasty},
	}, "PUT")
	assert.NotContains(t, w.Body.String(), "<")
	assert.NotContains(t, w.Body.String(), "\u2028")
	var members map[string]any
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &members))
	assert.Equal(t, "</script><b>&\"\\\u2028\x00\ufffd ü", members["detail"])
}

func TestEachCharacterOfMarkupIsEscapedByItself(t *testing.T) {
	for c, escaped := range map[string]string{
		"<": `\u003c`, ">": `\u003e`, "&": `\u0026`, `"`: `\"`, `\`: `\\`, "\x00": `\u0000`, "\n": `\n`, "\u2028": `\u2028`, "\x7f": "\x7f", "é": "é",
	} {
		w := render(problem.JSON, &problem.Problem{Kind: problem.KindDuplicate, Detail: c}, "PUT")
		assert.Contains(t, w.Body.String(), `"detail":"`+escaped+`",`)
	}
}

func TestNameTheFailedField(t *testing.T) {
	p := problem.VersionMismatch("The document has changed since you read it.")
	p.Extensions = map[string]any{"failed_field": "If-Match", "current_etag": `"v2"`}
	for name, respond := range map[string]problem.Responder{"JSON": problem.JSON, "Stripe": problem.Stripe} {
		var members map[string]any
		require.NoError(t, json.Unmarshal(render(respond, p, "PUT").Body.Bytes(), &members), name)
		assert.Equal(t, "If-Match", members["failed_field"], name)
		assert.Equal(t, `"v2"`, members["current_etag"], name)
	}
	for _, accept := range []string{"text/html", "text/plain"} {
		body := render(problem.Negotiate, p, "PUT", "Accept", accept).Body.String()
		assert.Contains(t, body, "failed_field", accept)
		assert.Contains(t, body, "If-Match", accept)
	}
}
