package problem_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/middleware/problem"
)

func TestStripeClientsFindTheirMembers(t *testing.T) {
	for kind, want := range map[problem.Kind]struct{ class, shouldRetry string }{
		problem.KindKeyReused:        {"idempotency_error", "false"},
		problem.KindKeyMissing:       {"idempotency_error", "false"},
		problem.KindKeyInvalid:       {"idempotency_error", "false"},
		problem.KindRequestInFlight:  {"invalid_request_error", "true"},
		problem.KindOutcomeUnknown:   {"invalid_request_error", "false"},
		problem.KindDuplicate:        {"invalid_request_error", "false"},
		problem.KindInternal:         {"api_error", "false"},
		problem.KindStoreUnavailable: {"api_error", "true"},
	} {
		t.Run(string(kind), func(t *testing.T) {
			p := problem.New(kind, "What happened.")
			p.Extensions = map[string]any{"error": "overwritten", "Error": "overwritten", "seat": 12}
			w := render(problem.Stripe, p, "POST")

			assert.Equal(t, want.shouldRetry, w.Header().Get("Stripe-Should-Retry"))
			var body struct {
				Type  string
				Seat  int
				Error map[string]string
			}
			require.NoError(t, json.Unmarshal(w.Body.Bytes(), &body), w.Body.String())
			assert.Equal(t, problem.DefaultTypeBase+string(kind), body.Type, "the problem's own members are there")
			assert.Equal(t, 12, body.Seat)
			assert.Equal(t, want.class, body.Error["type"])
			assert.Equal(t, string(kind), body.Error["code"])
			assert.NotEmpty(t, body.Error["message"])
			assert.Equal(t, body.Type, body.Error["doc_url"])
		})
	}
	t.Run("the title serves where there is no detail", func(t *testing.T) {
		w := render(problem.Stripe, &problem.Problem{Kind: problem.KindKeyReused}, "POST")
		assert.Contains(t, w.Body.String(), `"message":"This key belongs to another request"`)
	})
}
