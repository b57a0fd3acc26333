package ginadapter

import (
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"

	"github.com/gin-gonic/gin"
)

// asked is the engine for questions. gin says 404 also of a path that has routes
// of other methods, unless HandleMethodNotAllowed is set. That would mean that
// there is no such resource, so that If-None-Match: * lets a write through to one
// that there is.
type asked struct {
	engine *gin.Engine
	reads  func() []string // the paths of its GET routes
}

func newAsked(engine *gin.Engine) *asked {
	return &asked{engine, sync.OnceValue(func() (routes []string) {
		for _, route := range engine.Routes() {
			if route.Method == http.MethodGet {
				routes = append(routes, route.Path)
			}
		}
		return routes
	})}
}

// ServeHTTP implements [http.Handler].
func (a *asked) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	target := a.pathOf(r.URL)
	for _, route := range a.reads() {
		if covers(route, target) {
			a.engine.ServeHTTP(w, r)
			return
		}
	}
	http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
}

// pathOf is the path by which the engine routes.
func (a *asked) pathOf(u *url.URL) string {
	p := u.Path
	if a.engine.UseEscapedPath || a.engine.UseRawPath && u.RawPath != "" {
		p = u.EscapedPath()
	}
	if a.engine.RemoveExtraSlash {
		p = cleaned(p)
	}
	return p
}

// cleaned is p without empty elements, and with its slash at the end.
func cleaned(p string) string {
	clean := path.Clean("/" + p)
	if clean != "/" && strings.HasSuffix(p, "/") {
		clean += "/"
	}
	return clean
}

// covers reports whether a request of the path could be for the route: gin
// decides that, but knows more than to say 404.
func covers(route, target string) bool {
	parts, segments := strings.Split(route, "/"), strings.Split(target, "/")
	for i, part := range parts {
		if strings.Contains(part, "*") {
			return len(segments) > i
		}
		fixed, _, parameter := strings.Cut(part, ":")
		switch {
		case i >= len(segments):
			return false
		case parameter && (len(segments[i]) <= len(fixed) || !strings.HasPrefix(segments[i], fixed)):
			return false // to gin a parameter is never empty
		case !parameter && segments[i] != part:
			return false
		}
	}
	return len(parts) == len(segments)
}
