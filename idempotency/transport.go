package idempotency

import (
	"net/http"
	"slices"
	"time"

	"github.com/concordhttp/concord/internal/retry"
)

// Defaults of [Transport].
const (
	DefaultAttempts   = 4
	DefaultBackoff    = 100 * time.Millisecond
	DefaultMaxBackoff = 10 * time.Second
	DefaultMaxWait    = time.Minute
	DefaultBurst      = 10
)

// Transport is the client side of this package: an [http.RoundTripper] that gives
// each operation one Idempotency-Key, and sends it again with that key when its
// answer is lost, or says that waiting may help.
//
//	client := &http.Client{Transport: &idempotency.Transport{}}
//	ctx = idempotency.WithKey(ctx, order.PaymentKey) // stored with the order
//	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
//	…
//	res, err := client.Do(req)
//
// The zero value is ready to use. A Transport is safe for concurrent use; it must
// neither be copied nor changed after its first use.
//
// # The key
//
// It is the caller's own, if the request has the field already, which is then left as
// it is; or that of [WithKey]; or else a random one of 128 bits, made for this one
// call. It is the same for every attempt, and for the request that follows
// a 307 or 308, whichever host that leads to. Response.Request has the request that
// was sent, with its key. (A key that outlives the call belongs to the address that
// it was used at in the end: sent again to the one that redirects, in the same
// server, it is answered 422. Keep the address with it.)
//
// # What is sent again
//
// A request that got no answer, unless the context has ended or the reason is one
// that stays, such as a certificate; and one that was answered 425, 429, 502, 503
// or 504, or 409 with a problem that says request-in-flight, resource-busy or
// write-conflict. Each pause is as long as Retry-After says, in seconds or as a
// date, and then a random part of a backoff that doubles (full jitter).
//
// It gives up after Attempts; when Retry-After is longer than MaxWait, or than the
// context will last; and when the budget is used up that all requests share. The
// last answer is then the caller's, its body unread. If there was none, the error
// is an [*UnansweredError], with the key to ask again with.
//
// # What comes back as an error
//
// Answers of status 409 and 422 that no retry can help, if they are problems of a
// kind ([problem.Parse]): a [*RefusedError] that wraps the [*problem.Problem]. So a
// caller cannot take outcome-unknown, or a key that belongs to another request, for
// the answer to what it asked for. Other servers' 409 and 422, such as those of a
// validation, are ordinary answers.
//
// Nothing is sent at all of a request whose body cannot be read twice
// ([ErrUnreplayableBody]) or whose key is none ([ErrInvalidKey]). [http.NewRequest]
// makes bodies replayable that are a [bytes.Reader], [bytes.Buffer] or
// [strings.Reader]; of others, set Request.GetBody.
type Transport struct {
	// Base sends the requests. Nil: [http.DefaultTransport].
	Base http.RoundTripper

	// Methods are those that get a key and are sent again; others go to Base
	// untouched. Nil: POST, PUT, PATCH, DELETE.
	Methods []string

	// Header is the name of the field. "": Idempotency-Key.
	Header string

	// Attempts is how often one request is sent at most. 1: never again, and its
	// body need not be replayable. Not positive: 4.
	Attempts int

	// Backoff is how long the random part of the first pause is at most; it
	// doubles with each attempt, up to MaxBackoff. Not positive: 100 ms and 10 s.
	Backoff, MaxBackoff time.Duration

	// MaxWait is the longest Retry-After that is waited for. After a longer one
	// there is no other attempt. Not positive: 1 min.
	MaxWait time.Duration

	// Burst is how many retries the requests of this Transport may have together
	// before they have earned them: each request earns a tenth of one, up to Burst,
	// and one that is answered in the end gets back what its retries have cost.
	// So a server that is down gets a tenth more requests, and not four times as
	// many. Not positive: 10.
	Burst int

	// Answers has what would be a [*RefusedError] come back as the answer that it
	// is, for libraries that read the errors of their API themselves.
	Answers bool

	budget budget
}

// RoundTrip implements [http.RoundTripper]. It does not change r.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if !t.concerns(r) {
		return t.base().RoundTrip(r)
	}
	o, err := t.operation(r)
	if err != nil {
		if r.Body != nil {
			_ = r.Body.Close() // it was never read
		}
		return nil, &retry.UnsentError{Err: err}
	}
	t.budget.earn()
	return o.do()
}

// CloseIdleConnections closes those of Base, for [http.Client.CloseIdleConnections].
func (t *Transport) CloseIdleConnections() {
	if c, ok := t.base().(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

func (t *Transport) concerns(r *http.Request) bool {
	if t.Methods != nil {
		return slices.Contains(t.Methods, r.Method)
	}
	switch r.Method {
	case http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
		return true
	}
	return false
}

func (t *Transport) base() http.RoundTripper {
	if t.Base == nil {
		return http.DefaultTransport
	}
	return t.Base
}

func (t *Transport) header() string {
	return http.CanonicalHeaderKey(orDefault(t.Header, DefaultHeader))
}

func (t *Transport) attempts() int { return positiveOr(t.Attempts, DefaultAttempts) }

// positiveOr is value if that is positive, or else standard.
func positiveOr[T int | time.Duration](value, standard T) T {
	if value > 0 {
		return value
	}
	return standard
}
