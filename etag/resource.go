package etag

import (
	"net/http"
	"path"
	"strings"
)

// normalisedPath is the default key of a resource: the decoded path in its one
// clean form, so that "/a%31", "//a1", "/b/../a1" and "/a1/" share a gate with
// "/a1". Host and query are no part of it. Two resources that share a key only
// wait for each other; two spellings of one that do not would lose an update.
func normalisedPath(r *http.Request) string {
	p := r.URL.Path
	if isClean(p) {
		return p
	}
	return path.Clean("/" + p)
}

// isClean spares the usual path the work of path.Clean.
func isClean(p string) bool {
	return p == "/" || strings.HasPrefix(p, "/") && !strings.HasSuffix(p, "/") &&
		!strings.Contains(p, "//") && !strings.Contains(p, "/.")
}
