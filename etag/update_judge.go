package etag

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/concordhttp/concord/middleware/problem"
)

// fate is what became of a write that was not answered with success.
type fate uint8

const (
	final   fate = iota // it is not going to be done
	stale               // it was not done: somebody else was faster
	later               // it was not done, and the same can be done later
	lost                // it may have been done, and can be sent again
	unknown             // it may have been done, and is not to be sent again
	done                // it was done before, under the same key
)

// judgeWrite judges the answer to a write, with the eyes of one who may have sent
// it before without an answer (resent).
//
// A server that keeps keys (keyed) answers a write that is sent again as the first
// time, if that was done: so what comes from behind its record of keys, such as a
// stale precondition, says that it was not. Where no keys are kept the write itself
// may have made it stale. What comes from before the record says nothing of an
// earlier attempt, keys or not.
func judgeWrite(a *AnswerError, resent, keyed bool) fate {
	f := judgeAnswer(a, resent)
	if f == stale && resent && !keyed {
		return lost
	}
	return f
}

func judgeAnswer(a *AnswerError, resent bool) fate {
	if a.Problem != nil {
		if f, ok := judgeKind(a.Problem); ok {
			return f
		}
	}
	switch a.Status {
	case http.StatusPreconditionFailed:
		return stale
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return lost
	case http.StatusTooEarly, http.StatusTooManyRequests:
		if resent {
			return lost
		}
		return later
	case http.StatusConflict, http.StatusLocked, http.StatusUnprocessableEntity, http.StatusPreconditionRequired:
		return final
	}
	if resent {
		return unknown
	}
	return final
}

// judgeKind judges the problems that say more than their status. Whoever holds a
// lock holds it for minutes; the caller is told.
func judgeKind(p *problem.Problem) (fate, bool) {
	switch p.Kind {
	case problem.KindVersionMismatch:
		return stale, true
	case problem.KindResourceBusy, problem.KindWriteConflict, problem.KindValidatorUnavailable:
		return later, true
	case problem.KindRequestInFlight:
		return lost, true
	case problem.KindOutcomeUnknown:
		return unknown, true
	case problem.KindResponseNotRetained:
		status, _ := p.Extensions["original_status"].(json.Number)
		if n, err := strconv.Atoi(status.String()); err == nil && isSuccess(n) {
			return done, true
		}
	}
	return final, false
}
