package ginadapter

import (
	"net/http"

	"github.com/gin-gonic/gin"
)

// outer is the writer that the layers write to: that of the chain outside. It
// sends the status with the first byte of the body, as gin does, since a writer
// that encodes may set the fields by then.
type outer struct {
	gin.ResponseWriter
	given bool // the layers have set the status
}

// WriteHeader sets the status, once. What is informational (1xx) is no answer,
// and gin would take it for the status: it goes to the connection.
func (w *outer) WriteHeader(status int) {
	switch {
	case w.given || w.Written():
	case status == http.StatusSwitchingProtocols:
		w.ResponseWriter.WriteHeader(status)
		w.WriteHeaderNow()
	case status >= 200:
		w.given = true
		w.ResponseWriter.WriteHeader(status)
	default:
		if below := belowGin(w.ResponseWriter); below != nil {
			below.WriteHeader(status)
		}
	}
}

// end sends the status of an answer without a body, which what comes after could
// otherwise change.
func (w *outer) end() {
	if w.given {
		w.WriteHeaderNow()
	}
}

// Push is what the Pusher of gin's writer does, where it has one.
func (w *outer) Push(target string, opts *http.PushOptions) error {
	if p := w.Pusher(); p != nil {
		return p.Push(target, opts)
	}
	return http.ErrNotSupported
}

// belowGin is the first writer under w that is none of gin's, or nil.
func belowGin(w http.ResponseWriter) http.ResponseWriter {
	for {
		if _, gins := w.(gin.ResponseWriter); !gins {
			return w
		}
		u, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return nil
		}
		w = u.Unwrap()
	}
}

// Unwrap is for [http.ResponseController], and for the layers to find others
// outside.
func (w *outer) Unwrap() http.ResponseWriter { return w.ResponseWriter }
