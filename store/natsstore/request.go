package natsstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
)

// answerIn is the part of a call's time after which a read that has not been
// answered is sent again: what was under way to a server that died is lost.
const answerIn = 4

// ask is request for what changes nothing. It is sent again also when there was
// no answer.
func ask[T interface{ refusal() error }](ctx context.Context, c *Config, m *nats.Msg) (answer T, sent time.Time, err error) {
	attempt := func() error {
		within, cancel := context.WithTimeout(ctx, c.Timeout/answerIn)
		defer cancel()
		answer, sent, err = request[T](within, c, m)
		if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, nats.ErrDisconnected) {
			return fmt.Errorf("%w: %w", errUnanswered, err)
		}
		return err
	}
	err = again(ctx, attempt, func(err error) bool { return !errors.Is(err, errUnanswered) || c.Conn.IsClosed() })
	return answer, sent, err
}

// request sends m, and returns the answer and when it was asked for. What nobody
// took, for there was no connection or no leader, is sent again until ctx ends;
// nothing else is.
func request[T interface{ refusal() error }](ctx context.Context, c *Config, m *nats.Msg) (answer T, sent time.Time, err error) {
	attempt := func() error {
		// Without a connection the client would keep the message, and send it
		// whenever there is one: long after its caller has given up.
		if !c.Conn.IsConnected() {
			return fmt.Errorf("%w: %w", errUnsent, nats.ErrDisconnected)
		}
		sent = time.Now()
		got, err := c.Conn.RequestMsgWithContext(ctx, m)
		if err != nil {
			return sending(err)
		}
		var fresh T // nothing of an answer before may shine through
		if err := json.Unmarshal(got.Data, &fresh); err != nil {
			return fmt.Errorf("the server's answer cannot be read: %w", err)
		}
		answer = fresh
		return answer.refusal()
	}
	err = again(ctx, attempt, func(err error) bool { return !errors.Is(err, errUnsent) || c.Conn.IsClosed() })
	return answer, sent, err
}

// Pauses between attempts: the first and the longest.
const (
	firstPause   = time.Millisecond
	longestPause = 100 * time.Millisecond
)

// again calls attempt until it says something else than that it should be made
// again, or ctx ends; then it returns why it should have been. The second
// attempt, which is as a rule a read that ends it, is made at once.
func again(ctx context.Context, attempt func() error, unless func(error) bool) error {
	err := attempt()
	if err == nil || unless(err) {
		return err
	}
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		next := attempt()
		if next != nil && ctx.Err() != nil {
			return err
		}
		if err = next; err == nil || unless(err) {
			return err
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return err
		}
	}
}
