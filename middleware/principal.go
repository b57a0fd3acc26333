package middleware

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
)

// Principal tells whom a request acts for. What is recorded or locked for one
// principal is never shown to another, so a Principal must return
//
//   - the same string each time the same caller repeats a request, and
//   - different strings for different callers.
//
// A server that authenticates should return the authenticated subject: a user
// or account id, which outlives the credentials it came with. If one subject acts
// for several tenants, and a field such as Stripe-Account says for which, that
// field is part of the principal: without it, a request for one tenant is answered
// with what another was, where both use one key. An error refuses the request where
// a principal is needed; see [ErrPrincipalUnknown].
//
// A Principal is called concurrently.
type Principal func(*http.Request) (string, error)

// ErrPrincipalUnknown says that a request does not tell whom it acts for.
// Concord then refuses a keyed request rather than count its caller as one with
// every other that it cannot tell apart.
var ErrPrincipalUnknown = errors.New("middleware: the request does not tell whom it acts for")

// ByAuthorization is a [Principal] that returns a digest of Basic or Bearer
// credentials (RFC 7617, RFC 6750). Everything else is [ErrPrincipalUnknown]:
// no Authorization field, several of them, and schemes whose credentials change
// with every request (Digest, DPoP, signatures), under which each retry would
// be another caller.
//
// It fits static credentials alone. A client that refreshes its Bearer token
// becomes another principal with it, and a request that it repeats runs again:
// servers with such tokens return the authenticated subject instead.
func ByAuthorization(r *http.Request) (string, error) {
	lines := r.Header["Authorization"]
	if len(lines) != 1 {
		return "", ErrPrincipalUnknown
	}
	scheme, credentials, _ := strings.Cut(lines[0], " ")
	credentials = strings.Trim(credentials, " ")
	if credentials == "" {
		return "", ErrPrincipalUnknown
	}
	switch {
	case strings.EqualFold(scheme, "basic"):
		return digest("basic", credentials), nil
	case strings.EqualFold(scheme, "bearer"):
		return digest("bearer", credentials), nil
	}
	return "", ErrPrincipalUnknown
}

// ByCookie returns a [Principal] that returns a digest of the value of the
// cookie with this name, such as a session's. A request without it, with an
// empty one or with several different ones is [ErrPrincipalUnknown].
func ByCookie(name string) Principal {
	return func(r *http.Request) (string, error) {
		value := ""
		for _, c := range r.CookiesNamed(name) {
			if value != "" && c.Value != value {
				return "", ErrPrincipalUnknown
			}
			value = c.Value
		}
		if value == "" {
			return "", ErrPrincipalUnknown
		}
		return digest("cookie", value), nil
	}
}

// DangerouslyShared is a [Principal] under which every caller is the same
// caller. What one of them is answered, any other can be answered too: use it
// only where all callers may see everything, as behind a gateway that speaks
// for one tenant.
func DangerouslyShared(*http.Request) (string, error) { return "shared", nil }

// digest keeps credentials out of stores and logs. The label keeps a cookie
// and a token of the same text apart.
func digest(label, secret string) string {
	sum := sha256.Sum256([]byte(label + "\x00" + secret))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
