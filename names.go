package concord

import (
	"log/slog"
	"net/http"

	"github.com/concordhttp/concord/middleware"
	"github.com/concordhttp/concord/middleware/problem"
)

// What a program needs beside a Stack, so that it imports one package.

// Principal tells whom a request acts for; see [middleware.Principal].
type Principal = middleware.Principal

// Problem is a problem detail of RFC 9457, and an error; see [problem.Problem].
type Problem = problem.Problem

// ByAuthorization is a [Principal]: [middleware.ByAuthorization], a digest of
// Basic or static Bearer credentials.
func ByAuthorization(r *http.Request) (string, error) { return middleware.ByAuthorization(r) }

// ByCookie is [middleware.ByCookie]: a digest of the cookie with this name.
func ByCookie(name string) Principal { return middleware.ByCookie(name) }

// DangerouslyShared is a [Principal]: [middleware.DangerouslyShared], under which
// every caller is the same caller.
func DangerouslyShared(r *http.Request) (string, error) { return middleware.DangerouslyShared(r) }

// Routes is [middleware.Routes]: whether a request matches one of patterns, in
// the syntax of http.ServeMux. It is for Require and the like.
func Routes(patterns ...string) func(*http.Request) bool { return middleware.Routes(patterns...) }

// Log is [middleware.Log]: an observer that writes to l, or to slog.Default.
func Log(l *slog.Logger) middleware.Observer { return middleware.Log(l) }
