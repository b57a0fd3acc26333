package etag

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/concordhttp/concord/internal/retry"
)

// update is one [Update]. Whatever knows T is in two functions, so that the rest is
// compiled once.
type update struct {
	ctx    context.Context
	client Client
	url    string
	apply  func(body []byte) (after []byte, err error) // what to write in place of body, which is nil if there is none
	view   func(body []byte) ([]byte, error)           // a representation as T sees it, to compare

	seen    *version // nil: it has to be read
	existed bool     // at any time of this update
	sent    int      // writes
	unsure  [][]byte // what was sent against seen, or the version before it, and was not answered
	basis   Tag      // that the unsure writes were sent against
	resent  bool     // the last write was sent several times, and one of them not answered
}

// version is a representation of the resource and its tag. No body: there is no
// such resource.
type version struct {
	body []byte
	tag  Tag
}

func (v *version) exists() bool { return v.body != nil }

// result is how an update ended. asChanged: with the value as apply made it last;
// else it is body, or nothing.
type result struct {
	asChanged bool
	body      []byte
	tag       Tag
}

// delay is an attempt that failed for a reason that may pass.
type delay struct {
	step string
	wait time.Duration
	err  error
	over bool // nothing is to be written any more
}

// run makes attempts until one ends the update, or there are none left.
func (u *update) run() (result, error) {
	for failures := 1; ; failures++ {
		done, later, err := u.attempt()
		if later == nil {
			return done, u.orUnclear(err)
		}
		backoff := retry.Backoff(failures, updateBackoff, maxUpdateBackoff)
		if later.over || failures >= u.client.Attempts || later.wait > MaxUpdateWait || !retry.Pause(u.ctx, later.wait, backoff) {
			return u.giveUp(later)
		}
	}
}

// attempt reads if it has to, and writes. It returns a delay, or how the update
// has ended.
func (u *update) attempt() (result, *delay, error) {
	if u.seen == nil {
		seen, later, err := u.read()
		if later != nil || err != nil {
			return result{}, later, err
		}
		u.seen = seen
	}
	if done, ended, err := u.judgeSeen(); ended {
		return done, nil, err
	}
	after, err := u.apply(u.seen.body)
	switch {
	case errors.Is(err, ErrNoChange):
		return result{body: u.seen.body, tag: u.seen.tag}, nil, nil
	case err != nil:
		return result{}, nil, err
	}
	return u.write(after)
}

// judgeSeen looks whether what was read ends the update: because an earlier write
// has made it so, because nobody can tell, or because it is gone.
func (u *update) judgeSeen() (done result, ended bool, err error) {
	if !u.seen.exists() && u.existed {
		return result{}, true, u.failed("read", ErrDeleted)
	}
	u.existed = u.existed || u.seen.exists()
	if len(u.unsure) == 0 || u.seen.tag == u.basis {
		return result{}, false, nil
	}
	now, err := u.view(u.seen.body)
	if err != nil {
		return result{}, true, u.failed("decode", err)
	}
	for _, sent := range u.unsure {
		if bytes.Equal(now, sent) {
			return result{body: u.seen.body, tag: u.seen.tag}, true, nil
		}
	}
	return result{}, true, u.failed("write", ErrUnclear)
}

// giveUp looks once more at what became of a write that was not answered, and else
// returns why the last attempt failed.
func (u *update) giveUp(last *delay) (result, error) {
	err := last.err
	if u.ctx.Err() != nil {
		err = errors.Join(context.Cause(u.ctx), err)
	}
	if len(u.unsure) > 0 && u.seen == nil {
		u.seen, _, _ = u.read() // if that fails too, it stays unclear
	}
	if len(u.unsure) > 0 && u.seen != nil {
		done, ended, unclear := u.judgeSeen()
		switch {
		case ended && unclear == nil:
			return done, nil
		case ended && !errors.Is(unclear, ErrUnclear):
			return result{}, u.orUnclear(unclear)
		}
	}
	return result{}, u.orUnclear(u.failed(last.step, err))
}

// orUnclear adds ErrUnclear to an error that ends an update of which a write may
// have been done.
func (u *update) orUnclear(err error) error {
	if err == nil || len(u.unsure) == 0 || errors.Is(err, ErrUnclear) {
		return err
	}
	if inner, ok := errors.AsType[*UpdateError](err); ok {
		err = inner.Err
	}
	return u.failed("write", fmt.Errorf("%w: %w", ErrUnclear, err))
}

func (u *update) failed(step string, err error) error {
	return &UpdateError{Step: step, Attempts: u.sent, Err: err}
}
