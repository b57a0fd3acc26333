package ginadapter

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/concordhttp/concord/middleware/problem"
)

// settle gives the answer that gin, or middleware outside, would make after the
// chain of one that has written nothing: the layers decide now.
func settle(c *gin.Context, w *writer, errors []*gin.Error) {
	switch {
	case w.Written():
	case len(errors) > 0 && !w.chosen:
		answer := func(http.ResponseWriter, *http.Request) error { return errors[len(errors)-1].Err }
		problem.Responder(nil).HandlerFunc(answer).ServeHTTP(w, c.Request)
	case c.FullPath() == "" && w.Status() == http.StatusNotFound:
		writePlain(w, "404 page not found")
	case c.FullPath() == "" && w.Status() == http.StatusMethodNotAllowed:
		writePlain(w, "405 method not allowed")
	default:
		w.WriteHeaderNow()
	}
}

// writePlain is what gin itself says where there is no route.
func writePlain(w *writer, text string) {
	w.Header().Set("Content-Type", gin.MIMEPlain)
	_, _ = w.WriteString(text)
}
