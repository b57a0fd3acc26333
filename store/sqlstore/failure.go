package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"reflect"

	"github.com/concordhttp/concord/store"
)

// transient reports whether a statement came to nothing because of others at the
// same moment: the database has ended it, as a whole, or the connection that the
// pool gave it was one that another's had just broken. It has done nothing, and can
// be sent again. Drivers are told apart by the shape of their errors, so that none
// has to be imported.
func transient(err error) bool {
	// The pool gives up when it has been handed a few of them in a row: where many
	// clients hang up, and there are few connections.
	if errors.Is(err, driver.ErrBadConn) {
		return true
	}
	if state, ok := errors.AsType[interface {
		error
		SQLState() string
	}](err); ok {
		switch state.SQLState() {
		case "40001", // serialization_failure
			"40P01", // deadlock_detected
			"55P03": // lock_not_available
			return true
		}
		return false
	}
	if code, ok := errors.AsType[interface {
		error
		Code() int
	}](err); ok {
		return busy(code.Code())
	}
	for ; err != nil; err = errors.Unwrap(err) {
		v := reflect.Indirect(reflect.ValueOf(err))
		if v.Kind() != reflect.Struct {
			continue
		}
		if number := v.FieldByName("Number"); number.Kind() == reflect.Uint16 {
			return conflictOfMySQL(number.Uint())
		}
		if code := v.FieldByName("Code"); code.CanInt() { // mattn/go-sqlite3
			return busy(int(code.Int()))
		}
	}
	return false
}

// busy reports whether a result code of SQLite, extended or not, is SQLITE_BUSY
// or SQLITE_LOCKED.
func busy(code int) bool { return code&0xff == 5 || code&0xff == 6 }

func conflictOfMySQL(number uint64) bool {
	switch number {
	case 1213, // ER_LOCK_DEADLOCK
		1205, // ER_LOCK_WAIT_TIMEOUT
		1020: // ER_CHECKREAD
		return true
	}
	return false
}

// failure says what a call failed of. A context error is that of the caller's
// own context: one that comes from anywhere else is the store's silence.
func failure(ctx context.Context, what string, err error) error {
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("sqlstore: %s: %w", what, ctx.Err())
	case errors.Is(err, sql.ErrTxDone):
		return fmt.Errorf("sqlstore: %s: %w: %w", what, store.ErrEnded, err)
	case errors.Is(err, store.ErrClosed), errors.Is(err, errCorrupt), errors.Is(err, errNoWAL):
		return fmt.Errorf("sqlstore: %s: %w", what, err)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return fmt.Errorf("sqlstore: %s: %w: %v", what, store.ErrUnavailable, err) //nolint:errorlint // it is nobody's context that has ended
	}
	return fmt.Errorf("sqlstore: %s: %w: %w", what, store.ErrUnavailable, err)
}
