package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// charges returns the charges of this drill, by the order's reference. It asks
// until it is answered: a server that had connections to a store that was killed
// meanwhile finds that out by using them.
func (s *shop) charges(ctx context.Context) (map[string][]Payment, error) {
	ctx, cancel := context.WithTimeout(ctx, orderTime)
	defer cancel()
	for {
		all, err := s.ledger(ctx)
		if err == nil {
			charged := map[string][]Payment{}
			for _, p := range all {
				if strings.HasPrefix(p.Reference, s.id+"-") {
					charged[p.Reference] = append(charged[p.Reference], p)
				}
			}
			return charged, nil
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(retryAfter):
		}
	}
}

// ledger asks a server once what was charged.
func (s *shop) ledger(ctx context.Context) (all []Payment, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.servers[0].url()+"/payments", http.NoBody)
	if err != nil {
		return nil, err
	}
	r.SetBasicAuth("drill", "")
	answer, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	if err := json.NewDecoder(answer.Body).Decode(&all); err != nil {
		return nil, fmt.Errorf("the ledger was answered %s: %w", answer.Status, err)
	}
	return all, nil
}

// judge compares what was charged with what the customers were told, and both
// with what the mode promises.
func (s *shop) judge(charged map[string][]Payment, m mode, kills int, stdout io.Writer) error {
	var once, twice, never, unknown int
	var wrong []error
	for reference, told := range s.answers {
		made := charged[reference]
		switch len(made) {
		case 0:
			never++
		case 1:
			once++
		default:
			twice++
		}
		if !told.known {
			unknown++
		}
		if err := m.check(told, made); err != nil {
			wrong = append(wrong, fmt.Errorf("order %s: %w", reference, err))
		}
	}
	if len(s.answers) == 0 {
		wrong = append(wrong, errors.New("no order was answered"))
	}
	_, err := fmt.Fprintf(stdout, "%d kills, %d orders, sent %d times more, %d answers replayed: %d charged once, %d twice, %d never; %d answered outcome-unknown\n",
		kills, len(s.answers), s.resent, s.replays, once, twice, never, unknown)
	return errors.Join(append(wrong, err)...)
}

// check holds what the customer was told and what was charged against what the
// mode promises.
func (m mode) check(told outcome, made []Payment) error {
	switch {
	case m == transactional && len(made) != 1:
		return fmt.Errorf("charged %d times", len(made))
	case m == refuse && len(made) > 1:
		return fmt.Errorf("charged %d times", len(made))
	case told.known && len(made) == 0:
		return errors.New("it was answered 201 and never charged")
	case m != refuse && !told.known:
		return errors.New("it was answered outcome-unknown")
	}
	for _, p := range made {
		if p == told.payment {
			return nil
		}
	}
	if told.known {
		return fmt.Errorf("answered with %v, which is not what was charged", told.payment)
	}
	return nil
}
