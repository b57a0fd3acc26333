package ginadapter

import (
	"net/http"

	"github.com/gin-gonic/gin"
)

// outer is the writer that the layers write to: that of the chain outside,
// which would otherwise keep a status until there is a body, so that what comes
// after could still change it.
type outer struct{ gin.ResponseWriter }

// WriteHeader commits the answer. What is informational (1xx) is no answer, and
// gin would take it for the status: it goes to the connection.
func (w outer) WriteHeader(status int) {
	if status >= 200 || status == http.StatusSwitchingProtocols {
		w.ResponseWriter.WriteHeader(status)
		w.WriteHeaderNow()
		return
	}
	if w.Written() {
		return
	}
	if below := belowGin(w.ResponseWriter); below != nil {
		below.WriteHeader(status)
	}
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
func (w outer) Unwrap() http.ResponseWriter { return w.ResponseWriter }
