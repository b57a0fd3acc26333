package problem_test

import (
	"encoding/json"
	"net/http/httptest"
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

// stripe-go takes every answer that has the member "error" for final. It repeats
// what has none, so a problem has it exactly if it is not to be repeated.
func TestStripeGoRepeatsWhatIsRetryableAndNothingElse(t *testing.T) {
	for name, test := range map[string]struct {
		kind   problem.Kind
		agent  string
		member bool
	}{
		"a retryable one for stripe-go":            {problem.KindRequestInFlight, "Stripe/v1 GoBindings/85.0.0", false},
		"the same for an application on stripe-go": {problem.KindStoreUnavailable, "Stripe/v1 GoBindings/85.0.0 shop/1.0 AIAgent/x", false},
		"a final one for stripe-go":                {problem.KindKeyReused, "Stripe/v1 GoBindings/85.0.0", true},
		"a retryable one for stripe-node":          {problem.KindRequestInFlight, "Stripe/v1 NodeBindings/22.0.0", true},
		"a retryable one for who says nothing":     {problem.KindRequestInFlight, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			p := problem.New(test.kind, "What happened.")
			p.Extensions = map[string]any{"error": map[string]string{"message": "of the handler"}}
			w := render(problem.Stripe, p, "POST", "User-Agent", test.agent)

			var body struct {
				Type  string
				Error *struct{ Message string }
			}
			require.NoError(t, json.Unmarshal(w.Body.Bytes(), &body), w.Body.String())
			assert.Equal(t, problem.DefaultTypeBase+string(test.kind), body.Type)
			if !test.member {
				assert.Nil(t, body.Error)
				assert.Equal(t, "true", w.Header().Get("Stripe-Should-Retry"))
				return
			}
			require.NotNil(t, body.Error, w.Body.String())
			assert.Equal(t, "What happened.", body.Error.Message)
		})
	}
	t.Run("without a request it is there", func(t *testing.T) {
		w := httptest.NewRecorder()
		problem.Stripe(w, nil, problem.New(problem.KindRequestInFlight, "What happened."))
		assert.Contains(t, w.Body.String(), `"error":{`)
	})
}
