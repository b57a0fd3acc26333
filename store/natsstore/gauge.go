package natsstore

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// fresh is how long a look at the server is good enough to tell the time by.
const fresh = 5 * time.Second

// gauge is what a store knows of its server: the time there, and how much room
// is left.
type gauge struct {
	turn    chan struct{} // whose turn it is to look
	records allowance
	bytes   allowance
	maxSkew time.Duration

	mu    sync.Mutex
	clock clock
	skew  time.Duration // of the clocks of those that may lead
}

func newGauge(c Config) gauge {
	return gauge{
		turn:    make(chan struct{}, 1),
		records: allowance{limit: c.MaxRecords},
		bytes:   allowance{limit: c.MaxBytes},
		maxSkew: c.MaxSkew,
	}
}

// now returns what the server's clock has reached for certain, in ns since 1970.
func (s *Store) now(ctx context.Context) (int64, error) {
	return s.gauge.tell(ctx, func() error {
		_, err := s.look(ctx)
		return err
	})
}

// tell is now by the last look, or one that it takes. A process may stand still
// right after a look, and then that is too old as well.
func (g *gauge) tell(ctx context.Context, look func() error) (int64, error) {
	if now, known := g.now(time.Now()); known {
		return now, nil
	}
	leave, err := g.enter(ctx)
	if err != nil {
		return 0, err
	}
	defer leave()
	for {
		if now, known := g.now(time.Now()); known { // also if somebody else has looked
			return now, nil
		}
		if err := look(); err != nil {
			return 0, err
		}
	}
}

// now is known for a while after a look.
func (g *gauge) now(at time.Time) (now int64, known bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.clock.at.IsZero() || at.Sub(g.clock.at) > fresh {
		return 0, false
	}
	return g.clock.now(at) - int64(g.skew), true
}

// enter waits for the turn to look.
func (g *gauge) enter(ctx context.Context) (leave func(), err error) {
	select {
	case g.turn <- struct{}{}:
		return func() { <-g.turn }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// take reports whether there is room for n, which it takes, and looks for it if
// it must. What was taken is given back once the write has been answered,
// whatever the answer; the server counts it then.
func (s *Store) take(ctx context.Context, a *allowance, n int64) (bool, error) {
	if a.take(n) {
		return true, nil
	}
	leave, err := s.gauge.enter(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	used, err := s.look(ctx)
	if err != nil {
		return false, err
	}
	if a == &s.gauge.records {
		return a.look(used.Records, n), nil
	}
	return a.look(used.Bytes, n), nil
}

// usage is what the server says is stored.
type usage struct {
	Records int64 `json:"messages"`
	Bytes   int64 `json:"bytes"`
}

// look asks the leader for the time and for what is stored. It is for who has
// the turn.
func (s *Store) look(ctx context.Context) (usage, error) {
	answer, sent, err := ask[struct {
		reply
		Time   time.Time `json:"ts"`
		State  usage     `json:"state"`
		Config struct {
			Replicas int `json:"num_replicas"`
		} `json:"config"`
	}](ctx, &s.config, &nats.Msg{Subject: s.names.info()})
	received := time.Now()
	if err != nil {
		return usage{}, err
	}
	if answer.Time.IsZero() {
		return usage{}, fmt.Errorf("the server, version %s, does not tell the time", s.config.Conn.ConnectedServerVersion())
	}
	g := &s.gauge
	g.mu.Lock()
	defer g.mu.Unlock()
	g.clock = g.clock.observed(answer.Time.UnixNano(), sent, received)
	g.skew = 0
	if answer.Config.Replicas > 1 {
		g.skew = g.maxSkew
	}
	return answer.State, nil
}
