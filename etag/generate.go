package etag

import (
	"net/http"
	"time"

	"github.com/concordhttp/concord/middleware"
)

// Generate gives the answers of next to GET an ETag, unless they have one: the
// tag of Config.Current, or a hash of the body. Answers that are no
// representation (errors, 204, 206), that are streams or flushed before their
// end, or that are larger than Config.MaxBody go out as they are. An ETag that
// the handler left unquoted is put in quotes. A HEAD is never hashed.
func (l *Layer) Generate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isRead(r.Method) {
			next.ServeHTTP(w, r)
			return
		}
		rec, owned := middleware.Record(w)
		rec.Enter(l.tagger(r), l.config.MaxBody)
		next.ServeHTTP(rec, r)
		if rec.Leave() == middleware.Buffer {
			l.tagBuffered(rec)
		}
		if owned {
			rec.Finish()
		}
	})
}

// tagger returns the stage that fits the request.
func (l *Layer) tagger(r *http.Request) middleware.Stage {
	switch {
	case l.config.Current != nil:
		return &stamper{l.stateBefore(r)}
	case r.Method == http.MethodHead:
		return quoter{}
	}
	return (*hasher)(l)
}

// hasher buffers what is to be hashed. It is the Layer itself, to save an
// allocation for each GET.
type hasher Layer

func (h *hasher) Decide(rec *middleware.Recorder, _ middleware.Decision) middleware.Decision {
	if !isRepresentation(rec.Status()) || !rec.Plain() && quoteTag(rec.Fields()) || rec.Endless() || rec.DeclaredLength() > h.config.MaxBody {
		return middleware.Pass
	}
	return middleware.Buffer
}

// tagBuffered hashes what hasher had buffered. The answer can have been sent on
// meanwhile, or have outgrown this layer's limit if another's is larger; and a
// layer further in can have tagged it, or made another one of it, a 304 or a
// refusal. So the fields are looked at once more.
func (l *Layer) tagBuffered(rec *middleware.Recorder) {
	body := rec.Bytes()
	if rec.Buffered() && isRepresentation(rec.Status()) && int64(len(body)) <= l.config.MaxBody && rec.Fields()["Etag"] == nil {
		rec.SetETag(l.sum(body).String())
	}
}

// tagOf returns the tag that the answer has or, if it is buffered whole and
// may have one, gets. It is the one source of validators: what a GET sends is
// what a write is judged by.
func (l *Layer) tagOf(rec *middleware.Recorder) Tag {
	fields := rec.Fields()
	if quoteTag(fields) {
		tag, _ := Parse(fields["Etag"][0])
		return tag
	}
	if !rec.Buffered() || !isRepresentation(rec.Status()) || rec.Endless() {
		return Tag{}
	}
	body := rec.Bytes()
	if int64(len(body)) > l.config.MaxBody {
		return Tag{}
	}
	return l.sum(body)
}

func (l *Layer) sum(body []byte) Tag {
	tag := l.config.Hash.Sum(body)
	if l.config.Weak && !tag.IsWeak() && tag != (Tag{}) {
		return Tag{weakMark + tag.text}
	}
	return tag
}

// quoter keeps the tag of a HEAD the same as that of its GET.
type quoter struct{}

func (quoter) Decide(rec *middleware.Recorder, _ middleware.Decision) middleware.Decision {
	quoteTag(rec.Fields())
	return middleware.Pass
}

// stamper gives an answer the validators that Config.Current returned before
// the handler ran. An answer newer than its tag makes its reader's next write
// fail; the other way round it would overwrite what the reader never saw.
type stamper struct{ state State }

func (s *stamper) Decide(rec *middleware.Recorder, _ middleware.Decision) middleware.Decision {
	if fields := rec.Fields(); isRepresentation(rec.Status()) && !quoteTag(fields) && s.state.Exists {
		stamp(fields, s.state)
	}
	return middleware.Pass
}

func stamp(fields http.Header, s State) {
	if s.Tag != (Tag{}) {
		fields["Etag"] = []string{s.Tag.String()}
	}
	if !s.LastModified.IsZero() && fields["Last-Modified"] == nil {
		fields.Set("Last-Modified", s.LastModified.UTC().Format(http.TimeFormat))
	}
}

// rawETag is the key under which handlers put a tag into the map themselves, to
// have it sent in the usual case. Set would have made it Etag.
const rawETag = "ETag"

// quoteTag reports whether the handler set an entity tag. One that it left
// unquoted is quoted in place, since no client could ever send it back; what
// cannot be a tag, or came twice, is deleted.
func quoteTag(fields http.Header) bool {
	if raw, ok := fields[rawETag]; ok { //nolint:staticcheck // SA1008: the point is that it is not canonical
		delete(fields, rawETag)
		fields["Etag"] = raw
	}
	lines := fields["Etag"]
	if len(lines) == 0 {
		return false
	}
	tag, ok := normalise(lines[0])
	if !ok || len(lines) > 1 {
		delete(fields, "Etag")
		return false
	}
	if tag.String() != lines[0] {
		fields["Etag"] = []string{tag.String()}
	}
	return true
}

// isRepresentation reports whether an answer to GET with this status has the
// whole of a representation for its body. A 206 has a part: its hash is no
// validator.
func isRepresentation(status int) bool {
	switch status {
	case http.StatusNoContent, http.StatusResetContent, http.StatusPartialContent:
		return false
	}
	return isSuccess(status)
}

func isSuccess(status int) bool { return status >= 200 && status <= 299 }

// modifiedIn reads Last-Modified, or returns zero.
func modifiedIn(fields http.Header) time.Time {
	lines := fields["Last-Modified"]
	if len(lines) != 1 {
		return time.Time{}
	}
	t, err := http.ParseTime(lines[0])
	if err != nil {
		return time.Time{}
	}
	return t
}
