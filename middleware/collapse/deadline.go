package collapse

import (
	"net/http"
	"time"
)

// SetWriteDeadline gives the leader's connection, for [http.ResponseController],
// the time that its handler needs. Those who wait have connections with
// deadlines of their own, so they run for themselves, and ask for theirs.
func (o *output) SetWriteDeadline(t time.Time) error {
	return o.forLeaderAlone(http.NewResponseController(o.w).SetWriteDeadline(t))
}

// SetReadDeadline is SetWriteDeadline for what is read.
func (o *output) SetReadDeadline(t time.Time) error {
	return o.forLeaderAlone(http.NewResponseController(o.w).SetReadDeadline(t))
}

// forLeaderAlone refuses to share what the handler has changed for one
// connection, if it could.
func (o *output) forLeaderAlone(err error) error {
	if err == nil {
		o.run().refuse()
	}
	return err
}
