package etag

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/concordhttp/concord/internal/retry"
	"github.com/concordhttp/concord/middleware/problem"
)

// request makes a request with the client's fields. Reads and writes have the same
// ones, since a server may ask for its validator with those of the write: other
// fields, another variant, another tag.
func (u *update) request(method string, body []byte) (*http.Request, error) {
	r, err := http.NewRequestWithContext(u.ctx, method, u.url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for name, values := range u.client.Header {
		if name = http.CanonicalHeaderKey(name); !strings.HasPrefix(name, "If-") {
			r.Header[name] = append(r.Header[name], values...)
		}
	}
	preset(r.Header, "Accept", "application/json, "+problemType)
	preset(r.Header, "Accept-Encoding", "identity")
	return r, nil
}

const problemType = "application/problem+json"

// preset sets a field that the client has not set.
func preset(h http.Header, name, value string) {
	if _, set := h[name]; !set {
		h[name] = []string{value}
	}
}

// read gets the resource. A cache on the way would answer with the version that
// was refused just now, for ever.
func (u *update) read() (*version, *delay, error) {
	r, err := u.request(http.MethodGet, nil)
	if err != nil {
		return nil, nil, u.failed("read", err)
	}
	preset(r.Header, "Cache-Control", "no-cache")
	res, err := u.client.HTTP.Do(r) //nolint:bodyclose // retry.Discard closes it
	switch {
	case err != nil && u.ctx.Err() != nil:
		return nil, nil, u.failed("read", err)
	case err != nil:
		return nil, &delay{step: "read", err: err}, nil
	}
	defer retry.Discard(res)
	switch res.StatusCode {
	case http.StatusOK:
		return u.readBody(res)
	case http.StatusNotFound, http.StatusGone:
		return &version{}, nil, nil
	}
	answer := answerOf(res)
	if mayPass(answer) {
		wait, _ := retry.After(res.Header, time.Now())
		return nil, &delay{step: "read", wait: wait, err: answer}, nil
	}
	return nil, nil, u.failed("read", answer)
}

// readBody is the version that a 200 carries.
func (u *update) readBody(res *http.Response) (*version, *delay, error) {
	tag, err := strongTag(res.Header)
	if err != nil {
		return nil, nil, u.failed("read", err)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, u.client.MaxBody+1))
	switch {
	case err != nil && u.ctx.Err() == nil:
		return nil, &delay{step: "read", err: err}, nil
	case err != nil:
		return nil, nil, u.failed("read", err)
	case int64(len(body)) > u.client.MaxBody:
		return nil, nil, u.failed("read", ErrTooLarge)
	}
	if _, err := u.view(body); err != nil {
		return nil, nil, u.failed("decode", fmt.Errorf("the representation, of type %q: %w", res.Header.Get("Content-Type"), err))
	}
	return &version{body: body, tag: tag}, nil, nil
}

// strongTag is the tag to send back in If-Match.
func strongTag(h http.Header) (Tag, error) {
	lines := h["Etag"]
	switch len(lines) {
	case 0:
		return Tag{}, ErrNoTag
	case 1:
	default:
		return Tag{}, &FieldError{Field: "ETag", Reason: "several of them"}
	}
	tag, err := Parse(lines[0])
	switch {
	case err != nil:
		return Tag{}, err
	case tag.IsWeak():
		return Tag{}, ErrWeakTag
	}
	return tag, nil
}

// answerOf reads an answer that is no success.
func answerOf(res *http.Response) *AnswerError {
	p, err := problem.Parse(res)
	if err != nil {
		p = nil
	}
	return &AnswerError{Status: res.StatusCode, Problem: p}
}

// mayPass reports whether a read may succeed later. A lock does not concern reads,
// and retryable problems of no kind say no more than their status does.
func mayPass(a *AnswerError) bool {
	switch a.Status {
	case http.StatusTooEarly, http.StatusTooManyRequests,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}
