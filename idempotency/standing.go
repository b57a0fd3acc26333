package idempotency

import (
	"errors"
	"fmt"

	"github.com/concordhttp/concord/store/lease"
)

// read reads what the record of a key says. None says nothing.
func (l *Layer) read(key string, s *lease.Standing) (note, error) {
	if s.Record.Version == 0 {
		return note{}, nil
	}
	n, err := l.codec.readNote(key, s.Note)
	if err == nil && (n.state == claimed) != s.Held {
		err = fmt.Errorf("%w: a claim that is settled, or an outcome that is not", lease.ErrCorrupt)
	}
	return n, err
}

// standingOf returns the record that was in the way, if err says that one was.
func standingOf(err error) lease.Standing {
	if busy := (*lease.BusyError)(nil); errors.As(err, &busy) {
		return busy.Standing
	}
	return lease.Standing{}
}

// notBusy is err, unless that says no more than that a record is in the way.
func notBusy(err error) error {
	if errors.Is(err, lease.ErrBusy) {
		return nil
	}
	return err
}
