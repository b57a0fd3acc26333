package lock

import "crypto/subtle"

// verdict is what a lock means for a request.
type verdict uint8

const (
	free      verdict = iota // no lock stands, and the request speaks of none
	own                      // the request's own lock stands
	ended                    // the request speaks of a lock, and none stands
	foreign                  // somebody else holds it
	elsewhere                // the same principal holds it, by another token
)

// judge says what the lock s, nil if there is none, means for a request of owner
// with that token, nil if it has none. The token alone is not enough, since it
// can leak; nor is the principal, who may have the document open twice. It
// decides from what it is given alone.
func judge(s *standing, presented *token, owner digest) verdict {
	if s == nil {
		if presented == nil {
			return free
		}
		return ended
	}
	if s.owner != owner {
		return foreign
	}
	if presented == nil || subtle.ConstantTimeCompare(presented[:], s.token[:]) != 1 {
		return elsewhere
	}
	return own
}
