package middleware_test

import (
	"net/http"
	"net/url"
	"path"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/concordhttp/concord/middleware"
)

func TestNormalisedPath(t *testing.T) {
	for given, want := range map[string]string{
		"/": "/", "": "/", "*": "/*", "/a": "/a", "/a/": "/a", "//a": "/a", "/a//b": "/a/b", "/./a": "/a", "/a/.": "/a",
		"/a/..": "/", "/../../a": "/a", "/.well-known/x": "/.well-known/x", "/a.b": "/a.b", "/a/.b": "/a/.b", "a": "/a", "//": "/",
	} {
		assert.Equal(t, want, middleware.NormalisedPath(&http.Request{URL: &url.URL{Path: given}}), given)
	}
}

func FuzzNormalisedPath(f *testing.F) {
	for _, seed := range []string{"/", "", "/a", "//a", "/a/../b", "/.a", "/a/", "*", "/a\x00/.."} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, p string) {
		got := middleware.NormalisedPath(&http.Request{URL: &url.URL{Path: p}})
		assert.Equal(t, path.Clean("/"+p), got)
	})
}
