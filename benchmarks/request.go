package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
)

const (
	host     = "api.example"
	document = "/documents/1"
	payments = "/payments"
	report   = "/report"

	keyField = "Idempotency-Key"
	bearer   = "Bearer c3d9f2a417e84b60" //nolint:gosec // G101: nobody's
	oneKey   = "8e03978e-40d5-43dd-bc93-6894a57f9324"
)

// usual are the 16 fields of a browser's request behind a proxy.
var usual = []string{
	"Accept", "Accept-Encoding", "Accept-Language", "Authorization", "Cache-Control", "Cookie", "Dnt", "Origin",
	"Referer", "Sec-Fetch-Dest", "Sec-Fetch-Mode", "Sec-Fetch-Site", "Traceparent", "User-Agent", "X-Forwarded-For",
	"X-Request-Id",
}

const usualValue = "some value of a usual length"

// ask is a request, in a form that any transport can be given.
type ask struct {
	method, path string
	fields       [][2]string // beside the usual ones, which they replace
	body         []byte
	newKeys      bool // each time it is sent it has another Idempotency-Key
}

// with returns a with a field more.
func (a ask) with(name, value string) ask {
	a.fields = append(a.fields[:len(a.fields):len(a.fields)], [2]string{name, value})
	return a
}

// header returns the fields of a.
func (a ask) header() http.Header {
	h := make(http.Header, len(usual)+len(a.fields))
	for _, name := range usual {
		h[name] = []string{usualValue}
	}
	h["Authorization"] = []string{bearer}
	seen := make(map[string]bool)
	for _, f := range a.fields {
		name := http.CanonicalHeaderKey(f[0])
		if !seen[name] {
			delete(h, name)
		}
		seen[name] = true
		h[name] = append(h[name], f[1])
	}
	if a.newKeys {
		h[keyField] = []string{key(0)}
	}
	return h
}

// request returns a as net/http hands it to a handler.
func (a ask) request(ctx context.Context) *http.Request {
	r := httptest.NewRequestWithContext(ctx, a.method, "http://"+host+a.path, bytes.NewReader(a.body))
	r.Header = a.header()
	if len(a.body) == 0 {
		r.Body, r.ContentLength = http.NoBody, 0
	}
	return r
}

// wire returns a as it goes over a connection.
func (a ask) wire() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", a.method, a.path, host)
	_ = a.header().Write(&b) // a buffer takes everything
	if len(a.body) > 0 {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(a.body))
	}
	b.WriteString("\r\n")
	b.Write(a.body)
	return b.Bytes()
}

const keyDigits = 12

// key is the nth of as many keys as anybody wants, 36 characters each: fiber
// takes no others.
func key(n int) string {
	digits := strconv.Itoa(n)
	return oneKey[:len(oneKey)-keyDigits] + "000000000000"[len(digits):] + digits
}
