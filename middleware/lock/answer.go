package lock

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/concordhttp/concord/middleware"
)

// answer answers a LOCK or UNLOCK that was granted, outside the gate.
func (q *request) answer(rec *middleware.Recorder) {
	e := middleware.Event{Kind: middleware.EventLocked, Status: http.StatusOK, Wait: q.wait, Holder: q.lock.holder}
	h := rec.Header()
	h.Set("Cache-Control", "no-store") // what it says is for the holder alone
	if q.does == releases {
		e.Kind, e.Status = middleware.EventUnlocked, http.StatusNoContent
		rec.WriteHeader(http.StatusNoContent)
	} else {
		body := q.lock.json()
		h.Set("Content-Type", "application/json")
		h.Set(fieldLockToken, "<"+q.lock.token.String()+">")
		h.Set(fieldTimeout, seconds+strconv.FormatInt(q.lock.wholeSeconds(), 10))
		_, _ = rec.Write(body)
	}
	q.l.observe(q.r.Context(), q.r.Method, q.resource, e)
}

// json is the body of the answer to LOCK.
func (s *standing) json() []byte {
	b, _ := json.Marshal(struct { // strings cannot fail
		Token   string `json:"token"`
		Holder  string `json:"holder,omitempty"`
		Expires string `json:"expires"`
	}{s.token.String(), s.holder, s.expires.UTC().Format(time.RFC3339)})
	return append(b, '\n')
}

// wholeSeconds is what is left of s. It is rounded to the nearest, since the
// store may take the time of its own answer off what was granted.
func (s *standing) wholeSeconds() int64 {
	return max(1, int64((s.ttl+time.Second/2)/time.Second))
}
