package lock

import (
	"context"
	"errors"

	"github.com/concordhttp/concord/middleware/problem"
	"github.com/concordhttp/concord/store/lease"
)

// Why a lock was not to be had. The problems that [Layer.Acquire], [Layer.Renew]
// and [Layer.Release] return wrap them; compare with [errors.Is].
var (
	// ErrLocked: another client holds the lock, or the same principal does by
	// another token.
	ErrLocked = errors.New("lock: held by another")
	// ErrExpired: the lock that the token names does not stand any more. It has
	// expired, or was released.
	ErrExpired = errors.New("lock: expired")
)

// refusal is the problem that a verdict on s means, or nil.
func (l *Layer) refusal(v verdict, s *standing) *problem.Problem {
	switch v {
	case free, own:
		return nil
	case ended:
		return expired()
	case elsewhere:
		return l.locked(s, "You hold an edit lock on this resource already, taken elsewhere. "+
			"Send its token in Lock-Token, or end it there, or wait until it ends by itself. Nothing was changed.")
	case foreign:
	}
	return l.locked(s, "Another client holds an edit lock on this resource. Nothing was changed.")
}

func (l *Layer) locked(s *standing, detail string) *problem.Problem {
	p := problem.Locked(detail, s.holder, s.expires)
	p.Status = l.config.Status
	p.Err = ErrLocked
	return p
}

// expired tells a client that its lock is gone: others may have written since.
func expired() *problem.Problem {
	p := problem.VersionMismatch("The lock that Lock-Token names has expired, or was ended, and the resource may have " +
		"changed since. Nothing was changed: lock it again, fetch it, and apply your change to that.")
	p.Extensions = map[string]any{"failed_field": fieldLockToken}
	p.Err = ErrExpired
	return p
}

func malformed(field, reason string) *problem.Problem {
	p := problem.New(problem.KindPreconditionMalformed, "The "+field+" field cannot be used: "+reason+".")
	p.Extensions = map[string]any{"failed_field": field}
	return p
}

func principalUnknown(err error) *problem.Problem {
	p := problem.New(problem.KindPrincipalUnknown,
		"The server cannot tell whom this request acts for, so it could be taken for another's. Nothing was changed.")
	p.Err = err
	return p
}

func bodyTooLarge(limit int64) *problem.Problem {
	p := problem.New(problem.KindBodyTooLarge, "The body of the request is larger than this resource takes.")
	p.Extensions = map[string]any{"limit": limit}
	return p
}

func storeUnavailable(err error) *problem.Problem {
	p := problem.New(problem.KindStoreUnavailable,
		"The store that keeps edit locks does not answer or is full, so nothing was changed.")
	p.Err = err
	return p
}

// recordUnreadable is for a lock of which nobody can say whose it is.
func recordUnreadable(err error) *problem.Problem {
	p := problem.New(problem.KindStoreUnavailable,
		"The lock of this resource cannot be read, so nothing was changed.")
	p.Err = err
	return p
}

func busy(err error) *problem.Problem {
	p := problem.New(problem.KindResourceBusy,
		"Another write of this resource did not finish in time. Nothing was changed; the same request can be sent again.")
	p.Err = err
	return p
}

// gateClosed says why a request did not get through the gate. A lease that was
// lost before it did anything is no different from one that was never had.
func gateClosed(err error) *problem.Problem {
	if errors.Is(err, lease.ErrBusy) || errors.Is(err, lease.ErrLost) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return busy(err)
	}
	return storeUnavailable(err)
}
