package docs

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware/problem"
)

// TestClientInGo runs the client that docs/clients.md shows, against a server that
// loses the first answer to each key.
func TestClientInGo(t *testing.T) {
	a := newAPI(t)
	a.note = `{"title":"Shopping","text":"Buy milk."}`
	server := httptest.NewUnstartedServer(unreliable(a, `{"title":"Shopping","text":"Buy tea."}`))
	server.Config.ErrorLog = quiet
	server.Start()
	defer server.Close()
	client.Transport = &idempotency.Transport{Base: server.Client().Transport, Backoff: time.Millisecond}
	api := strings.Replace(server.URL, "://", "://ann:@", 1)

	receipt, err := pay(t.Context(), api+"/payments", "order 7", "EUR 12.50")
	require.NoError(t, err)
	assert.Equal(t, "Charge 1.", receipt)
	receipt, err = pay(t.Context(), api+"/payments", "order 7", "EUR 12.50") // by a program that was started again
	require.NoError(t, err)
	assert.Equal(t, "Charge 1.", receipt)
	_, err = pay(t.Context(), api+"/payments", "order 7", "EUR 99.00")
	assert.Equal(t, problem.KindKeyReused, kindOf(err))
	_, err = pay(t.Context(), api+"/payments?reject", "order 8", "EUR 12.50")
	assert.Equal(t, problem.KindStateConflict, kindOf(err))
	_, err = pay(t.Context(), server.URL+"/payments", "order 9", "EUR 12.50") // nobody is signed in
	assert.Equal(t, problem.KindPrincipalUnknown, kindOf(err))
	assert.Equal(t, 1, a.charges)

	require.NoError(t, retitle(t.Context(), api+"/notes/1", "Errands"))
	assert.JSONEq(t, `{"title":"Errands","text":"Buy tea."}`, a.note, "nobody's change was lost")

	res, err := http.Get(server.URL + "/down")
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	_, err = pay(t.Context(), api+"/payments", "order 10", "EUR 12.50")
	var unanswered *idempotency.UnansweredError
	require.ErrorAs(t, err, &unanswered)
	assert.Equal(t, "order 10", unanswered.Key)
}

// kindOf is that of the problem in an error.
func kindOf(err error) problem.Kind {
	if p, ok := errors.AsType[*problem.Problem](err); ok {
		return p.Kind
	}
	return ""
}
