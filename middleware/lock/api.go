package lock

import (
	"context"
	"time"

	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/problem"
)

// Lock is an edit lock as a server with routes of its own sees it.
type Lock struct {
	// Token is what the holder shows, "urn:uuid:…". Together with its principal
	// it lets writes through; it is no one else's to see. Clients send it between
	// < and >, or bare, in Lock-Token. Empty in what [Layer.Holder] returns.
	Token string
	// Holder is what the server chose to show of who holds it.
	Holder string
	// Expires is when it ends unless it is renewed, by the clock of this server.
	Expires time.Time
	// Fence is the fencing token; see [Held.Token].
	Fence uint64
}

func (s *standing) lock() Lock {
	return Lock{Token: s.token.String(), Holder: s.holder, Expires: s.expires, Fence: s.fence}
}

// Acquire locks a resource for a principal, as LOCK does: resource is the key
// that Config.Resource gives for requests about it, such as "/documents/1".
// Others are shown holder, of which [MaxHolder] bytes are kept. The lock lasts
// for ttl, at least a second and at most Config.MaxTTL; 0 is Config.TTL.
//
// It waits at the gate of the resource until writes under way have ended. If ctx
// ends before there is an answer, no lock is left behind.
//
// The error is a [*problem.Problem] that a handler can return as it is; it wraps
// [ErrLocked] if the resource is locked already, also by the same principal.
func (l *Layer) Acquire(ctx context.Context, resource, principal, holder string, ttl time.Duration) (Lock, error) {
	began := middleware.Began(l.config.Observer)
	key := l.storageKey(resource)
	owner, err := ownerOf(key, principal)
	if err != nil {
		return l.told(ctx, resource, nil, principalUnknown(err), 0)
	}
	pass, err := l.gate.Enter(ctx, resource)
	wait := middleware.Took(began)
	if err != nil {
		return l.told(ctx, resource, nil, gateClosed(err), wait)
	}
	defer l.leave(ctx, "", resource, pass)
	s, p := l.acquire(pass, key, claim{owner: owner, holder: holder}, l.terms.grant(ttl))
	return l.told(ctx, resource, s, p, wait)
}

// Renew gives a lock a new time to live, as LOCK with its token does; ttl is as
// for [Layer.Acquire], and is counted from now, be it less than what was left.
// It does not wait at the gate, so that a client that keeps its lock alive is
// not held up by a slow write of its own.
//
// The error is as for Acquire. It wraps [ErrExpired] if the lock does not stand
// any more, and [ErrLocked] if the resource is another's by now, or the token is
// another principal's.
func (l *Layer) Renew(ctx context.Context, resource, token, principal string, ttl time.Duration) (Lock, error) {
	key := l.storageKey(resource)
	c, p := claimOf(key, token, principal)
	if p != nil {
		return l.told(ctx, resource, nil, p, 0)
	}
	within, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	s, p := l.renew(within, key, c, l.terms.grant(ttl))
	return l.told(ctx, resource, s, p, 0)
}

// Release ends a lock, as UNLOCK does. Errors are as for [Layer.Renew].
func (l *Layer) Release(ctx context.Context, resource, token, principal string) error {
	key := l.storageKey(resource)
	c, p := claimOf(key, token, principal)
	if p == nil {
		within, cancel := context.WithTimeout(ctx, callTimeout)
		defer cancel()
		var s *standing
		if s, p = l.release(within, key, c); p == nil {
			l.observe(ctx, "", resource, middleware.Event{Kind: middleware.EventUnlocked, Holder: s.holder})
			return nil
		}
	}
	l.observeRefusal(ctx, "", resource, p, 0)
	return p
}

// Holder returns the lock of a resource without its token, to show who edits it.
// False: it is not locked. What it says can have changed by the time that it is
// read. The error is a [*problem.Problem].
func (l *Layer) Holder(ctx context.Context, resource string) (Lock, bool, error) {
	within, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	s, p := l.look(within, l.storageKey(resource))
	switch {
	case p != nil:
		l.observeRefusal(ctx, "", resource, p, 0)
		return Lock{}, false, p
	case s == nil:
		return Lock{}, false, nil
	}
	found := s.lock()
	found.Token = ""
	return found, true, nil
}

// told returns what a caller gets that asked for s, and got p if that is not
// nil, and tells the observer.
func (l *Layer) told(ctx context.Context, resource string, s *standing, p *problem.Problem, wait time.Duration) (Lock, error) {
	if p != nil {
		l.observeRefusal(ctx, "", resource, p, wait)
		return Lock{}, p
	}
	l.observe(ctx, "", resource, middleware.Event{Kind: middleware.EventLocked, Holder: s.holder, Wait: wait})
	return s.lock(), nil
}

// claimOf is what a caller says of the lock that it has.
func claimOf(key, text, principal string) (claim, *problem.Problem) {
	owner, err := ownerOf(key, principal)
	if err != nil {
		return claim{}, principalUnknown(err)
	}
	t, ok := parseToken(text)
	if !ok {
		return claim{}, malformed(fieldLockToken, "it is not a token as LOCK gives them, <urn:uuid:…>")
	}
	return claim{owner: owner, token: t}, nil
}
