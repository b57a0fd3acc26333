package etag

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/problem"
	"github.com/concordhttp/concord/store/lease"
)

// refuse answers with p in place of the handler.
func (l *Layer) refuse(w http.ResponseWriter, r *http.Request, resource string, p *problem.Problem) {
	l.refuseAfter(0, w, r, resource, p)
}

// refuseAfter is refuse for a request that has waited at the gate.
func (l *Layer) refuseAfter(wait time.Duration, w http.ResponseWriter, r *http.Request, resource string, p *problem.Problem) {
	middleware.Refuse(w, r, l.config.Respond, p)
	e := middleware.Refusal(p)
	e.Wait = wait
	if p.Err != nil && p.Kind != problem.KindResourceBusy {
		e.Kind = middleware.EventFailed
	}
	l.observe(r, resource, e)
}

func malformed(err error) *problem.Problem {
	p := problem.New(problem.KindPreconditionMalformed, "A precondition of the request cannot be read.")
	if f := (*FieldError)(nil); errors.As(err, &f) {
		p.Detail = "The " + f.Field + " field cannot be read: " + f.Reason + "."
		p.Extensions = map[string]any{"failed_field": f.Field}
	}
	return p
}

// tooManyFields refuses a request that it would cost too much to ask with.
func tooManyFields() *problem.Problem {
	return problem.New(problem.KindPreconditionMalformed,
		"A request with preconditions may have 128 header fields of different names, and this one has more.")
}

func (l *Layer) preconditionRequired() *problem.Problem {
	p := problem.New(problem.KindPreconditionRequired,
		"A write of this resource must say which version it changes. Send If-Match with the ETag of the last GET, "+
			"or If-None-Match: * to create it.")
	wanted := []string{fieldIfMatch, fieldIfNoneMatch}
	if l.config.AllowDates {
		wanted = append(wanted, fieldIfUnmodifiedSince)
	}
	p.Extensions = map[string]any{"wanted_fields": wanted}
	return p
}

// mismatch says which precondition is false, and what is current.
func (l *Layer) mismatch(field string, s State) *problem.Problem {
	p := problem.VersionMismatch(mismatchDetail(field, s))
	p.Status = l.config.StaleStatus
	p.Extensions = map[string]any{"failed_field": field}
	p.Header = make(http.Header)
	if s.Exists && s.Tag != (Tag{}) {
		p.Extensions["current_etag"] = s.Tag.String()
		p.Header["Etag"] = []string{s.Tag.String()}
	}
	return p
}

func mismatchDetail(field string, s State) string {
	switch {
	case !s.Exists:
		return "The resource does not exist (any more), so " + field + " cannot hold. Nothing was changed."
	case field == fieldIfNoneMatch:
		return "The resource exists, in a version that If-None-Match rules out. Nothing was changed."
	}
	return "The resource has changed since the version that " + field +
		" names. Nothing was changed: fetch it again, apply your change to that, and send it with the new ETag."
}

func tooLarge(limit int64) *problem.Problem {
	p := problem.New(problem.KindBodyTooLarge, "The body of the request is larger than this resource takes.")
	p.Extensions = map[string]any{"limit": limit}
	return p
}

// unavailable is the problem for a validator that could not be found out. A
// problem that Config.Current returned is the answer itself.
func unavailable(err error) *problem.Problem {
	if p, ok := problem.From(err); ok {
		return p
	}
	p := problem.New(problem.KindValidatorUnavailable,
		"The current version of the resource could not be found out, so nothing was changed.")
	p.Err = err
	return p
}

func validatorMissing(err error) *problem.Problem {
	p := problem.New(problem.KindValidatorMissing,
		"The server cannot tell the current version of this resource, so nothing was changed.")
	p.Err = err
	return p
}

// transactionOutside is for a transaction that would commit after the gate has
// opened. The next writer would be judged by what was there before it.
func transactionOutside() *problem.Problem {
	p := problem.New(problem.KindInternal, "")
	p.Err = errTransactionOutside
	return p
}

var errTransactionOutside = errors.New("etag: the layer is inside of a transaction that commits after the gate opens: " +
	"put idempotency.Layer.Run inside of it, and Claim outside")

// gateClosed says why a write did not get through the gate. A lease that was
// lost before the handler ran is no different from one that was never had.
func gateClosed(err error) *problem.Problem {
	if errors.Is(err, lease.ErrBusy) || errors.Is(err, lease.ErrLost) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		p := problem.New(problem.KindResourceBusy,
			"Another write of this resource did not finish in time. Nothing was changed; the same request can be sent again.")
		p.Err = err
		return p
	}
	p := problem.New(problem.KindStoreUnavailable,
		"The store that orders writes does not answer, so nothing was changed.")
	p.Err = err
	return p
}
