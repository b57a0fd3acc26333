package middleware

import (
	"net/http"
	"path"
)

// NormalisedPath is the key of the resource that r is about where a layer's
// Resource is nil: the decoded path in its one clean form, so that "/a%31",
// "//a1", "/b/../a1" and "/a1/" are one resource with "/a1". Host and query are
// no part of it. Two resources that share a key only wait for each other; two
// spellings of one that do not would lose an update.
func NormalisedPath(r *http.Request) string {
	p := r.URL.Path
	if isClean(p) {
		return p
	}
	return path.Clean("/" + p)
}

// isClean reports whether path.Clean would change nothing, in one pass. It may
// say false of a path such as "/.well-known", which is then cleaned for nothing.
func isClean(p string) bool {
	if p == "/" {
		return true
	}
	if p == "" || p[0] != '/' || p[len(p)-1] == '/' {
		return false
	}
	for i := 1; i < len(p); i++ {
		if p[i-1] == '/' && (p[i] == '/' || p[i] == '.') {
			return false
		}
	}
	return true
}
