package etag

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/concordhttp/concord/internal/retry"
	"github.com/concordhttp/concord/middleware/problem"
)

// write sends after in place of what was seen.
func (u *update) write(after []byte) (result, *delay, error) {
	r, err := u.writing(after)
	if err != nil {
		return result{}, nil, u.failed("write", err)
	}
	ctx, trace := retry.WithTrace(u.ctx)
	u.sent++
	res, err := u.client.writer().Do(r.WithContext(ctx)) //nolint:bodyclose // retry.Discard closes it
	u.resent = trace.Unclear()
	if err != nil {
		return u.unanswered(after, err)
	}
	defer retry.Discard(res)
	if isSuccess(res.StatusCode) || res.StatusCode == http.StatusSeeOther {
		return u.written(res), nil, nil
	}
	wait, _ := retry.After(res.Header, time.Now())
	return u.refused(after, answerOf(res), wait)
}

// writing is the request that writes.
func (u *update) writing(after []byte) (*http.Request, error) {
	method, contentType, body := u.client.Method, "application/json", after
	switch {
	case !u.seen.exists():
		method = http.MethodPut
	case method == http.MethodPatch:
		before, err := u.view(u.seen.body)
		if err != nil {
			return nil, err
		}
		if body, err = mergePatch(before, after); err != nil {
			return nil, err
		}
		contentType = "application/merge-patch+json"
	}
	r, err := u.request(method, body)
	if err != nil {
		return nil, err
	}
	preset(r.Header, "Content-Type", contentType)
	preset(r.Header, "Prefer", "return=representation")
	if u.seen.exists() {
		r.Header.Set(fieldIfMatch, u.seen.tag.String())
	} else {
		r.Header.Set(fieldIfNoneMatch, "*")
	}
	return r, nil
}

// written is the result of a success: the representation, if the server says that
// it has sent that (RFC 7240 section 4.2), or else the value as it was sent, whose
// tag an ETag then is (RFC 9110 section 9.3.4).
func (u *update) written(res *http.Response) result {
	done := result{asChanged: true}
	if res.StatusCode == http.StatusAccepted || res.StatusCode == http.StatusSeeOther {
		return done // what it will be, or where it is, is another resource's to say
	}
	if tag, err := strongTag(res.Header); err == nil {
		done.tag = tag
	}
	if !strings.Contains(res.Header.Get("Preference-Applied"), "return=representation") {
		return done
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, u.client.MaxBody+1))
	if err != nil || int64(len(body)) > u.client.MaxBody {
		return result{asChanged: true}
	}
	if _, err := u.view(body); err != nil {
		return result{asChanged: true} // it was written all the same
	}
	return result{body: body, tag: done.tag}
}

// unanswered judges a write of which no answer came. A transport that has given an
// answer as an error has a problem in it. Whether the request left at all is not
// asked: a transport that retries tells of its last attempt alone.
func (u *update) unanswered(after []byte, err error) (result, *delay, error) {
	if _, unsent := errors.AsType[*retry.UnsentError](err); unsent {
		u.sent--
		return result{}, nil, u.failed("write", err)
	}
	if p, ok := errors.AsType[*problem.Problem](err); ok && p != nil {
		wait, _ := retry.After(p.Header, time.Now())
		return u.refused(after, &AnswerError{Status: p.Status, Problem: p}, wait)
	}
	u.doubt(after)
	return result{}, &delay{step: "write", err: err}, nil
}

// doubt remembers a write that may have been done, and has the resource read anew.
func (u *update) doubt(after []byte) {
	u.unsure = append(u.unsure, after)
	u.basis = u.seen.tag
	u.seen = nil
}

// refused judges a write that was answered otherwise than with success.
func (u *update) refused(after []byte, a *AnswerError, wait time.Duration) (result, *delay, error) {
	over := false
	switch judgeWrite(a, u.resent, u.client.Keyed) {
	case stale:
		u.seen = currentIn(a.Problem)
	case lost:
		u.doubt(after)
	case later:
	case done:
		return result{asChanged: true}, nil, nil
	case unknown:
		u.doubt(after)
		over = true
	case final:
		return result{}, nil, u.failed("write", a)
	}
	return result{}, &delay{step: "write", wait: wait, err: a, over: over}, nil
}

// currentIn is the version that a problem carries, or nil: then it has to be read.
// So it has if it is a string: a text may come as one, and one that is JSON has to
// be read as what it says.
func currentIn(p *problem.Problem) *version {
	if p == nil {
		return nil
	}
	current, ok := p.Extensions["current"]
	text, _ := p.Extensions["current_etag"].(string)
	if _, isText := current.(string); !ok || isText {
		return nil
	}
	tag, err := strongTag(http.Header{"Etag": {text}})
	if err != nil {
		return nil
	}
	body, err := json.Marshal(current)
	if err != nil {
		return nil
	}
	return &version{body: body, tag: tag}
}
