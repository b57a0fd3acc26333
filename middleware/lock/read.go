package lock

import "github.com/concordhttp/concord/middleware/problem"

// read reads what the fields of the request say, and refuses what they alone
// are reason for.
func (q *request) read() *problem.Problem {
	var present bool
	var reason string
	if q.claim.token, present, reason = tokenOf(q.r.Header); reason != "" {
		return malformed(fieldLockToken, reason)
	}
	if present {
		q.presented = &q.claim.token
	}
	switch q.r.Method {
	case methodLock:
		return q.readLock()
	case methodUnlock:
		if !present { // RFC 4918 section 9.11
			return malformed(fieldLockToken, "it is missing, and UNLOCK ends the lock that it names")
		}
		q.does = releases
		return q.identify()
	}
	if present {
		return q.identify()
	}
	return nil
}

func (q *request) readLock() *problem.Problem {
	var reason string
	if q.ttl, reason = q.l.terms.timeoutOf(q.r.Header); reason != "" {
		return malformed(fieldTimeout, reason)
	}
	if p := q.identify(); p != nil {
		return p
	}
	if authorize := q.l.config.Authorize; authorize != nil {
		if err := authorize(q.r); err != nil {
			return problem.OrForbidden(err, "You may not lock this resource.")
		}
	}
	q.does = renews
	if q.presented == nil {
		q.does = acquires
		if holder := q.l.config.Holder; holder != nil {
			q.claim.holder = holder(q.r)
		}
	}
	return nil
}

// identify finds out whom the request acts for.
func (q *request) identify() *problem.Problem {
	if q.identified {
		return nil
	}
	principal, err := q.l.config.Principal(q.r)
	if err == nil {
		q.claim.owner, err = ownerOf(q.key, principal)
	}
	if err != nil {
		return principalUnknown(err)
	}
	q.identified = true
	return nil
}
