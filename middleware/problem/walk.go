package problem

import "reflect"

// maxChain bounds how many errors of a tree are looked at: one can be its own
// branch, or two of them.
const maxChain = 64

// walk shows the errors in the tree of err, depth first as errors.As does, until
// one is the right one. It passes over nil pointers, which methods may not
// expect, and whatever comes after the budget is used up.
func walk(err error, budget *int, right func(error) bool) bool {
	for err != nil && *budget > 0 {
		*budget--
		if isNil(err) {
			return false
		}
		if right(err) {
			return true
		}
		switch e := err.(type) { //nolint:errorlint // this is the walk itself
		case interface{ Unwrap() error }:
			err = e.Unwrap()
		case interface{ Unwrap() []error }:
			for _, branch := range e.Unwrap() {
				if walk(branch, budget, right) {
					return true
				}
			}
			return false
		default:
			return false
		}
	}
	return false
}

func isNil(err error) bool {
	v := reflect.ValueOf(err)
	return v.Kind() == reflect.Pointer && v.IsNil()
}
