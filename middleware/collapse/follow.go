package collapse

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/problem"
)

// follow answers a request with what the run gives, or else runs the handler.
func (r *run) follow(w http.ResponseWriter, req *http.Request, now time.Duration, over <-chan struct{}) {
	ctx := req.Context()
	select {
	case <-r.crowd.decided:
		r.take(w, req, now)
	case <-over:
		r.leave()
		r.handler.alone(w, req, r.handler.layer.now()-now)
	case <-ctx.Done():
		r.leave()
		r.handler.giveUp(w, req, r.handler.layer.now()-now)
	}
}

// take answers a request as was decided.
func (r *run) take(w http.ResponseWriter, req *http.Request, now time.Duration) {
	wait := r.handler.layer.now() - now
	a := r.outcome.answer
	switch {
	case a == nil:
	case !a.fits(req.Header):
		r.mark()
	case r.outcome.stream != nil:
		if r.readAlong(w, req, a, r.outcome.stream) {
			r.handler.layer.observe(req, r.handler.layer.observed(req), middleware.Event{Kind: middleware.EventCollapsed, Status: a.status, Wait: wait})
			return
		}
		r.handler.alone(w, req, wait)
		return
	default:
		r.leave()
		a.begin(w, req)
		if len(a.body) > 0 {
			_, _ = w.Write(a.body) // the client is gone: nobody is left to be told
		}
		r.handler.layer.observe(req, r.handler.layer.observed(req), middleware.Event{Kind: middleware.EventCollapsed, Status: a.status, Wait: wait})
		return
	}
	r.leave()
	r.handler.alone(w, req, wait)
}

// readAlong sends the answer while it is written. False: the request fell behind
// before anything was sent, and can still run for itself. After that it can only
// be broken off: an answer that lacks its end must not look complete.
func (r *run) readAlong(w http.ResponseWriter, req *http.Request, a *answer, s *stream) bool {
	defer r.leave()
	var pos int64
	var stall stall
	defer stall.end()
	for {
		p, more, how := s.read(pos)
		if how == waits {
			if pos > 0 {
				flush(w)
			}
			how = r.await(w, req, s, pos, more, &stall)
		}
		switch how {
		case someMore:
			if pos == 0 {
				a.begin(w, req)
			}
			if _, err := w.Write(p); err != nil {
				return true // the client is gone
			}
			if pos == 0 {
				flush(w) // so that the server guesses the type from what the leader's does
			}
			pos += int64(len(p))
		case waits: // no longer
		case ended:
			if pos == 0 {
				a.begin(w, req)
			}
			for _, t := range s.trailers {
				w.Header()[t.name] = t.lines
			}
			return true
		case lost:
			if pos == 0 {
				return false
			}
			breakOff(w)
		}
	}
}

// breakOff ends an answer that lacks its end. The write deadline is for what
// stands outside and recovers from the panic: were the request to return then, as
// one that is done, the server would send what makes the answer look whole.
func breakOff(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetWriteDeadline(longAgo) // where there is none, the panic has to do
	panic(http.ErrAbortHandler)
}

// flush sends what was written to a client that would otherwise see nothing
// while the next bytes are waited for. Where that cannot be, it cannot.
func flush(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() }

// alone runs the handler for a request that was to share an answer.
func (h *handler) alone(w http.ResponseWriter, r *http.Request, wait time.Duration) {
	resource := h.layer.observed(r)
	rec, owned := middleware.Record(w)
	rec.Enter(notShared{}, 0)
	h.next.ServeHTTP(rec, r)
	rec.Leave()
	h.layer.observe(r, resource, middleware.Event{Kind: middleware.EventPassed, Status: rec.Status(), Wait: wait})
	if owned {
		rec.Finish()
	}
}

// notShared says so on the answer.
type notShared struct{}

// Decide implements [middleware.Stage].
func (notShared) Decide(rec *middleware.Recorder, _ middleware.Decision) middleware.Decision {
	addStatus(rec.Fields(), notCollapsed)
	return middleware.Pass
}

// giveUp answers a request whose context ended while it waited. At a deadline of
// the server's own the client still listens, and the handler says what is to be
// said. Else the client is gone, and the handler is not run for nobody: many
// such clients would be a load that costs them nothing. Should it still listen,
// nothing is broken, as an internal error would say: somebody else's request was
// not done in time, and to ask again is right, which resource-busy says.
func (h *handler) giveUp(w http.ResponseWriter, r *http.Request, wait time.Duration) {
	cause := context.Cause(r.Context())
	if errors.Is(r.Context().Err(), context.DeadlineExceeded) {
		h.alone(w, r, wait)
		return
	}
	p := problem.New(problem.KindResourceBusy, "The request was cancelled while it waited for the answer to an identical one.")
	p.Err = cause
	middleware.Refuse(w, r, h.layer.config.Respond, p)
	e := middleware.Refusal(p)
	e.Wait = wait
	h.layer.observe(r, h.layer.observed(r), e)
}
