package problem_test

import (
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/concordhttp/concord/middleware/problem"
)

func TestMembersComeInAStableOrder(t *testing.T) {
	w := httptest.NewRecorder()
	problem.JSON(w, httptest.NewRequest("PUT", "/seats/12", nil), &problem.Problem{
		Kind: problem.KindStateConflict, Detail: "Seat 12 is taken.", Instance: "urn:uuid:0",
		Extensions: map[string]any{"seat": 12, "Status": 200, "row": "C", "bad": func() {}},
	})
	assert.Equal(t, `{"type":"https://github.com/concordhttp/concord/blob/main/docs/problems.md#state-conflict",`+
		`"title":"The current state does not allow this","status":409,"detail":"Seat 12 is taken.",`+
		`"instance":"urn:uuid:0","retryable":false,"row":"C","seat":12}`+"\n", w.Body.String())
}
