package clients

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/stripe/stripe-go/v85"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware/problem"
)

// asStripe is what an API for Stripe's client libraries sets: their form of errors,
// and Stripe's name for the field of a replay.
func asStripe(_ *server, c *concord.Config) {
	c.Respond = problem.Stripe
	c.Idempotency.Require = concord.Routes("POST /v1/charges")
	c.Idempotency.ReplayField = "Idempotent-Replayed"
}

// newStripe returns a client of an API in the manner of Stripe's, and that API.
func newStripe(t *testing.T, configure func(*server, *concord.Config)) (*stripe.Client, *server) {
	t.Helper()
	s := newServer(t, both(asStripe, configure))
	s.mux.HandleFunc("POST /v1/charges", s.charge)
	return stripeClient(t, s), s
}

func nothingElse(*server, *concord.Config) {}

func stripeClient(t *testing.T, s *server) *stripe.Client {
	t.Helper()
	return stripeOver(t, s, &http.Transport{}, nil)
}

// stripeOver returns a client whose requests go over transport, and which sends
// them again as often as retries says; nil: as it does by default.
func stripeOver(t *testing.T, s *server, transport http.RoundTripper, retries *int64) *stripe.Client {
	t.Helper()
	client := &http.Client{Transport: transport}
	t.Cleanup(client.CloseIdleConnections)
	backends := stripe.NewBackendsWithConfig(&stripe.BackendConfig{
		URL:               stripe.String(s.URL),
		HTTPClient:        client,
		LeveledLogger:     &stripe.LeveledLogger{Level: stripe.LevelNull},
		EnableTelemetry:   stripe.Bool(true),
		MaxNetworkRetries: retries,
	})
	backends.API.(*stripe.BackendImplementation).SetNetworkRetriesSleep(false) // what it waits is not what is tested
	return stripe.NewClient("sk_test_concord", stripe.WithBackends(backends))
}

// charge makes a charge, or declines it.
func (s *server) charge(w http.ResponseWriter, r *http.Request) {
	number := s.effect(r)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Request-Id", fmt.Sprintf("req_%d", number)) // stripe-go reports how long this one took with the next
	if r.FormValue("source") == "tok_declined" {
		w.WriteHeader(http.StatusPaymentRequired)
		fmt.Fprint(w, `{"error":{"type":"card_error","code":"card_declined","decline_code":"insufficient_funds","message":"No."}}`)
		return
	}
	fmt.Fprintf(w, `{"object":"charge","id":"ch_%d","amount":%s,"currency":%q}`, number, r.FormValue("amount"), r.FormValue("currency"))
}

// paying are the parameters of a charge. Without a key stripe-go makes one up.
func paying(cents int64, key string) *stripe.ChargeCreateParams {
	p := &stripe.ChargeCreateParams{Amount: stripe.Int64(cents), Currency: stripe.String("eur"), Source: &stripe.PaymentSourceSourceParams{Token: stripe.String("tok_visa")}}
	if key != "" {
		p.SetIdempotencyKey(key)
	}
	return p
}

func TestStripeMakesUpAKeyForEachCall(t *testing.T) {
	client, s := newStripe(t, nothingElse)
	for i := range 2 {
		charge, err := client.V1Charges.Create(t.Context(), paying(1250, ""))
		require.NoError(t, err)
		assert.Equal(t, fmt.Sprintf("ch_%d", i+1), charge.ID)
		assert.EqualValues(t, 1250, charge.Amount)
	}
	all := s.exchanges()
	require.Len(t, all, 2)
	assert.NotEmpty(t, all[0].sent.Get("Idempotency-Key"))
	assert.NotEqual(t, all[0].sent.Get("Idempotency-Key"), all[1].sent.Get("Idempotency-Key"))
}

func TestStripeRepeatsARequestInFlightAndGetsItsOutcome(t *testing.T) {
	client, s := newStripe(t, runsUntilRefused(t, false))
	charge, err := client.V1Charges.Create(t.Context(), paying(1250, ""))
	require.NoError(t, err)
	assert.Equal(t, "ch_1", charge.ID)
	assert.Equal(t, "true", charge.LastResponse.Header.Get("Idempotent-Replayed"))
	assert.Equal(t, []int{200, 409, 200}, s.statuses(), "the first of which was never seen")
	assert.EqualValues(t, 1, s.runs.Load())
	s.requireOneKey(t)
}

func TestStripeRepeatsWhatTheStoreDidNotAnswer(t *testing.T) {
	client, s := newStripe(t, storeIsDown(2))
	charge, err := client.V1Charges.Create(t.Context(), paying(1250, ""))
	require.NoError(t, err)
	assert.Equal(t, "ch_1", charge.ID)
	assert.Equal(t, []int{503, 503, 200}, s.statuses())
	assert.EqualValues(t, 1, s.runs.Load())
	s.requireOneKey(t)
}

func TestStripeChargesOnceThoughTheReplyIsLost(t *testing.T) {
	client, s := newStripe(t, losesReply(1))
	charge, err := client.V1Charges.Create(t.Context(), paying(1250, ""))
	require.NoError(t, err)
	assert.Equal(t, "ch_1", charge.ID)
	assert.Equal(t, "true", charge.LastResponse.Header.Get("Idempotent-Replayed"))
	assert.Equal(t, []int{200, 200}, s.statuses())
	assert.EqualValues(t, 1, s.runs.Load())
	s.requireOneKey(t)
}

// Whoever has a Transport already leaves the retries to it.
func TestStripeOverTransportGetsAnswersAndErrorsAsItsOwn(t *testing.T) {
	over := func(t *testing.T, configure func(*server, *concord.Config)) (*stripe.Client, *server) {
		t.Helper()
		_, s := newStripe(t, configure)
		transport := &idempotency.Transport{Base: &http.Transport{}, Answers: true, Backoff: time.Millisecond}
		return stripeOver(t, s, transport, stripe.Int64(0)), s
	}
	t.Run("a lost reply is found again", func(t *testing.T) {
		client, s := over(t, losesReply(1))
		charge, err := client.V1Charges.Create(t.Context(), paying(1250, ""))
		require.NoError(t, err)
		assert.Equal(t, "ch_1", charge.ID)
		assert.Equal(t, []int{200, 200}, s.statuses())
		assert.EqualValues(t, 1, s.runs.Load())
		s.requireOneKey(t)
	})
	t.Run("a refusal is an error of stripe-go", func(t *testing.T) {
		client, s := over(t, nothingElse)
		_, err := client.V1Charges.Create(t.Context(), paying(1250, "order-1"))
		require.NoError(t, err)
		_, err = client.V1Charges.Create(t.Context(), paying(9900, "order-1"))
		var kind *stripe.IdempotencyError
		require.ErrorAs(t, err, &kind)
		assert.Equal(t, []int{200, 422}, s.statuses())
	})
}

func TestStripeClientStopsOn422(t *testing.T) {
	reuse := func(t *testing.T, client *stripe.Client) error {
		t.Helper()
		_, err := client.V1Charges.Create(t.Context(), paying(1250, "order-1"))
		require.NoError(t, err)
		_, err = client.V1Charges.Create(t.Context(), paying(9900, "order-1"))
		return err
	}
	t.Run("with a typed error", func(t *testing.T) {
		client, s := newStripe(t, nothingElse)
		err := reuse(t, client)
		var failed *stripe.Error
		require.ErrorAs(t, err, &failed)
		assert.Equal(t, stripe.ErrorTypeIdempotency, failed.Type)
		assert.Equal(t, stripe.ErrorCode(problem.KindKeyReused), failed.Code)
		assert.Equal(t, http.StatusUnprocessableEntity, failed.HTTPStatusCode)
		assert.NotEmpty(t, failed.Msg)
		assert.Equal(t, problem.DefaultTypeBase+"key-reused", failed.DocURL)
		var kind *stripe.IdempotencyError
		require.ErrorAs(t, err, &kind)
		assert.Equal(t, []int{200, 422}, s.statuses(), "one call")
		assert.EqualValues(t, 1, s.runs.Load())
	})
	t.Run("but not with a problem that is not in Stripe's form", func(t *testing.T) {
		client, s := newStripe(t, func(_ *server, c *concord.Config) { c.Respond = problem.JSON })
		err := reuse(t, client)
		var failed *stripe.Error
		require.NotErrorAs(t, err, &failed)
		assert.Equal(t, []int{200, 422, 422, 422}, s.statuses(), "which is why there is problem.Stripe")
		assert.EqualValues(t, 1, s.runs.Load(), "nothing is done twice all the same")
	})
}

// stripe-go repeats a 409, unless it finds the error in it that problem.Stripe puts
// there if a repetition cannot help.
func TestStripeStopsOnA409ThatIsFinal(t *testing.T) {
	client, s := newStripe(t, nothingElse)
	s.mux.Handle("POST /v1/payment_intents", problem.Responder(problem.Stripe).HandlerFunc(func(_ http.ResponseWriter, r *http.Request) error {
		s.effect(r)
		return problem.StateConflict("The order is paid already.")
	}))
	_, err := client.V1PaymentIntents.Create(t.Context(), &stripe.PaymentIntentCreateParams{Amount: stripe.Int64(1250), Currency: stripe.String("eur")})
	var failed *stripe.Error
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, stripe.ErrorTypeInvalidRequest, failed.Type)
	assert.Equal(t, stripe.ErrorCode(problem.KindStateConflict), failed.Code)
	assert.Equal(t, "The order is paid already.", failed.Msg)
	assert.Equal(t, http.StatusConflict, failed.HTTPStatusCode)
	assert.Equal(t, []int{409}, s.statuses())
	assert.EqualValues(t, 1, s.runs.Load())
}

func TestStripeReturnsTheProblemOnceItHasGivenUp(t *testing.T) {
	client, s := newStripe(t, storeIsDown(100))
	_, err := client.V1Charges.Create(t.Context(), paying(1250, ""))
	require.Error(t, err)
	var failed *stripe.Error
	require.NotErrorAs(t, err, &failed)
	var p struct {
		Type      string
		Retryable bool
	}
	require.NoError(t, json.Unmarshal([]byte(err.Error()), &p), "the text of the error is the problem")
	assert.Equal(t, problem.DefaultTypeBase+"store-unavailable", p.Type)
	assert.True(t, p.Retryable)
	assert.Equal(t, []int{503, 503, 503}, s.statuses(), "two retries are stripe-go's default")
	assert.Zero(t, s.runs.Load())
}

func TestStripeGetsTheDeclineOfTheFirstRunAgain(t *testing.T) {
	client, s := newStripe(t, losesReply(1))
	params := paying(1250, "")
	params.Source.Token = stripe.String("tok_declined")
	_, err := client.V1Charges.Create(t.Context(), params)
	var declined *stripe.CardError
	require.ErrorAs(t, err, &declined)
	assert.Equal(t, stripe.DeclineCodeInsufficientFunds, declined.DeclineCode)
	assert.Equal(t, []int{402, 402}, s.statuses())
	assert.EqualValues(t, 1, s.runs.Load(), "a card that was declined is not asked again")
}

// What stripe-go sends beside the request changes from call to call; what an
// operation is told by does not.
func TestStripeFieldsThatChangeDoNotMakeAnotherRequest(t *testing.T) {
	client, s := newStripe(t, nothingElse)
	first, err := client.V1Charges.Create(t.Context(), paying(1250, "order-1"))
	require.NoError(t, err)
	params := paying(1250, "order-1")
	params.Headers = http.Header{"Stripe-Version": {"2020-08-27"}}
	again, err := client.V1Charges.Create(t.Context(), params)
	require.NoError(t, err)
	assert.Equal(t, first.ID, again.ID)
	assert.Equal(t, "true", again.LastResponse.Header.Get("Idempotent-Replayed"))

	all := s.exchanges()
	require.Len(t, all, 2)
	assert.Empty(t, all[0].sent.Get("X-Stripe-Client-Telemetry"))
	assert.NotEmpty(t, all[1].sent.Get("X-Stripe-Client-Telemetry"), "it reports on the first call")
	assert.NotEqual(t, all[0].sent.Get("Stripe-Version"), all[1].sent.Get("Stripe-Version"))
}

// A platform acts for the account that Stripe-Account names, with one secret key
// for all of them. So whom a request acts for is both.
func TestStripeAccountsArePrincipalsOfTheirOwn(t *testing.T) {
	forBoth := func(t *testing.T, client *stripe.Client) (ids []string) {
		t.Helper()
		for _, account := range []string{"acct_ann", "acct_bob", "acct_ann"} {
			params := paying(1250, "order-1")
			params.SetStripeAccount(account)
			charge, err := client.V1Charges.Create(t.Context(), params)
			require.NoError(t, err)
			ids = append(ids, charge.ID)
		}
		return ids
	}
	t.Run("if the Principal says so", func(t *testing.T) {
		client, s := newStripe(t, func(_ *server, c *concord.Config) { c.Principal = byAccount })
		assert.Equal(t, []string{"ch_1", "ch_2", "ch_1"}, forBoth(t, client))
		assert.EqualValues(t, 2, s.runs.Load())
	})
	t.Run("and with the secret key alone one is answered with what the other was", func(t *testing.T) {
		client, _ := newStripe(t, nothingElse)
		assert.Equal(t, []string{"ch_1", "ch_1", "ch_1"}, forBoth(t, client))
	})
}

// byAccount is the Principal of an API that serves platforms. The account is
// escaped, so that no two pairs are one string.
func byAccount(r *http.Request) (string, error) {
	platform, err := concord.ByAuthorization(r)
	if err != nil {
		return "", err
	}
	return platform + "/" + url.PathEscape(r.Header.Get("Stripe-Account")) + "/" + url.PathEscape(r.Header.Get("Stripe-Context")), nil
}
