package collapse

import (
	"net/http"
	"time"
)

// stall tells a follower that reads along when to look whether the answer still
// comes. The timer is made when it first waits.
type stall struct{ timer *time.Timer }

func (s *stall) in(d time.Duration) <-chan time.Time {
	if s.timer == nil {
		s.timer = time.NewTimer(d)
	} else {
		s.timer.Reset(d)
	}
	return s.timer.C
}

func (s *stall) end() {
	if s.timer != nil {
		s.timer.Stop()
	}
}

// await waits for more of the answer, and returns waits when there may be some.
// The request is lost after MaxWait if it got nothing so far, and can still run
// for itself, or if all that time it was the leader's client that took nothing:
// nobody is held up by another's connection. A handler that pauses in the middle
// of a stream takes as long as it takes, as it would without the layer.
func (r *run) await(w http.ResponseWriter, req *http.Request, s *stream, pos int64, more <-chan struct{}, stall *stall) progress {
	limit := r.handler.layer.config.MaxWait
	for rest := limit; ; {
		select {
		case <-more:
			return waits
		case <-req.Context().Done():
			breakOff(w)
		case <-stall.in(rest):
		}
		if pos == 0 {
			return lost
		}
		rest = limit
		if since := time.Duration(s.blocked.Load()); since > 0 {
			if rest -= r.handler.layer.now() - since; rest <= 0 {
				return lost
			}
		}
	}
}
