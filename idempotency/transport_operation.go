package idempotency

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/concordhttp/concord/internal/retry"
	"github.com/concordhttp/concord/middleware/problem"
)

// operation is one request with its key, however often it is sent.
type operation struct {
	t       *Transport
	r       *http.Request // the caller's: not to be changed
	header  http.Header   // what is sent: the caller's fields, and the key
	line    string        // the key as it is sent
	attempt int           // how often it was sent
}

// operation checks what can be known before anything is sent.
func (t *Transport) operation(r *http.Request) (*operation, error) {
	if t.attempts() > 1 && r.Body != nil && r.Body != http.NoBody && r.GetBody == nil {
		return nil, ErrUnreplayableBody
	}
	line, set, err := t.keyLine(r)
	if err != nil {
		return nil, err
	}
	o := &operation{t: t, r: r, header: r.Header, line: line}
	if !set {
		if o.header = r.Header.Clone(); o.header == nil {
			o.header = make(http.Header, 1)
		}
		o.header[t.header()] = []string{line}
	}
	return o, nil
}

// do sends the request until there is an answer to give, or no use in going on.
func (o *operation) do() (*http.Response, error) {
	for {
		request, err := o.next()
		if err != nil {
			return nil, o.unanswered(err)
		}
		o.attempt++
		res, p, err := o.send(request)
		if err != nil {
			if isMalformed(o.r) || !mayPass(o.r.Context(), err) || !o.again(0) {
				return nil, o.unanswered(err)
			}
			retry.LeaveUnclear(o.r.Context())
			if !o.pause(0) {
				return nil, o.unanswered(errors.Join(context.Cause(o.r.Context()), err))
			}
			continue
		}
		verdict := judgeAnswer(res.StatusCode, p)
		if verdict != passing {
			o.t.budget.giveBack(o.attempt - 1)
		}
		switch verdict {
		case answered:
			return res, nil
		case refused:
			if o.t.Answers {
				return res, nil
			}
			retry.Discard(res)
			return nil, &RefusedError{Key: keyIn(o.line), Problem: p}
		}
		wait, _ := retry.After(res.Header, time.Now())
		if !o.again(wait) {
			return res, nil
		}
		retry.Discard(res)
		if mayBeDone(res.StatusCode, p) {
			retry.LeaveUnclear(o.r.Context())
		}
		if !o.pause(wait) {
			return nil, o.unanswered(fmt.Errorf("the last answer was %d: %w", res.StatusCode, context.Cause(o.r.Context())))
		}
	}
}

// send sends the request once. It returns the answer and, if it is judged by that,
// its problem.
func (o *operation) send(request *http.Request) (*http.Response, *problem.Problem, error) {
	res, err := o.t.base().RoundTrip(request)
	if err == nil && res == nil {
		return nil, nil, errNoAnswer
	}
	if err == nil {
		res.Request = request // where a redirect finds the key again
		var p *problem.Problem
		if p, err = problemIn(res); err == nil {
			return res, p, nil
		}
	}
	if res != nil && res.Body != nil {
		_ = res.Body.Close()
	}
	return nil, nil, err
}

// next is the request to send now. The body of one that was sent may still be
// read from, even after it was answered, so each attempt after the first has a
// body of its own; Base closes them.
func (o *operation) next() (*http.Request, error) {
	request := o.r.WithContext(o.r.Context())
	request.Header = o.header
	if o.attempt > 0 && o.r.GetBody != nil && o.r.Body != nil && o.r.Body != http.NoBody {
		body, err := o.r.GetBody()
		if err != nil {
			return nil, fmt.Errorf("the body cannot be read again: %w", err)
		}
		request.Body = body
	}
	return request, nil
}

// again reports whether there is to be another attempt after wait, and takes it
// from the budget.
func (o *operation) again(wait time.Duration) bool {
	return o.attempt < o.t.attempts() &&
		wait <= positiveOr(o.t.MaxWait, DefaultMaxWait) &&
		retry.Fits(o.r.Context(), wait) &&
		o.t.budget.take(positiveOr(o.t.Burst, DefaultBurst))
}

func (o *operation) pause(wait time.Duration) bool {
	backoff := retry.Backoff(o.attempt, positiveOr(o.t.Backoff, DefaultBackoff), positiveOr(o.t.MaxBackoff, DefaultMaxBackoff))
	return retry.Pause(o.r.Context(), wait, backoff)
}

func (o *operation) unanswered(err error) error {
	return &UnansweredError{Key: keyIn(o.line), Attempts: o.attempt, Err: err}
}

// problemIn is the problem of an answer that is judged by it, or nil. The error is
// that of a body that breaks off: nobody knows then what the answer was.
func problemIn(res *http.Response) (*problem.Problem, error) {
	switch res.StatusCode {
	case http.StatusConflict, http.StatusUnprocessableEntity:
	default:
		return nil, nil
	}
	if res.Body == nil {
		return nil, nil
	}
	body := &breakable{ReadCloser: res.Body}
	res.Body = body
	p, err := problem.Parse(res)
	if err != nil {
		return nil, body.err
	}
	return p, nil
}

// breakable is a body that knows what it broke off with.
type breakable struct {
	io.ReadCloser
	err error
}

// Read implements [io.Reader].
func (b *breakable) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		b.err = err
	}
	return n, err
}
