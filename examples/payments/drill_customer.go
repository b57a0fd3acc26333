package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"
)

// customer sends orders, each with a key of its own, until it knows how each
// ended.
type customer struct {
	shop *shop
	rng  *mathrand.Rand
}

// outcome is a definite answer to an order.
type outcome struct {
	payment Payment // made if known
	known   bool    // else the answer was outcome-unknown, which is as definite
}

// joined is what two answers to one order say together, if they can both be
// given.
func (s *shop) joined(first, second outcome) (o outcome, possible bool) {
	switch {
	case first == second:
		return first, true
	case !s.forgetful || first.known && second.known:
		return first, false
	case first.known:
		return first, true
	}
	return second, true
}

// client gives up soon: the server may be dead, and there are others.
var client = &http.Client{Timeout: 5 * time.Second}

// pay sends one order, sometimes from two places at once, and sometimes once
// more when it is answered. All answers have to be the same.
func (c *customer) pay(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, orderTime)
	defer cancel()
	reference := fmt.Sprintf("%s-%d", c.shop.id, c.shop.orders.Add(1))
	slow := time.Duration(c.rng.IntN(20)) * time.Millisecond
	twin := drawing(c.rng.Uint64(), 0)
	var first, second outcome
	var errFirst, errSecond error
	var both sync.WaitGroup
	var possible bool
	asked := c.rng.IntN(3) == 0
	if asked {
		both.Go(func() { second, errSecond = c.shop.send(ctx, twin, reference, slow) })
	}
	first, errFirst = c.shop.send(ctx, c.rng, reference, slow)
	both.Wait()
	if err := errors.Join(errFirst, errSecond); err != nil {
		return err
	}
	told := first
	if asked {
		if told, possible = c.shop.joined(told, second); !possible {
			return fmt.Errorf("order %s was answered %+v here and %+v there", reference, first, second)
		}
	}
	if c.rng.IntN(2) == 0 {
		again, err := c.shop.send(ctx, c.rng, reference, slow)
		if err != nil {
			return err
		}
		if told, possible = c.shop.joined(told, again); !possible {
			return fmt.Errorf("order %s was answered %+v at first, and %+v later", reference, first, again)
		}
	}
	c.shop.answered(reference, told)
	return nil
}

func (s *shop) answered(reference string, o outcome) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.answers == nil {
		s.answers = map[string]outcome{}
	}
	s.answers[reference] = o
}

// send sends the order until there is a definite answer.
func (s *shop) send(ctx context.Context, rng *mathrand.Rand, reference string, slow time.Duration) (outcome, error) {
	for {
		base := s.servers[rng.IntN(len(s.servers))].url()
		o, wait, err := s.sendOnce(ctx, base, reference, slow)
		if err != nil || wait == 0 {
			return o, err
		}
		s.count(&s.resent)
		select {
		case <-ctx.Done():
			return o, fmt.Errorf("order %s has no definite answer: %w", reference, ctx.Err())
		case <-time.After(wait/2 + time.Duration(rng.Int64N(int64(wait)))):
		}
	}
}

func (s *shop) count(what *int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*what++
}

// retryAfter is how long a customer waits on average before it sends an order
// again: less than it is asked to, so that the drill is over soon.
const retryAfter = 50 * time.Millisecond

// sendOnce returns an outcome, or how long to wait before the next attempt.
func (s *shop) sendOnce(ctx context.Context, base, reference string, slow time.Duration) (o outcome, wait time.Duration, err error) {
	body := fmt.Sprintf(`{"reference":%q,"amount":1250,"currency":"EUR"}`, reference)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/payments?slow="+slow.String(), strings.NewReader(body))
	if err != nil {
		return o, 0, err
	}
	r.Host = "payments.example" // as behind a load balancer: another host is another request
	r.SetBasicAuth("drill", "")
	r.Header.Set("Idempotency-Key", `"`+reference+`"`)
	r.GetBody = nil // sending again is what this is about: not the transport's to do
	answer, err := client.Do(r)
	if err != nil {
		return o, retryAfter, nil // the server was killed, or is not there yet
	}
	defer func() { _ = answer.Body.Close() }()
	content, err := io.ReadAll(answer.Body)
	if err != nil {
		return o, retryAfter, nil // it was killed on the way
	}
	if answer.StatusCode == http.StatusCreated {
		if answer.Header.Get("Idempotency-Replayed") != "" {
			s.count(&s.replays)
		}
		o.known = true
		return o, 0, json.Unmarshal(content, &o.payment)
	}
	var p struct {
		Type string `json:"type"`
	}
	err = json.Unmarshal(content, &p)
	switch kind := path.Base(strings.Replace(p.Type, "#", "/", 1)); {
	case answer.Header.Get("Retry-After") != "":
		return o, retryAfter, nil
	case err != nil:
	case kind == "outcome-unknown":
		return o, 0, nil
	}
	return o, 0, fmt.Errorf("order %s was answered %s: %s", reference, answer.Status, content)
}
