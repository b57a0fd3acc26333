package idempotency

import (
	"net/http"

	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/problem"
	"github.com/concordhttp/concord/store/lease"
)

// replay answers with the recorded outcome, or returns why it cannot.
func (q *request) replay(s *lease.Standing, n *note) *problem.Problem {
	if p := q.replayTo(q.w, s, n); p != nil {
		return p
	}
	q.l.observe(q.r, middleware.Event{Kind: middleware.EventReplayed, Key: q.l.reference(q.key), Status: n.status, Wait: q.wait})
	return nil
}

// replayTo writes the recorded outcome. Nothing is written if it returns a
// problem.
func (q *request) replayTo(w http.ResponseWriter, s *lease.Standing, n *note) *problem.Problem {
	if p := q.authorize(); p != nil {
		return p
	}
	fields := w.Header()
	body, err := q.l.codec.readBody(q.key, *n, s.Record.Body, fields)
	if err != nil {
		return recordUnreadable(err)
	}
	fields[q.l.config.ReplayField] = replayedValue
	w.WriteHeader(n.status)
	if len(body) > 0 {
		_, _ = w.Write(body) // the client is gone: it will ask again
	}
	return nil
}

// replayedValue is shared by all replays; nobody may write to it.
var replayedValue = []string{"true"}

// notRetained says that the request was done, and that its answer is gone.
func (q *request) notRetained(n *note) *problem.Problem {
	if p := q.authorize(); p != nil {
		return p
	}
	return responseNotRetained(*n)
}

// authorize asks whether the caller may see the outcome.
func (q *request) authorize() *problem.Problem {
	if q.l.config.Authorize == nil {
		return nil
	}
	if err := q.l.config.Authorize(q.r); err != nil {
		return problem.OrForbidden(err, "You may not see the outcome of the request with this key.")
	}
	return nil
}
