package problem

import "errors"

// From returns the problem that an error is: the first [*Problem] in its tree,
// as [errors.As] finds it, or else what [FromSQL] makes of it. False: it is
// neither, or nil, or a nil *Problem.
func From(err error) (*Problem, bool) {
	if p, ok := errors.AsType[*Problem](err); ok && p != nil {
		return p, true
	}
	return FromSQL(err)
}
