package docs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/concordhttp/concord/etag"
	"github.com/concordhttp/concord/idempotency"
	"github.com/concordhttp/concord/middleware/problem"
)

// The Go of docs/clients.md, and of the README. clients_go_run_test.go runs it.

// client sends an operation again, under one key, if its answer is lost.
var client = &http.Client{Transport: &idempotency.Transport{}}

// pay makes a payment once. The key is kept with the order, so that a program that
// is started again can ask again.
func pay(ctx context.Context, url, key, amount string) (receipt string, err error) {
	r, err := http.NewRequestWithContext(idempotency.WithKey(ctx, key), http.MethodPost, url, strings.NewReader(amount))
	if err != nil {
		return "", err
	}
	res, err := client.Do(r)
	var refused *idempotency.RefusedError
	var unanswered *idempotency.UnansweredError
	switch {
	case errors.As(err, &refused) && refused.Problem.Kind == problem.KindOutcomeUnknown, errors.As(err, &unanswered):
		return "", fmt.Errorf("ask again later, and with this key: %w", err) // it may have been made
	case err != nil:
		return "", err // a refusal that is final, such as a key that was used for another payment; or nothing was sent
	}
	defer res.Body.Close()
	if p, err := problem.Parse(res); err == nil {
		return "", p // what else the server explains; if p.Retryable, ask again later, with this key
	}
	if res.StatusCode != http.StatusCreated {
		return "", errors.New(res.Status) // 502 and 504 leave open whether it was made: again, with this key
	}
	text, err := io.ReadAll(res.Body) // which this key gets again if it breaks off
	return string(text), err
}

type document struct {
	Title string `json:"title"`
	Text  string `json:"text"`
}

// retitle changes a document, and does so again if somebody else was faster.
func retitle(ctx context.Context, url, title string) error {
	_, _, err := etag.Update(ctx, &etag.Client{HTTP: client}, url, func(d *document) error {
		d.Title = title
		return nil
	})
	return err
}
