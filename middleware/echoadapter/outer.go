package echoadapter

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// outer is the writer that the layers write to: the response of the chain
// outside.
type outer struct{ *echo.Response }

// WriteHeader gives the answer. What is informational (1xx) is none, and echo
// would take the response for committed: it goes past it.
func (w outer) WriteHeader(status int) {
	if status >= 200 || status == http.StatusSwitchingProtocols {
		w.Response.WriteHeader(status)
	} else if !w.Committed {
		w.Writer.WriteHeader(status)
	}
}

// FlushError is what the Flush of echo's response would panic of.
func (w outer) FlushError() error { return http.NewResponseController(w.Writer).Flush() }

// Push is for handlers that look for it, which echo's response has not.
func (w outer) Push(target string, opts *http.PushOptions) error {
	if p, ok := w.Writer.(http.Pusher); ok {
		return p.Push(target, opts)
	}
	return http.ErrNotSupported
}

// Unwrap is for [http.ResponseController], and for the layers to find others
// outside.
func (w outer) Unwrap() http.ResponseWriter { return w.Response }
