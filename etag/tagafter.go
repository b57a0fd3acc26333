package etag

import (
	"bytes"

	"github.com/concordhttp/concord/middleware"
)

// tagAnswer gives the answer to a successful PUT the new validator, if what is
// stored is what was sent: only then may the client take its own copy for the
// current representation (RFC 9110 section 9.3.4). The gate is still held, so
// the answer to the question is this write's.
func (wr *write) tagAnswer(rec *middleware.Recorder) {
	l := wr.l
	if !rec.Buffered() || quoteTag(rec.Fields()) || !l.tagsAfter(wr.r.Method) || !isSuccess(rec.Status()) {
		return
	}
	if wr.body.Err() != nil || behindMethodRoute(wr.r) != nil {
		return
	}
	answer := wr.ask()
	defer answer.Finish()
	if !answer.Buffered() || !isRepresentation(answer.Status()) || answer.Fields()["Content-Encoding"] != nil ||
		!bytes.Equal(answer.Bytes(), wr.body.Bytes()) {
		return
	}
	if tag := wr.storedTag(answer); tag != (Tag{}) {
		rec.SetETag(tag.String())
	}
}

// storedTag is the validator that the next GET will be sent.
func (wr *write) storedTag(answer *middleware.Recorder) Tag {
	if wr.l.config.Current == nil {
		return wr.l.tagOf(answer)
	}
	s, err := wr.l.config.Current(wr.inner)
	if err != nil || !s.Exists {
		return Tag{}
	}
	return s.Tag
}
