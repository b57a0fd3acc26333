package etag

import (
	"bytes"
	"fmt"
	"net/http"

	"github.com/concordhttp/concord/middleware"
)

// questionAfter makes the question that TagAfterWrite asks, or returns nil if
// it will not be asked.
func (wr *write) questionAfter() *http.Request {
	if !wr.l.tagsAfter(wr.r.Method) || wr.body.Err() != nil || len(wr.r.Header) > maxFields || unaskable(wr.r) != nil {
		return nil
	}
	return question(wr.r)
}

// tagAnswer gives the answer to a successful PUT the new validator, if what is
// stored is what was sent: only then may the client take its own copy for the
// current representation (RFC 9110 section 9.3.4). An ETag of the handler's own
// stays.
func (wr *write) tagAnswer(rec *middleware.Recorder, q *http.Request) {
	rec.Settle()
	if !rec.Buffered() || rec.Fields()["Etag"] != nil || !isSuccess(rec.Status()) {
		return
	}
	if tag := wr.storedTag(q); tag != (Tag{}) {
		rec.SetETag(tag.String())
	}
}

// storedTag is the validator that the next GET will be sent, or none if that
// gets something else than was sent. Current is asked first: a tag that is older
// than the body makes the client's next write fail, and one that is newer would
// overwrite what the client never saw. A panic costs the tag alone, since the
// write it follows has been done.
func (wr *write) storedTag(q *http.Request) (tag Tag) {
	defer func() {
		if v := recover(); v != nil {
			tag = Tag{}
			wr.l.observe(wr.r, wr.resource, middleware.Event{
				Kind: middleware.EventFailed, Err: fmt.Errorf("etag: asking for the tag after the write: %v", v),
			})
		}
	}()
	if current := wr.l.config.Current; current != nil {
		s, err := current(q.WithContext(wr.room.request.Context()))
		if err != nil || !s.Exists {
			return Tag{}
		}
		tag = s.Tag
	}
	answer, p := wr.ask(q)
	if p != nil {
		return Tag{}
	}
	defer answer.Finish()
	stored := answer.Buffered() && isRepresentation(answer.Status()) && answer.Fields()["Content-Encoding"] == nil &&
		bytes.Equal(answer.Bytes(), wr.body.Bytes())
	switch {
	case !stored:
		return Tag{}
	case wr.l.config.Current == nil:
		return wr.l.tagOf(answer)
	}
	return tag
}
