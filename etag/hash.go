package etag

import (
	"crypto/sha256"
	"encoding/base64"
)

// Hasher makes the strong entity tag of a body: equal bodies get equal tags on
// every server of a deployment, and different bodies get different ones. It is
// safe for concurrent use, and neither keeps nor changes body.
type Hasher interface {
	Sum(body []byte) Tag
}

// Of returns the strong entity tag of body: the first 128 bits of its SHA-256,
// in base64url without padding. It is the same everywhere and for ever, so
// servers of different versions agree on it.
//
// Whoever can choose two bodies needs 2^64 work to give them one tag. A tag
// tells who knows the possible bodies which one it is; [Keyed] does not.
func Of(body []byte) Tag {
	sum := sha256.Sum256(body)
	return fromDigest((*[digestBytes]byte)(sum[:]))
}

// bySHA256 is Of as a Hasher.
type bySHA256 struct{}

// Sum implements [Hasher].
func (bySHA256) Sum(body []byte) Tag { return Of(body) }

// digestBytes is how much of a digest goes into a tag: 128 bits, so that the
// tag is 24 characters and an accidental collision is out of the question.
const digestBytes = 16

func fromDigest(digest *[digestBytes]byte) Tag {
	var text [2 + (digestBytes*8+5)/6]byte // the quotes, and 6 bits a character
	text[0], text[len(text)-1] = '"', '"'
	base64.RawURLEncoding.Encode(text[1:len(text)-1], digest[:])
	return Tag{string(text[:])}
}
