package middleware

import "net/http"

// GiveBack is for a layer whose handler has returned, and was given inner, a copy
// of r. What the handler left in it goes to r, as if there had been no copy: the
// pattern of its route, for what is outside, such as a metric by route; and the
// form that it read, of which the server removes the files, and what is outside
// finds the body read.
func GiveBack(r, inner *http.Request) {
	r.Pattern = inner.Pattern
	if r.Form == nil {
		r.Form = inner.Form
	}
	if r.PostForm == nil {
		r.PostForm = inner.PostForm
	}
	if r.MultipartForm == nil {
		r.MultipartForm = inner.MultipartForm
	}
}
