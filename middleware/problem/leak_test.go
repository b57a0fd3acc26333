package problem_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/concordhttp/concord/middleware/problem"
)

// pgError has the shape of the errors of pgx.
type pgError struct {
	Code, Message, Detail, ConstraintName string
}

func (e *pgError) Error() string    { return e.Message + e.Detail }
func (e *pgError) SQLState() string { return e.Code }

// Everything secret in these errors has the word SECRET in it.
func TestNothingLeaks(t *testing.T) {
	sql := &pgError{
		Code: "23505", Message: "INSERT INTO SECRET_users: duplicate key value violates",
		Detail: "Key (email)=(SECRET@example.com) already exists.", ConstraintName: "SECRET_users_email_key",
	}
	withCause := problem.StateConflict("The seat is taken.")
	withCause.Err = errors.New("SECRET cause")

	for name, err := range map[string]error{
		"an error of the handler":               errors.New("dial 10.0.0.1: password SECRET"),
		"the cause of a problem":                withCause,
		"a database's text, values and names":   sql,
		"the same, wrapped":                     fmt.Errorf("saving SECRET: %w", sql),
		"the text of an error as detail of 500": problem.New(problem.KindInternal, "SECRET"),
	} {
		for responder, respond := range map[string]problem.Responder{"JSON": nil, "Negotiate": problem.Negotiate, "Stripe": problem.Stripe} {
			for _, accept := range []string{"application/json", "text/html", "text/plain"} {
				t.Run(name+"/"+responder+"/"+accept, func(t *testing.T) {
					r := httptest.NewRequest("PUT", "/SECRET", nil)
					r.Header.Set("Accept", accept)
					r.Header.Set("Idempotency-Key", "SECRET")
					w := httptest.NewRecorder()
					respond.HandlerFunc(func(http.ResponseWriter, *http.Request) error { return err }).ServeHTTP(w, r)

					assert.GreaterOrEqual(t, w.Code, 400)
					assert.NotContains(t, w.Body.String(), "SECRET")
					assert.NotContains(t, fmt.Sprint(w.Header()), "SECRET")
				})
			}
		}
	}
}

func TestConstraintsAreShownOnRequestOnly(t *testing.T) {
	for state, member := range map[string]string{"23505": "conflicting", "23503": "constraint", "23P01": "constraint"} {
		p, ok := problem.FromSQL(&pgError{Code: state, ConstraintName: "users_email_key"})
		assert.True(t, ok)
		assert.NotContains(t, render(problem.JSON, p, "PUT").Body.String(), "users_email_key")
		show := problem.Renderer{ShowConstraints: true}
		assert.Contains(t, render(show.JSON, p, "PUT").Body.String(), `"`+member+`":"users_email_key"`)
		assert.Contains(t, render(show.Stripe, p, "PUT").Body.String(), `"`+member+`":"users_email_key"`)

		p.Extensions = map[string]any{member: "email"}
		body := render(show.JSON, p, "PUT").Body.String()
		assert.Contains(t, body, `"`+member+`":"email"`, "the handler's own word goes first")
		assert.NotContains(t, body, "users_email_key")
	}
}

func TestMarkupIsEscapedInPages(t *testing.T) {
	const nasty = `<script>alert("1")</script><a href='x'>&`
	p := &problem.Problem{
		Kind: nasty, Type: "javascript:alert(1)", Status: 409, Title: nasty, Detail: nasty, Instance: nasty,
		Header: http.Header{"Retry-After": {nasty}}, Retryable: true, Extensions: map[string]any{nasty: nasty},
	}
	w := render(problem.Negotiate, p, "PUT", "Accept", "text/html")
	assert.NotContains(t, w.Body.String(), "<script")
	assert.NotContains(t, w.Body.String(), "<a href")
	assert.Contains(t, w.Header().Get("Content-Security-Policy"), "default-src 'none'")
}
