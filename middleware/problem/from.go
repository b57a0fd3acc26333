package problem

import "errors"

// From returns the problem that an error is: the first [*Problem] in its tree,
// as [errors.As] finds it, or else what [FromSQL] makes of it. A nil *Problem
// says nothing: behind one the search goes on, over at most 64 errors.
//
// False: the error is none of these, or nil. So it is of one with nothing but
// nil *Problems in it, such as errors.Join((*Problem)(nil)): as it is not nil,
// something has failed, and nobody knows what.
func From(err error) (*Problem, bool) {
	p, found := errors.AsType[*Problem](err)
	if found && p == nil {
		p = behindNil(err)
	}
	if p != nil {
		return p, true
	}
	return FromSQL(err)
}

// behindNil returns the first *Problem that is not nil; nil if there is none.
func behindNil(err error) (p *Problem) {
	budget := maxChain
	walk(err, &budget, func(err error) bool {
		p, _ = err.(*Problem) //nolint:errorlint // this looks at one error of a walk
		return p != nil
	})
	return p
}
