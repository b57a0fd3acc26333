package etag

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"sync/atomic"

	"github.com/concordhttp/concord/middleware/problem"
)

// unaskable refuses to ask a handler that a router has chosen for the write. It
// need never look at the method again, and would run the write in answer to the
// GET. A route of a ServeMux without a method is the exception: a client's GET
// would reach the same handler.
func unaskable(r *http.Request) *problem.Problem {
	if r.Pattern == "" {
		return nil
	}
	route := r.Pattern
	if matchedByServeMux(r) {
		end := strings.IndexAny(r.Pattern, " \t") // it takes either
		if end < 0 {
			return nil
		}
		route = r.Pattern[:end]
	}
	return insideRouter(fmt.Sprintf("wraps the handler of a %s route", route))
}

func insideRouter(where string) *problem.Problem {
	return validatorMissing(errors.New(
		"etag: the layer " + where + ", which cannot be asked for the validator: wrap the router, or give Config.Current"))
}

// matchedByServeMux reports whether it was a [http.ServeMux] that set the
// request's pattern. Others (chi, echo) set it too, without the method, and
// only what net/http keeps for itself beside it tells them apart. Should that
// ever be called something else, no pattern counts as a ServeMux's.
func matchedByServeMux(r *http.Request) bool {
	match := reflect.ValueOf(r).Elem().FieldByName("pat")
	if !match.IsValid() || match.Kind() != reflect.Pointer || match.IsNil() {
		return false
	}
	pattern := match.Elem().FieldByName("str")
	return pattern.IsValid() && pattern.Kind() == reflect.String && pattern.String() == r.Pattern
}

// routing is what a router such as chi's puts into the context of a request and
// writes the route to. Registered on it with its Use, the layer is between the
// two: the question would leave its own route there, and with it the write
// would be led to the handler of the GET.
type routing interface {
	RoutePattern() string
	URLParam(key string) string
	Reset()
}

// asking is the context of a question. It ends the question when a router is
// about to write the route to what it shares with the write.
type asking struct {
	context.Context
	stop   func()
	router atomic.Bool // what was asked is inside of one
}

// Value is as in [context.Context].
func (a *asking) Value(key any) any {
	v := a.Context.Value(key)
	if _, is := v.(routing); is {
		a.router.Store(true)
		a.stop()
		panic(http.ErrAbortHandler)
	}
	return v
}
