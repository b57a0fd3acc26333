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
	var mistakes []error
	wrong := func(field string, value any, reason string) {
		mistakes = append(mistakes, &store.ConfigError{Field: "idempotency.Config." + field, Value: value, Reason: reason})
	}
	if c.Principal == nil {
		wrong("Principal", nil, "is required: without it one caller could be given another's answer")
	}
	for _, m := range c.Methods {
		if reason := unfitMethod(m); reason != "" {
			wrong("Methods", m, reason)
		}
	}
	if c.Header != "" && !isName(c.Header) {
		wrong("Header", c.Header, "is no field name")
	}
	if c.ReplayField != "" && !isName(c.ReplayField) || strings.HasPrefix(http.CanonicalHeaderKey(c.ReplayField), "Content-") {
		wrong("ReplayField", c.ReplayField, "is no field name, or one that says what the body is")
	}
	if c.TTL < 0 {
		wrong("TTL", c.TTL, "must not be negative")
	}
	if full := c.complete(); c.TTL >= 0 && c.Lease >= 0 && full.TTL < full.Lease+full.Lease/10 {
		wrong("TTL", c.TTL, "must be at least Lease and a tenth more")
	}
	if c.Wait < 0 {
		wrong("Wait", c.Wait, "must not be negative")
	}
	if c.Unknown > Rerun {
		wrong("Unknown", c.Unknown, "is neither Refuse nor Rerun")
	}
	if c.MaxRequestBody < 0 {
		wrong("MaxRequestBody", c.MaxRequestBody, "must not be negative")
	}
	if c.MaxResponseBody < 0 {
		wrong("MaxResponseBody", c.MaxResponseBody, "must not be negative")
	}
	if c.Transactional && c.DangerouslyFailOpen {
		wrong("DangerouslyFailOpen", true, "would run the handler without the transaction that Transactional promises it")
	}
	if _, ok := c.Store.(store.Beginner); c.Transactional && !ok {
		wrong("Store", typeOf(c.Store), "must be a store.Beginner for Transactional")
	}
	if v := reflect.ValueOf(c.Store); c.Store != nil && v.Kind() == reflect.Pointer && v.IsNil() {
		wrong("Store", typeOf(c.Store), "is a nil pointer")
	}
	if c.Store != nil && !reflect.ValueOf(c.Store).Comparable() {
		wrong("Store", typeOf(c.Store), "must be of a comparable type, such as a pointer")
	}
	return errors.Join(append(mistakes, checkSealers(c.Seal))...)
}

// unfitMethod says why the layer cannot be concerned with a method, or "". One
// in small letters would match no request, and nothing would be protected.
func unfitMethod(m string) string {
	switch m {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodConnect,
		"QUERY", "PROPFIND", "REPORT", "SEARCH":
		return "must not contain safe methods, CONNECT or an empty one"
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

// ofLease names the fields of a lease's configuration as they are called here.
func ofLease(err error) error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return err
	}
	var mistakes []error
	for _, err := range joined.Unwrap() {
		mistake := (*store.ConfigError)(nil)
		if !errors.As(err, &mistake) {
			mistakes = append(mistakes, err)
			continue
		}
		named := *mistake
		named.Field = "idempotency.Config." + named.Field
		mistakes = append(mistakes, &named)
	}
	return errors.Join(mistakes...)
}
