package natsstore

import (
	"fmt"
	"strconv"
	"sync"

	"github.com/nats-io/nats.go"
)

// fieldSequence is where the server says which message it tells of.
const fieldSequence = "Nats-Sequence"

// changes are the subscriptions of those who watch. The server tells, once, of
// each message that it has stored, on a subject of its own for each key, and
// only if somebody listens. The zero value needs conn.
type changes struct {
	conn *nats.Conn

	mu     sync.Mutex
	topics map[string]*topic
}

// topic is one key that is watched.
type topic struct {
	subject      string
	subscription *nats.Subscription
	listeners    int
	last         uint64        // the greatest sequence that was told of
	moved        chan struct{} // closed when last grows
}

// join returns the topic of a subject, for who will leave it again.
func (c *changes) join(subject string) (*topic, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.topics[subject]
	if t == nil {
		t = &topic{subject: subject, moved: make(chan struct{})}
		subscription, err := c.conn.Subscribe(subject, func(m *nats.Msg) { c.tell(t, m) })
		if err != nil {
			return nil, fmt.Errorf("subscribing: %w", err)
		}
		t.subscription = subscription
		if c.topics == nil {
			c.topics = make(map[string]*topic)
		}
		c.topics[subject] = t
	}
	t.listeners++
	return t, nil
}

// leave ends the subscription with its last listener.
func (c *changes) leave(t *topic) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.listeners--; t.listeners > 0 {
		return
	}
	delete(c.topics, t.subject)
	_ = t.subscription.Unsubscribe() // it fails on a closed connection, which has none
}

// tell passes on what the server told.
func (c *changes) tell(t *topic, m *nats.Msg) {
	sequence, err := strconv.ParseUint(m.Header.Get(fieldSequence), 10, 64)
	if err != nil {
		return // the server did not send it
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if sequence > t.last {
		t.last = sequence
		close(t.moved)
		t.moved = make(chan struct{})
	}
}

// told returns the greatest sequence that was told of, and a channel that is
// closed when there is a greater one.
func (c *changes) told(t *topic) (last uint64, moved <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return t.last, t.moved
}
