package docs

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord"
)

// TestTwoServersAreOne: a key that one has answered the other one knows, and one
// that stops lets what has begun come to its end.
func TestTwoServersAreOne(t *testing.T) {
	_, records := sqlite(t)
	began, proceed := make(chan struct{}), make(chan struct{})
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		began <- struct{}{}
		<-proceed
		w.WriteHeader(http.StatusCreated)
		fmt.Fprint(w, "charged")
	})
	stack, err := concord.New(shared(records))
	require.NoError(t, err)
	other, err := concord.New(shared(records))
	require.NoError(t, err)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- serve(ctx, listener, stack.Handler(handler), stack, records) }()

	answered := make(chan string, 1)
	go func() { answered <- post(t, "http://"+listener.Addr().String()+"/payments") }()
	<-began
	stop()
	path := "http://" + listener.Addr().String() + "/payments" // the Host is part of the request
	assert.Equal(t, "409 request-in-flight", ask(other.Handler(handler), "POST", path, "1", ""))
	close(proceed)
	assert.Equal(t, "201 charged", <-answered)
	require.NoError(t, <-served)
	assert.Equal(t, "201 charged (replayed)", ask(other.Handler(handler), "POST", path, "1", ""))
	assert.Equal(t, "422 key-reused", ask(other.Handler(handler), "POST", "http://127.0.0.1:1/payments", "1", ""), "another Host is another request")
}

func post(t *testing.T, url string) string {
	r, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodPost, url, http.NoBody)
	if err != nil {
		return err.Error()
	}
	r.SetBasicAuth("ann", "")
	r.Header.Set("Idempotency-Key", "1")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err.Error()
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprint(answer.StatusCode, " ", string(body))
}
