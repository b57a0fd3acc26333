package idempotency

import (
	"errors"
	"net/http"
	"reflect"
	"strings"

	"github.com/concordhttp/concord/store"
)

// validate reports every mistake at once, so that a server is fixed in one go.
// What concerns leases is left to them.
func (c Config) validate() error {
	var m mistakes
	c.checkRequests(&m)
	c.checkLimits(&m)
	c.checkStore(&m)
	return errors.Join(append(m, checkSealers(c.Seal))...)
}

// mistakes are what is wrong with a Config, each a *store.ConfigError.
type mistakes []error

func (m *mistakes) add(field string, value any, reason string) {
	*m = append(*m, &store.ConfigError{Field: fieldOf(field), Value: value, Reason: reason})
}

// fieldOf names a field as the server's author knows it.
func fieldOf(field string) string { return "idempotency.Config." + field }

// checkRequests looks at what says which requests the layer is concerned with.
func (c Config) checkRequests(m *mistakes) {
	if c.Principal == nil {
		m.add("Principal", nil, "is required: without it one caller could be given another's answer")
	}
	for _, method := range c.Methods {
		if reason := unfitMethod(method); reason != "" {
			m.add("Methods", method, reason)
		}
	}
	if c.Header != "" && !isName(c.Header) {
		m.add("Header", c.Header, "is no field name")
	}
	if c.ReplayField != "" && !isName(c.ReplayField) || strings.HasPrefix(http.CanonicalHeaderKey(c.ReplayField), "Content-") {
		m.add("ReplayField", c.ReplayField, "is no field name, or one that says what the body is")
	}
}

func (c Config) checkLimits(m *mistakes) {
	if c.TTL < 0 {
		m.add("TTL", c.TTL, "must not be negative")
	}
	if full := c.complete(); c.TTL >= 0 && c.Lease >= 0 && full.TTL < full.Lease+full.Lease/10 {
		m.add("TTL", c.TTL, "must be at least Lease and a tenth more")
	}
	if c.Wait < 0 {
		m.add("Wait", c.Wait, "must not be negative")
	}
	if c.Unknown > Rerun {
		m.add("Unknown", c.Unknown, "is neither Refuse nor Rerun")
	}
	if c.MaxRequestBody < 0 {
		m.add("MaxRequestBody", c.MaxRequestBody, "must not be negative")
	}
	if c.MaxResponseBody < 0 {
		m.add("MaxResponseBody", c.MaxResponseBody, "must not be negative")
	}
}

// checkStore looks at the store, and at what is wanted of it.
func (c Config) checkStore(m *mistakes) {
	if c.Transactional && c.DangerouslyFailOpen {
		m.add("DangerouslyFailOpen", true, "would run the handler without the transaction that Transactional promises it")
	}
	if _, ok := c.Store.(store.Beginner); c.Transactional && !ok {
		m.add("Store", typeOf(c.Store), "must be a store.Beginner for Transactional")
	}
	if c.Store == nil {
		return
	}
	if isNilPointer(c.Store) {
		m.add("Store", typeOf(c.Store), "is a nil pointer")
	}
	if !reflect.ValueOf(c.Store).Comparable() {
		m.add("Store", typeOf(c.Store), "must be of a comparable type, such as a pointer")
	}
}

// isNilPointer reports whether an interface that is not nil holds a pointer that
// is: what a variable of a concrete type that was never set looks like.
func isNilPointer(v any) bool {
	p := reflect.ValueOf(v)
	return p.Kind() == reflect.Pointer && p.IsNil()
}

// unfitMethod says why the layer cannot be concerned with a method, or "". One
// in small letters would match no request, and nothing would be protected.
func unfitMethod(m string) string {
	switch m {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodConnect,
		"QUERY", "PROPFIND", "REPORT", "SEARCH":
		return "must not contain safe methods, CONNECT or an empty one"
	case "LOCK", "UNLOCK":
		return "must not contain LOCK or UNLOCK: a replay would tell a client that it holds a lock, or that it is ended, " +
			"as if no time had passed; what they carry is Lock-Token"
	}
	if !isName(m) || m != strings.ToUpper(m) {
		return "is no method: they are told apart by case, and written in capitals"
	}
	return ""
}

func typeOf(s store.Store) string {
	if s == nil {
		return "none"
	}
	return reflect.TypeOf(s).String()
}
