package natsstore

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/concordhttp/concord/store"
)

// What a write may come back with.
var (
	errMoved      = errors.New("another sequence is the last")     // nothing was written
	errNoRoom     = errors.New("the server or the bucket is full") // nothing was written
	errBulky      = errors.New("the message is too large")         // nothing was written
	errUnsent     = errors.New("nobody took the request")          // nothing was written, and it may be sent again
	errUnanswered = errors.New("there was no answer")              // to a read, which may be asked again
	errStale      = errors.New("a server answered that is behind") // nothing was read
	errNone       = errors.New("there is no message")              // what a read asked for
	errAbsent     = errors.New("the bucket does not exist")
)

// Error codes of the server, which its documentation lists.
const (
	codeNoLeader              = 10008
	codeInsufficientResources = 10023
	codeAccountResources      = 10002
	codeStorageResources      = 10047
	codeMemoryResources       = 10028
	codeStoreFailed           = 10077
	codeMessageNotFound       = 10037
	codeMessageTooLarge       = 10054
	codeStreamNotFound        = 10059
	codeWrongLast             = 10071
	codeWrongLastInFlight     = 10164
)

// reply is what all answers of the server have: how it says no.
type reply struct {
	Error *struct {
		Code        int    `json:"err_code"`
		Description string `json:"description"`
	} `json:"error"`
}

// refusal returns what the answer means if it is a no.
func (r reply) refusal() error {
	e := r.Error
	if e == nil {
		return nil
	}
	switch e.Code {
	case codeNoLeader:
		return fmt.Errorf("%w: %s", errUnsent, e.Description)
	case codeMessageNotFound:
		return errNone
	case codeWrongLast, codeWrongLastInFlight:
		return errMoved
	case codeInsufficientResources, codeAccountResources, codeStorageResources, codeMemoryResources:
		return fmt.Errorf("%w: %s", errNoRoom, e.Description)
	case codeStoreFailed:
		if strings.HasPrefix(e.Description, "maximum ") {
			return fmt.Errorf("%w: %s", errNoRoom, e.Description)
		}
	case codeMessageTooLarge:
		return errBulky
	case codeStreamNotFound:
		return errAbsent
	}
	return fmt.Errorf("the server says: %s (%d)", e.Description, e.Code)
}

// sending returns what it means that a request got no answer. Only what was
// certainly not sent may be sent again.
func sending(err error) error {
	switch {
	case errors.Is(err, nats.ErrNoResponders), errors.Is(err, nats.ErrReconnectBufExceeded):
		return fmt.Errorf("%w: %w", errUnsent, err)
	case errors.Is(err, nats.ErrMaxPayload):
		return errBulky
	}
	return err
}

// failure is the error that the caller of a method gets, whose context is ctx.
// That the time of the call was up is not said to have been the context's.
func (s *Store) failure(ctx context.Context, err error) error {
	if ended := ctx.Err(); ended != nil {
		return fmt.Errorf("natsstore: %w", ended)
	}
	for _, refused := range []error{ErrCorrupt, store.ErrTooLarge, store.ErrClosed} {
		if errors.Is(err, refused) {
			return err
		}
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return fmt.Errorf("natsstore: %w: no answer within %v", store.ErrUnavailable, s.config.Timeout)
	}
	return fmt.Errorf("natsstore: %w: %w", store.ErrUnavailable, err)
}
