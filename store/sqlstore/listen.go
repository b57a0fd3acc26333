package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"time"
)

// Listen waits until a notification comes to a connection that listens, and
// returns its payload. It returns the error of ctx when that ends, and has to
// leave the connection usable then. The connection is the driver's own. For pgx it
// is
//
//	func(ctx context.Context, driverConn any) (string, error) {
//		n, err := driverConn.(*stdlib.Conn).Conn().WaitForNotification(ctx)
//		if err != nil {
//			return "", err
//		}
//		return n.Payload, nil
//	}
//
// lib/pq cannot wait on a connection of package database/sql: without Listen
// Watch polls, and a pool of pgx can be the store's Records.
//
// One goroutine, and one connection of Records, listen for all watchers of a
// store while there are any, and 10 s longer; [Store.Close] ends it. Before it
// relies on that it has been heard: behind a pooler that gives each transaction
// another session, where LISTEN is of no use, Watch polls, and it is tried again
// after a minute. Even so each watcher looks every 5 s.
type Listen func(ctx context.Context, driverConn any) (payload string, err error)

const (
	unheard   = 5 * time.Second  // how long a watcher relies on being woken
	lingering = 10 * time.Second // how long an ear listens for nobody
	echoed    = 2 * time.Second  // how long it waits to hear itself
	retryEar  = time.Second      // pauses after which it listens again: this,
	retryDeaf = time.Minute      // doubled up to this
)

var (
	errIdle   = errors.New("nobody watches")
	errUnsaid = errors.New("sqlstore: what was notified was not heard")
)

// run listens until the store is closed or nobody watches any more.
func (e *ear) run() {
	for failures := 0; ; failures++ {
		began := time.Now()
		err := e.listen()
		if errors.Is(err, errIdle) {
			return
		}
		e.mu.Lock()
		e.deafen()
		e.mu.Unlock()
		if time.Since(began) > retryDeaf {
			failures = 0
		}
		if errors.Is(err, errUnsaid) {
			failures = 6
		}
		if !pause(e.life, retryEar, retryDeaf, failures) || e.idle() {
			return
		}
	}
}

// idle ends the running if nobody watches.
func (e *ear) idle() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.watchers > 0 {
		return false
	}
	e.running = false
	e.deafen()
	return true
}

// listen listens on one connection until that fails, or errIdle.
func (e *ear) listen() error {
	conn, err := e.config.Records.Conn(e.life)
	if err != nil {
		return err
	}
	defer discard(conn) // it listens, and has locks
	if err := e.exec(conn, `LISTEN "`+e.words.channel+`"`); err != nil {
		return err
	}
	if err := e.echo(conn); err != nil {
		return err
	}
	e.begin()
	for {
		if err := e.settle(conn); err != nil {
			return err
		}
		payload, lingered, err := e.next(conn)
		switch {
		case err != nil:
			return err
		case lingered && e.idle():
			return errIdle
		}
		e.heard(payload)
	}
}

// begin has those who poll by now be woken instead.
func (e *ear) begin() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.hears = true
	for _, m := range e.marks {
		m.wake()
	}
}

// exec runs a statement that returns nothing, bounded as every other.
func (e *ear) exec(on interface {
	ExecContext(context.Context, string, ...any) (sql.Result, error)
}, statement string, args ...any) error {
	ctx, cancel := context.WithTimeout(e.life, e.config.CallTimeout)
	defer cancel()
	_, err := on.ExecContext(ctx, statement, args...)
	return err
}

// echo returns nil once it has heard what was notified on another connection.
func (e *ear) echo(conn *sql.Conn) error {
	word := "echo " + strconv.FormatInt(time.Now().UnixNano(), 36)
	if err := e.exec(e.config.Records, `SELECT pg_notify($1::text, $2::text)`, e.words.channel, word); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(e.life, echoed)
	defer cancel()
	for {
		payload, err := e.receive(ctx, conn)
		switch {
		case payload == word:
			return nil
		case ctx.Err() != nil:
			return errUnsaid
		case err != nil:
			return err
		}
	}
}

// receive waits for a notification.
func (e *ear) receive(ctx context.Context, conn *sql.Conn) (payload string, err error) {
	raw := conn.Raw(func(driverConn any) error {
		payload, err = e.config.Listen(ctx, driverConn)
		return nil
	})
	return payload, errors.Join(raw, err)
}

// next returns the next notification, or "" if there is something to settle, or
// when it has listened for nobody for long enough.
func (e *ear) next(conn *sql.Conn) (payload string, lingered bool, err error) {
	e.mu.Lock()
	if e.pending {
		e.mu.Unlock()
		return "", false, nil
	}
	ctx, cancel := context.WithCancel(e.life)
	defer cancel()
	if e.watchers == 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, lingering)
		defer stop()
	}
	e.poke = cancel
	e.mu.Unlock()
	payload, err = e.receive(ctx, conn)
	e.mu.Lock()
	e.poke = nil
	e.mu.Unlock()
	if err != nil && ctx.Err() != nil && e.life.Err() == nil {
		return "", errors.Is(ctx.Err(), context.DeadlineExceeded), nil
	}
	return payload, false, err
}

// heard wakes those who watch the mark.
func (e *ear) heard(payload string) {
	number, err := strconv.ParseInt(payload, 10, 64)
	if err != nil {
		return // an echo, or nothing
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if m := e.marks[number]; m != nil {
		m.wake()
	}
}

// settle locks the marks that watchers ask for, and unlocks those that nobody
// watches any more.
func (e *ear) settle(conn *sql.Conn) error {
	e.mu.Lock()
	e.pending = false
	var lock, unlock []*mark
	for _, m := range e.marks {
		switch {
		case len(m.watchers) == 0:
			unlock = append(unlock, m)
		case m.tried != nil && !m.held:
			lock = append(lock, m)
		}
	}
	e.mu.Unlock()
	for _, m := range lock {
		if err := e.lock(conn, m); err != nil {
			return err
		}
	}
	for _, m := range unlock {
		if err := e.unlock(conn, m); err != nil {
			return err
		}
	}
	return nil
}

func (e *ear) lock(conn *sql.Conn, m *mark) error {
	ctx, cancel := context.WithTimeout(e.life, e.config.CallTimeout)
	defer cancel()
	var held bool
	_, err := one(ctx, conn, []any{&held}, `SELECT pg_try_advisory_lock_shared($1::bigint)`, m.number)
	e.mu.Lock()
	defer e.mu.Unlock()
	m.decide(held && err == nil)
	return err
}

// unlock gives back the lock of a mark that nobody watched a moment ago.
func (e *ear) unlock(conn *sql.Conn, m *mark) error {
	e.mu.Lock()
	held := m.held
	m.decide(false) // who has come meanwhile asks again
	if len(m.watchers) == 0 {
		delete(e.marks, m.number)
	}
	e.mu.Unlock()
	if !held {
		return nil
	}
	return e.exec(conn, `SELECT pg_advisory_unlock_shared($1::bigint)`, m.number)
}
