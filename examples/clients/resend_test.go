package clients

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/resend/resend-go/v3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord"
	"github.com/concordhttp/concord/middleware/problem"
)

// respondAsResend writes problems in the form of which resend-go reads the message.
// It looks into no body that is not application/json, which application/problem+json
// is not, and then knows the status alone.
func respondAsResend(w http.ResponseWriter, _ *http.Request, p *problem.Problem) {
	p = problem.Renderer{}.Complete(p)
	w.Header().Set("Content-Type", "application/json")
	p.WriteHeader(w)
	_ = json.NewEncoder(w).Encode(map[string]any{ // the client is gone; there is nobody left to tell
		"statusCode": p.Status, "name": p.Kind, "message": p.Detail, "retryable": p.Retryable,
	})
}

// newResend returns an API in the manner of Resend's, and a client of it.
func newResend(t *testing.T, through *http.Client, configure func(*server, *concord.Config)) (*resend.Client, *server) {
	t.Helper()
	s := newServer(t, both(func(_ *server, c *concord.Config) { c.Respond = respondAsResend }, configure))
	s.mux.HandleFunc("POST /emails", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"id":"mail-%d"}`, s.effect(r))
	})
	s.mux.HandleFunc("POST /emails/batch", func(w http.ResponseWriter, r *http.Request) {
		var mails []struct{ Subject string }
		if err := json.NewDecoder(r.Body).Decode(&mails); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		number := s.effect(r)
		var sent resend.BatchEmailResponse
		for i := range mails {
			sent.Data = append(sent.Data, resend.SendEmailResponse{Id: fmt.Sprintf("mail-%d-%d", number, i)})
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(sent)
	})
	if through == nil {
		transport := &http.Transport{}
		t.Cleanup(transport.CloseIdleConnections)
		through = &http.Client{Transport: transport}
	}
	client := resend.NewCustomClient(through, "re_concord")
	base, err := url.Parse(s.URL + "/")
	require.NoError(t, err)
	client.BaseURL = base
	return client, s
}

var receipt = &resend.SendEmailRequest{From: "shop@example.com", To: []string{"ann@example.com"}, Subject: "Your receipt", Text: "EUR 12.50"}

// send sends the receipt, with a key if there is one.
func send(t *testing.T, client *resend.Client, key string) (string, error) {
	t.Helper()
	sent, err := client.Emails.SendWithOptions(t.Context(), receipt, &resend.SendEmailOptions{IdempotencyKey: key})
	if err != nil {
		return "", err
	}
	return sent.Id, nil
}

func TestResendSendsAMailOncePerKey(t *testing.T) {
	client, s := newResend(t, nil, nothingElse)
	for range 2 {
		id, err := send(t, client, "receipt/1")
		require.NoError(t, err)
		assert.Equal(t, "mail-1", id)
	}
	assert.EqualValues(t, 1, s.runs.Load())
	s.requireOneKey(t)

	id, err := send(t, client, "receipt/2")
	require.NoError(t, err)
	assert.Equal(t, "mail-2", id, "the same mail with another key is another mail")
}

func TestResendMakesUpNoKey(t *testing.T) {
	client, s := newResend(t, nil, nothingElse)
	for i := range 2 {
		sent, err := client.Emails.SendWithContext(t.Context(), receipt)
		require.NoError(t, err)
		assert.Equal(t, fmt.Sprintf("mail-%d", i+1), sent.Id)
	}
	assert.Empty(t, s.exchanges()[0].sent["Idempotency-Key"])
}

func TestResendSendsABatchOncePerKey(t *testing.T) {
	client, s := newResend(t, nil, nothingElse)
	other := *receipt
	other.To = []string{"bob@example.com"}
	mails := []*resend.SendEmailRequest{receipt, &other}
	for range 2 {
		sent, err := client.Batch.SendWithOptions(t.Context(), mails, &resend.BatchSendEmailOptions{IdempotencyKey: "receipts/1"})
		require.NoError(t, err)
		assert.Equal(t, []resend.SendEmailResponse{{Id: "mail-1-0"}, {Id: "mail-1-1"}}, sent.Data)
	}
	assert.EqualValues(t, 1, s.runs.Load())

	_, err := client.Batch.SendWithOptions(t.Context(), mails[:1], &resend.BatchSendEmailOptions{IdempotencyKey: "receipts/1"})
	require.ErrorContains(t, err, "key")
	assert.Equal(t, []int{200, 200, 422}, s.statuses())
	assert.EqualValues(t, 1, s.runs.Load())
}

func TestResendReportsAKeyThatWasUsedForAnotherMail(t *testing.T) {
	reuse := func(t *testing.T, client *resend.Client) error {
		t.Helper()
		_, err := send(t, client, "receipt/1")
		require.NoError(t, err)
		other := *receipt
		other.Text = "EUR 99.00"
		_, err = client.Emails.SendWithOptions(t.Context(), &other, &resend.SendEmailOptions{IdempotencyKey: "receipt/1"})
		return err
	}
	t.Run("in the server's words", func(t *testing.T) {
		client, s := newResend(t, nil, nothingElse)
		require.ErrorContains(t, reuse(t, client), "[ERROR]: The Idempotency-Key")
		assert.Equal(t, []int{200, 422}, s.statuses())
		assert.EqualValues(t, 1, s.runs.Load())
	})
	t.Run("or by its status alone", func(t *testing.T) {
		client, _ := newResend(t, nil, func(_ *server, c *concord.Config) { c.Respond = problem.JSON })
		require.EqualError(t, reuse(t, client), "[ERROR]: 422 Unprocessable Entity")
	})
}

func TestResendReturnsWhatItCannotKnowToItsCaller(t *testing.T) {
	client, s := newResend(t, nil, runsUntilRefused(t, false))
	_, err := send(t, client, "receipt/1")
	require.Error(t, err, "the reply was lost")
	_, err = send(t, client, "receipt/1")
	require.ErrorContains(t, err, "[ERROR]: ", "it is in flight")
	id, err := send(t, client, "receipt/1")
	require.NoError(t, err)
	assert.Equal(t, "mail-1", id)
	assert.Equal(t, []int{200, 409, 200}, s.statuses(), "one for each call: it repeats nothing by itself")
	assert.EqualValues(t, 1, s.runs.Load())
}

// With a client that retries in its place, resend-go need not know.
func TestResendOverRetryableHTTPRetries(t *testing.T) {
	for name, fault := range map[string]func(*server, *concord.Config){
		"a reply that is lost":         losesReply(1),
		"a request in flight":          runsUntilRefused(t, false),
		"a store that does not answer": storeIsDown(2),
	} {
		t.Run(name, func(t *testing.T) {
			retrying, _ := newRetryable(t, afterRetryAfter)
			retrying.CheckRetry = followRetryable
			client, s := newResend(t, retrying.StandardClient(), both(fault, func(_ *server, c *concord.Config) { c.Respond = problem.JSON }))
			id, err := send(t, client, "receipt/1")
			require.NoError(t, err)
			assert.Equal(t, "mail-1", id)
			assert.EqualValues(t, 1, s.runs.Load())
			assert.Greater(t, len(s.statuses()), 1)
			s.requireOneKey(t)
		})
	}
}
