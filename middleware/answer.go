package middleware

import (
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
)

// maxStages is how many layers share one Recorder. The next one gets its own.
const maxStages = 4

// answer is what a Recorder knows of the answer under way.
type answer struct {
	stages   [maxStages]Stage // [:n], the outermost first
	limit    int64            // of the buffer, in bytes: the largest that a stage asked for
	retained int64            // how much of what is sent on is kept too, in bytes; 0: nothing
	onStream func()           // see Recorder.OnStream
	length   int64            // of the body as the handler declared it, -1 if it did not
	written  int64            // of the body, also what was swallowed
	buf      *buffer
	late     http.Header // what the handler sees of its fields once they are held back

	// Close together: a Recorder is allocated for each request.
	status   int16
	n        uint8
	decided  decisions
	phase    phase
	content  int8     // how many fields there are if no others than those of the content; -1: others too
	exchange Exchange // the request's, if this is its first Recorder
	closed   bool     // the handler can add nothing more; set by the request's goroutine alone
	headOnly bool     // a HEAD answered by running a GET: the body is never sent
	swallow  bool     // further bytes of the body are not wanted
	firm     bool     // nothing leaves before the layer allows it; see Recorder.HoldFirmly
	overrun  bool     // more was written than may be held firmly, or retained
	endless  bool     // see Recorder.Endless
}

// decisions are what the stages decided, two bits for each.
type decisions uint8

func (d decisions) of(stage uint8) Decision        { return Decision(d >> (2 * stage) & 3) }
func (d *decisions) set(stage uint8, one Decision) { *d |= decisions(one) << (2 * stage) }

type phase uint8

const (
	fresh     phase = iota // nothing was written
	buffering              // status and fields are settled, and held back
	passing                // status and fields have been sent
	hijacked               // the handler has the connection: what it sends is passed on, so to speak
)

// sent reports whether the answer is out of reach.
func (p phase) sent() bool { return p >= passing }

// settle fixes status and fields, and decides what happens to the answer.
func (a *answer) settle(rec *Recorder, status int) {
	a.status = int16(status)
	a.readContentFields(rec.w.Header())
	if a.exchange.is(refusing) {
		a.exchange.set(refused, true)
	}
	if a.decide(rec) {
		a.phase = buffering
		return
	}
	a.startPassing(rec.w)
}

// decide asks the stages, the innermost first, and reports whether the answer
// is to be held back. An answer with declared trailers is not, unless its body
// is unwanted: their values would be among the fields by the time that these
// are sent.
func (a *answer) decide(rec *Recorder) (hold bool) {
	if a.status == http.StatusSwitchingProtocols {
		return a.firm
	}
	trailers := a.declaresTrailers(rec.w.Header())
	d := Pass
	for i := a.n; i > 0; i-- {
		next := a.stages[i-1].Decide(rec, d)
		if next == Buffer && trailers && !a.firm {
			next = Pass
		}
		switch next {
		case NotModified:
			a.notModified(rec.w.Header())
		case Drop:
			a.swallow, hold = true, true
		case Buffer:
			hold = true
		case Pass:
			continue // what those inside decided stays
		}
		a.decided.set(i-1, next)
		d = next
	}
	return hold || a.firm
}

func (a *answer) notModified(fields http.Header) {
	deleteContentFields(fields)
	a.status, a.swallow = http.StatusNotModified, true
}

func (a *answer) startPassing(w http.ResponseWriter) {
	a.phase = passing
	a.swallow = a.swallow || a.headOnly || a.exchange.Probe()
	for _, s := range a.stages[:a.n] {
		if p, ok := s.(Passer); ok {
			p.Passing(int(a.status), w.Header())
		}
	}
	a.writeHeader(w)
}

// writeHeader sends the status. A refusal is one for each Recorder outside of
// this one that it reaches, too.
func (a *answer) writeHeader(w http.ResponseWriter) {
	if a.exchange.is(refused) {
		setRefusing(w, true)
		defer setRefusing(w, false)
	}
	w.WriteHeader(int(a.status))
}

// stream sends what is held back, and everything else as it is written.
func (a *answer) stream(w http.ResponseWriter) error {
	var err error
	a.startPassing(w)
	a.tellStream()
	body := a.body()
	if len(body) > 0 && !a.swallow {
		_, err = w.Write(body)
	}
	if !a.retains(0) {
		a.dropBuffer()
	}
	return a.masked(err)
}

func (a *answer) tellStream() {
	if a.onStream != nil {
		a.onStream()
		a.onStream = nil
	}
}

// send sends an answer that was held back to its end.
func (a *answer) send(w http.ResponseWriter) {
	body := a.body()
	if a.headOnly {
		a.describe(body, w.Header())
		body = nil
	}
	a.writeHeader(w)
	if len(body) > 0 {
		_, _ = w.Write(body) // the client is gone: nobody is left to be told
	}
}

// describe gives a HEAD the fields that the GET would have had, as the server
// does for a handler that ignores the method.
func (a *answer) describe(body []byte, h http.Header) {
	if len(body) == 0 || a.swallow {
		return
	}
	if h["Content-Length"] == nil {
		h["Content-Length"] = []string{strconv.Itoa(len(body))}
	}
	if _, typed := h["Content-Type"]; !typed && h["Content-Encoding"] == nil {
		h["Content-Type"] = []string{http.DetectContentType(body)}
	}
}

// forbids reports whether n more bytes are some of a body that the handler's
// status does not allow: net/http refuses them, so what holds them back does.
func (a *answer) forbids(n int) bool {
	return n > 0 && a.phase == buffering && !a.swallow &&
		(a.status == http.StatusNoContent || a.status == http.StatusNotModified)
}

// exceeds counts n more bytes, and reports whether they are more than the
// handler declared: net/http refuses those, and sends what came before. What is
// passed on, and not kept besides, it counts itself.
func (a *answer) exceeds(n int) bool {
	a.written += int64(n)
	return a.length >= 0 && a.written > a.length && (a.phase == buffering || a.swallow || a.retained > 0)
}

// mergeTrailers adds the trailers that the handler set without declaring them
// and, if the answer was held firmly, those that it declared.
func (a *answer) mergeTrailers(h http.Header) {
	for name, values := range a.late {
		if strings.HasPrefix(name, http.TrailerPrefix) || a.firm && declaresTrailer(h, name) {
			h[name] = values
		}
	}
}

func declaresTrailer(h http.Header, name string) bool {
	for _, line := range h["Trailer"] {
		for declared := range strings.SplitSeq(line, ",") {
			if textproto.CanonicalMIMEHeaderKey(textproto.TrimString(declared)) == name {
				return true
			}
		}
	}
	return false
}

// body is capped, so that appending to it cannot reach what is written later.
func (a *answer) body() []byte {
	if a.buf == nil {
		return nil
	}
	return a.buf.b[:len(a.buf.b):len(a.buf.b)]
}

func (a *answer) dropBuffer() {
	if a.buf != nil {
		a.buf.giveBack()
		a.buf = nil
	}
}

// readContentFields looks for the two fields that nearly every answer has, and
// counts them: where there are no others, nobody has to look for any.
func (a *answer) readContentFields(h http.Header) {
	a.length, a.content, a.endless = -1, -1, false
	others := len(h)
	if others > 0 {
		if lines := h["Content-Type"]; lines != nil {
			others--
			a.endless = isEndless(lines)
		}
	}
	if others > 0 {
		if lines := h["Content-Length"]; lines != nil {
			others--
			a.length = lengthIn(lines)
		}
	}
	if others == 0 {
		a.content = int8(len(h))
	}
}

// isEndless reports whether a Content-Type is one of answers that go on for as
// long as their client listens.
func isEndless(contentType []string) bool {
	return len(contentType) > 0 &&
		(strings.HasPrefix(contentType[0], "text/event-stream") || strings.HasPrefix(contentType[0], "multipart/x-mixed-replace"))
}

// plain reports whether h has no fields but those of the content.
func (a *answer) plain(h http.Header) bool { return int(a.content) == len(h) }

func (a *answer) declaresTrailers(h http.Header) bool {
	if a.plain(h) {
		return false
	}
	_, declared := h["Trailer"]
	return declared
}

// lengthIn is the Content-Length that the handler set, or -1.
func lengthIn(lines []string) int64 {
	if len(lines) == 0 {
		return -1
	}
	n, err := strconv.ParseInt(lines[0], 10, 64)
	if err != nil {
		return -1
	}
	return n
}
