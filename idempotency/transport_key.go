package idempotency

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// ErrInvalidKey: what [WithKey] was given is not 1 to 255 characters of printable
// ASCII. Nothing was sent.
var ErrInvalidKey = errors.New("idempotency: no key that can be sent")

const errKeyUnprintable keyError = "it has a character that is not printable ASCII"

// keyOf finds the key of the context.
type keyOf struct{}

// WithKey has [Transport] send the requests of ctx with this key: one that is kept
// with what the operation is about, say, so that the program can send it again
// after a crash. It is 1 to 255 characters of printable ASCII, and is sent as the
// structured-field String of RFC 9651; anything else is [ErrInvalidKey] when a
// request is sent.
//
// One key names one operation. Use such a context for one request and its retries:
// a second operation under the same key is answered with the first one's answer if
// it is the same request, or else refused as key-reused.
func WithKey(ctx context.Context, key string) context.Context {
	return context.WithValue(ctx, keyOf{}, key)
}

// keyLine is the line of the field for r, and whether the caller has set it. A
// request that follows a redirect with method and body has the key of the one that
// was redirected: it is the same operation.
func (t *Transport) keyLine(r *http.Request) (line string, set bool, err error) {
	name := t.header()
	if lines := r.Header[name]; len(lines) > 0 {
		return lines[0], true, nil
	}
	if key, ok := r.Context().Value(keyOf{}).(string); ok {
		line, err = quoteKey(key)
		return line, false, err
	}
	if line := redirectedKey(r, name); line != "" {
		return line, false, nil
	}
	return `"` + rand.Text() + `"`, false, nil
}

// redirectedKey is the key that the request before a redirect was sent with.
// [http.Client] copies the fields of what it was given, not of what was sent.
func redirectedKey(r *http.Request, name string) string {
	if r.Response == nil || r.Response.Request == nil {
		return ""
	}
	switch r.Response.StatusCode {
	case http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return r.Response.Request.Header.Get(name)
	}
	return ""
}

// quoteKey writes a key as a String (RFC 9651 section 4.1.6).
func quoteKey(key string) (string, error) {
	switch {
	case key == "":
		return "", fmt.Errorf("%w: %w", ErrInvalidKey, errKeyEmpty)
	case len(key) > maxKeyLength:
		return "", fmt.Errorf("%w: %w", ErrInvalidKey, errKeyTooLong)
	}
	for i := range len(key) {
		if key[i] < ' ' || key[i] > '~' {
			return "", fmt.Errorf("%w: %w", ErrInvalidKey, errKeyUnprintable)
		}
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(key) + `"`, nil
}

// keyIn is the key that a line names, for whoever is told of the operation; the
// line itself if it is the caller's own and names none.
func keyIn(line string) string {
	if key, err := parseKey([]string{line}, false); err == nil {
		return key
	}
	return line
}
