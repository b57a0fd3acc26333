package etag

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
)

// Update changes a resource without losing the changes of others: it reads it, has
// change change a copy, and writes that with If-Match. If somebody else was faster
// (412, or 409 with the problem version-mismatch) it reads again and applies change
// to what is there now, with random pauses that grow, until it succeeds or
// [Client].Attempts are used up. It returns what the resource is now and its tag,
// the zero Tag if the server does not say.
//
//	note, tag, err := etag.Update(ctx, client, url, func(n *Note) error {
//		n.Title = "Minutes"
//		return nil
//	})
//
// The resource is JSON, and T what encoding/json makes of it; numbers in an any are
// a [json.Number]. A PUT replaces the whole resource: members that T does not have
// are lost. Use PATCH, or a T such as map[string]any that has them all.
//
// # change
//
// change gets a fresh copy each time, and may be called once for each attempt: it
// must not have effects elsewhere. If it returns [ErrNoChange], nothing is written,
// and Update returns what was read, without an error. Any other error of it ends
// the Update, and is wrapped by what that returns.
//
// If there is no such resource (404 or 410), change gets the zero value, and the
// resource is created with If-None-Match: *; if somebody else creates it meanwhile,
// change is applied to theirs. A change that is not to create anything returns an
// error when it finds the zero value. What was there when Update began, and is
// deleted meanwhile, is not created again: the error is [ErrDeleted].
//
// # What the server has to do
//
// It sends a strong ETag with each GET: without one the error is [ErrNoTag], with
// a weak one [ErrWeakTag], and nothing is written. Accept-Encoding is identity,
// since compression on the way makes tags weak. A 412 that has the members current
// and current_etag, as package problem documents them, saves a read; it is asked
// for with Prefer: return=representation.
//
// # Lost answers
//
// When the answer to a write is lost, or a gateway answers 502, 503 or 504 in its
// place, Update looks: a resource that is as it was is written again, and one that
// is as it was to become counts as its own success. One that is otherwise may have
// been written by this client and then by another; to apply change again could do
// it twice, so the error is [ErrUnclear]. It is too if the server adds to what it
// is sent. And two clients that write equal values at once, such as a counter that
// both have increased by one, cannot be told apart so.
//
// With the Transport of package idempotency in [Client].HTTP, and [Client].Keyed, the
// server knows, and none of this is needed while it answers within that one's
// attempts.
//
// # Errors
//
// All are an [*UpdateError], which says at which step. An answer that cannot be
// worked with is an [*AnswerError] in it, with its [*problem.Problem] if it has one:
// a lock held by somebody else, say, is not waited for. Whether a write was done is
// open if the error is [ErrUnclear], or an AnswerError of status 500 or more.
func Update[T any](ctx context.Context, c *Client, url string, change func(*T) error) (T, Tag, error) {
	var value, zero T
	full, err := c.complete()
	if err != nil {
		return zero, Tag{}, &UpdateError{Step: "write", Err: err}
	}
	u := &update{ctx: ctx, client: full, url: url}
	u.view = func(body []byte) ([]byte, error) {
		v, err := decode[T](body)
		if err != nil {
			return nil, err
		}
		return json.Marshal(v)
	}
	u.apply = func(body []byte) (after []byte, err error) {
		value = zero
		if body != nil {
			if value, err = decode[T](body); err != nil {
				return nil, u.failed("decode", err)
			}
		}
		if err := change(&value); err != nil {
			return nil, u.failed("change", err)
		}
		if after, err = json.Marshal(value); err != nil {
			return nil, u.failed("encode", err)
		}
		return after, nil
	}
	done, err := u.run()
	if err != nil {
		return zero, Tag{}, err
	}
	if done.asChanged {
		return value, done.tag, nil
	}
	if done.body == nil {
		return zero, Tag{}, nil
	}
	if value, err = decode[T](done.body); err != nil {
		return zero, Tag{}, u.failed("decode", err)
	}
	return value, done.tag, nil
}

// decode reads one JSON value and nothing behind it. A number that goes into an any
// keeps its digits.
func decode[T any](body []byte) (value T, err error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := d.Decode(&value); err != nil {
		return value, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return value, errors.New("there is something behind the JSON value")
	}
	return value, nil
}
