package idempotency

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/problem"
)

// refuse answers with p in place of the handler.
func (q *request) refuse(p *problem.Problem) {
	middleware.Refuse(q.w, q.r, q.l.config.Respond, p)
	e := middleware.Refusal(p)
	e.Wait = q.wait
	switch p.Kind {
	case problem.KindStoreUnavailable, problem.KindPrincipalUnknown, problem.KindInternal:
		if q.r.Context().Err() == nil { // else nobody waits any more, which is no failure of the server
			e.Kind = middleware.EventFailed
		}
	}
	if q.key != "" {
		e.Key = q.l.reference(q.key)
	}
	q.l.observe(q.r, e)
}

func keyMissing(field string) *problem.Problem {
	return problem.New(problem.KindKeyMissing, "This operation wants an "+field+
		" field, so that it is done once however often the request is sent. Choose a new random key for each operation, "+
		"such as a UUID, and send the same one with each retry.")
}

func keyInvalid(field string, err error) *problem.Problem {
	p := problem.New(problem.KindKeyInvalid, "The "+field+" field cannot be used: "+err.Error()+".")
	p.Err = err
	return p
}

func principalUnknown(err error) *problem.Problem {
	p := problem.New(problem.KindPrincipalUnknown,
		"The server cannot tell whom this request acts for, so its key could be taken for another caller's. It was not run.")
	p.Err = err
	return p
}

func bodyTooLarge(limit int64) *problem.Problem {
	p := problem.New(problem.KindBodyTooLarge, "The body of a request with a key may not be larger than this server takes.")
	p.Extensions = map[string]any{"limit": limit}
	return p
}

// bodyBrokenOff is for a client that is hardly there to read it.
func bodyBrokenOff(err error) *problem.Problem {
	return problem.OfStatus(http.StatusBadRequest,
		"The body of the request broke off, or could not be read. The request was not run, and its key can be used again.", err)
}

// bodyReadOutside is for a server whose own middleware leaves nothing to tell
// requests apart by.
func bodyReadOutside(err error) *problem.Problem {
	p := problem.New(problem.KindInternal, "")
	p.Err = err
	return p
}

// withoutTransaction is for a server that asks for transactions and has none
// around any handler: orphans would be run again as if nothing had been done.
func withoutTransaction() *problem.Problem {
	p := problem.New(problem.KindInternal, "")
	p.Err = errWithoutTransaction
	return p
}

var errWithoutTransaction = errors.New("idempotency: Transactional, and Layer.Run is around no handler")

func keyReused(field string) *problem.Problem {
	return problem.New(problem.KindKeyReused, "The "+field+
		" of this request was used before, for a request with another method, target or body. It was not run. "+
		"Choose a new key for a new operation; send a retry exactly as the request was.")
}

func requestInFlight(wait time.Duration) *problem.Problem {
	p := problem.New(problem.KindRequestInFlight,
		"The first request with this key has not ended yet, so this one was not run. Send it again to get the answer.")
	if wait > time.Second {
		p.RetryIn(wait)
	}
	return p
}

// takenOver is for an owner whose handler ran, and who then found another one in
// its place.
func takenOver() *problem.Problem {
	return problem.New(problem.KindRequestInFlight,
		"This request took so long that another attempt at it, with the same key, has taken over. Send it again, with that key, to get its answer.")
}

func outcomeUnknown(started time.Time) *problem.Problem {
	p := problem.New(problem.KindOutcomeUnknown,
		"A request with this key was begun, and how it ended is not known. It is not run again. "+
			"Ask with the same key later, or ask the service; a new key could do it twice.")
	if !started.IsZero() {
		p.Extensions = map[string]any{"started": started.UTC().Format(time.RFC3339)}
	}
	return p
}

func responseNotRetained(n note) *problem.Problem {
	p := problem.New(problem.KindResponseNotRetained,
		"The request with this key was done, and its answer could not be kept. It was not run again.")
	p.Extensions = map[string]any{"original_status": n.status}
	if n.location != "" {
		p.Header = http.Header{"Location": {n.location}}
	}
	return p
}

func storeUnavailable(err error) *problem.Problem {
	p := problem.New(problem.KindStoreUnavailable,
		"The store that remembers requests does not answer or is full, so this one was not run. It can be sent again.")
	p.Err = err
	return p
}

// recordUnreadable is for a record of which nobody can say what it means.
func recordUnreadable(err error) *problem.Problem {
	p := problem.New(problem.KindStoreUnavailable,
		"What is recorded under this key cannot be read, so nobody can tell whether the request was done. "+
			"Ask with the same key later, or ask the service; a new key could do it twice.")
	p.Err = err
	return p
}

func responseTooLarge(limit int64) *problem.Problem {
	p := problem.New(problem.KindResponseTooLarge,
		"The answer is larger than can be held back until the transaction commits. Everything was rolled back.")
	p.Extensions = map[string]any{"limit": limit}
	return p
}

// rolledBackFor is the problem for a transaction that did not come to its end:
// what the database says of it, if that is a conflict.
func rolledBackFor(err error) *problem.Problem {
	if p, ok := problem.FromSQL(err); ok {
		return p
	}
	p := problem.New(problem.KindStoreUnavailable,
		"The transaction of this request could not be completed, so everything was rolled back. It can be sent again.")
	p.Err = err
	return p
}

// endedByHandler is for a handler that commits its transaction, or rolls it back:
// a mistake of the server's.
func endedByHandler(err error) *problem.Problem {
	p := problem.New(problem.KindInternal, "")
	p.Err = fmt.Errorf("idempotency: the handler has ended the transaction of its request, which its answer does: %w", err)
	return p
}

func commitUnclear(err error) *problem.Problem {
	p := problem.New(problem.KindStoreUnavailable,
		"Whether this request was done cannot be found out at the moment. Send it again with the same key to learn it.")
	p.Err = err
	return p
}
