package problem

import "net/http"

// HandlerFunc makes a handler of a function that answers or returns an error.
func (respond Responder) HandlerFunc(h func(http.ResponseWriter, *http.Request) error) http.Handler {
	if respond == nil {
		respond = JSON
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := h(w, r)
		if err == nil {
			return
		}
		p, ok := From(err)
		if !ok {
			p = New(KindInternal, "")
			p.Err = err
		}
		respond(w, r, p)
	})
}
