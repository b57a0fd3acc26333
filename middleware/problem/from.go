package problem

import "errors"

// From returns the problem that an error is: the first [*Problem] in its tree,
// as [errors.As] finds it, or else what [FromSQL] makes of it. A nil *Problem
// says nothing: behind one the search goes on, over at most 64 errors. So it does
// behind one that [Parse] has returned: what another server answered to this one
// is not for this one's clients, who may be others.
//
// False: the error is none of these, or nil. So it is of one with nothing but
// nil *Problems in it, such as errors.Join((*Problem)(nil)): as it is not nil,
// something has failed, and nobody knows what.
func From(err error) (*Problem, bool) {
	p, found := errors.AsType[*Problem](err)
	if found && !p.isOwn() {
		p = firstOwn(err)
	}
	if p != nil {
		return p, true
	}
	return FromSQL(err)
}

// isOwn reports whether a problem is one that this server may answer with.
func (p *Problem) isOwn() bool { return p != nil && !p.received }

// firstOwn returns the first of the server's own problems; nil if there is none.
func firstOwn(err error) (own *Problem) {
	budget := maxChain
	walk(err, &budget, func(err error) bool {
		if p, ok := err.(*Problem); ok && p.isOwn() { //nolint:errorlint // this looks at one error of a walk
			own = p
		}
		return own != nil
	})
	return own
}
