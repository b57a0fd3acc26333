package idempotency

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// asked is a request as far as a fingerprint looks at it.
type asked struct {
	method, host string
	url          url.URL
	types        []string
	body         string
}

func payment() asked {
	return asked{"POST", "api.example.com", url.URL{Path: "/payments", RawQuery: "a=1&b=2"}, []string{"application/json"}, `{"amount":1}`}
}

func (a asked) with(change func(*asked)) asked {
	change(&a)
	return a
}

func (a asked) request() *http.Request {
	r := &http.Request{Method: a.method, Host: a.host, URL: &a.url, Header: http.Header{}}
	if a.types != nil {
		r.Header["Content-Type"] = a.types
	}
	return r
}

func (a asked) fingerprint() fingerprint { return fingerprintOf(a.request(), []byte(a.body), nil) }

func TestFingerprintTellsApart(t *testing.T) {
	seen := distinct{}
	seen.add(t, "the request itself", payment().fingerprint())
	for name, change := range map[string]func(*asked){
		"another method":                     func(a *asked) { a.method = "PUT" },
		"a method in lower case":             func(a *asked) { a.method = "post" },
		"another host":                       func(a *asked) { a.host = "api.example.org" },
		"another port":                       func(a *asked) { a.host = "api.example.com:8080" },
		"no host":                            func(a *asked) { a.host = "" },
		"another path":                       func(a *asked) { a.url.Path = "/refunds" },
		"a path in upper case":               func(a *asked) { a.url.Path = "/Payments" },
		"a slash behind the path":            func(a *asked) { a.url.Path = "/payments/" },
		"two slashes":                        func(a *asked) { a.url.Path = "//payments" },
		"a slash that is encoded":            func(a *asked) { a.url.Path, a.url.RawPath = "/pay/ments", "/pay%2Fments" },
		"the same slash in clear":            func(a *asked) { a.url.Path = "/pay/ments" },
		"an opaque target":                   func(a *asked) { a.url = url.URL{Scheme: "mail", Opaque: "payments", RawQuery: "a=1&b=2"} },
		"another opaque target":              func(a *asked) { a.url = url.URL{Scheme: "mail", Opaque: "refunds", RawQuery: "a=1&b=2"} },
		"another query":                      func(a *asked) { a.url.RawQuery = "a=1&b=3" },
		"a query in another order":           func(a *asked) { a.url.RawQuery = "b=2&a=1" },
		"no query":                           func(a *asked) { a.url.RawQuery = "" },
		"the query as a part of the path":    func(a *asked) { a.url.Path, a.url.RawQuery = "/payments?a=1&b=2", "" },
		"another content type":               func(a *asked) { a.types = []string{"text/plain"} },
		"a parameter of the type":            func(a *asked) { a.types = []string{"application/json; charset=utf-8"} },
		"no content type":                    func(a *asked) { a.types = nil },
		"an empty content type":              func(a *asked) { a.types = []string{""} },
		"a content type that comes twice":    func(a *asked) { a.types = []string{"application/json", "application/json"} },
		"another body":                       func(a *asked) { a.body = `{"amount":2}` },
		"a blank more in the body":           func(a *asked) { a.body = `{"amount": 1}` },
		"a line feed behind the body":        func(a *asked) { a.body += "\n" },
		"no body":                            func(a *asked) { a.body = "" },
		"the type as a part of the body":     func(a *asked) { a.types, a.body = []string{""}, "application/json"+a.body },
		"the method as a part of the host":   func(a *asked) { a.method, a.host = "POS", "T"+a.host },
		"the host as a part of the path":     func(a *asked) { a.host, a.url.Path = "", a.host+a.url.Path },
		"the query as a part of the type":    func(a *asked) { a.url.RawQuery, a.types = "", []string{"a=1&b=2application/json"} },
		"the type as a second line":          func(a *asked) { a.types = []string{"application", "/json"} },
		"the line break at another place":    func(a *asked) { a.types = []string{"application/", "json"} },
		"a body that is long":                func(a *asked) { a.body = strings.Repeat("a", 600) },
		"a body that is one byte longer":     func(a *asked) { a.body = strings.Repeat("a", 601) },
		"a query that is long":               func(a *asked) { a.url.RawQuery = strings.Repeat("a", 2000) },
		"a query that is one byte longer":    func(a *asked) { a.url.RawQuery = strings.Repeat("a", 2001) },
		"a long query with another last one": func(a *asked) { a.url.RawQuery = strings.Repeat("a", 1999) + "b" },
	} {
		seen.add(t, name, payment().with(change).fingerprint())
	}
}

// distinct are the fingerprints of cases that must all be different.
type distinct map[fingerprint]string

func (d distinct) add(t *testing.T, name string, f fingerprint) {
	t.Helper()
	other, known := d[f]
	assert.False(t, known, "%q has the fingerprint of %q", name, other)
	d[f] = name
}

func TestFingerprintStaysTheSame(t *testing.T) {
	want := payment().fingerprint()
	for name, change := range map[string]func(*http.Request){
		"in the next attempt":         func(*http.Request) {},
		"under a precondition":        func(r *http.Request) { r.Header.Set("If-Match", `"1"`) },
		"with a refreshed token":      func(r *http.Request) { r.Header.Set("Authorization", "Bearer 2") },
		"with the host in upper case": func(r *http.Request) { r.Host = "API.Example.COM" },
		"over another version":        func(r *http.Request) { r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/2.0", 2, 0 },
		"in the absolute form":        func(r *http.Request) { r.URL.Scheme, r.URL.Host = "https", r.Host },
		"from another connection":     func(r *http.Request) { r.RemoteAddr = "192.0.2.1:1" },
		"without Content-Length":      func(r *http.Request) { r.ContentLength, r.TransferEncoding = -1, []string{"chunked"} },
	} {
		r := payment().request()
		change(r)
		assert.Equal(t, want, fingerprintOf(r, []byte(payment().body), nil), name)
	}
}

// TestFingerprintHasItsForm: another construction would answer a retry with
// key-reused that came from before the upgrade. It needs another label, and
// records that say which one they carry.
func TestFingerprintHasItsForm(t *testing.T) {
	target := "\x15concord fingerprint 1" + "\x04POST" + "\x0fapi.example.com" + "\x00" + "\x09/payments" + "\x07a=1&b=2"
	for name, test := range map[string]struct {
		content string
		got     fingerprint
	}{
		"bytes": {
			"\x01" + "\x01\x10application/json" + "\x0c" + `{"amount":1}`,
			payment().fingerprint(),
		},
		"a long body": {
			"\x01" + "\x00" + "\xe8\x07" + strings.Repeat("x", 1000),
			payment().with(func(a *asked) { a.types, a.body = nil, strings.Repeat("x", 1000) }).fingerprint(),
		},
		"parts": {
			"\x02" + "\x0emultipart/form" + "\x01\x01a\x01b" + "\x00" + "\x01" + "\x02\x01a\x011\x01x\x012" + "\x07content" + "\x00",
			payment().with(func(a *asked) {
				a.types = []string{"Multipart/Form; A=b; boundary=B"}
				a.body = "--B\r\nX: 2\r\nA: 1\r\n\r\ncontent\r\n--B--"
			}).fingerprint(),
		},
		"custom content": {
			"\x03" + "\x04made",
			fingerprintOf(payment().request(), nil, func(*http.Request, []byte) []byte { return []byte("made") }),
		},
	} {
		want := sha256.Sum256([]byte(target + test.content))
		assert.Equal(t, hex.EncodeToString(want[:]), hex.EncodeToString(test.got[:]), name)
	}
}

func TestFingerprintMadeByTheServer(t *testing.T) {
	constant := func(made string) func(*http.Request, []byte) []byte {
		return func(*http.Request, []byte) []byte { return []byte(made) }
	}
	t.Run("stands for content type and body", func(t *testing.T) {
		other := payment().with(func(a *asked) { a.types, a.body = []string{"text/plain"}, "another" })
		assert.Equal(t,
			fingerprintOf(payment().request(), []byte(payment().body), constant("x")),
			fingerprintOf(other.request(), []byte(other.body), constant("x")))
	})
	t.Run("tells content apart by what it returns", func(t *testing.T) {
		seen := distinct{}
		for _, made := range []string{"", "x", "y", strings.Repeat("x", 1000)} {
			seen.add(t, made, fingerprintOf(payment().request(), nil, constant(made)))
		}
	})
	t.Run("cannot leave out where the request goes", func(t *testing.T) {
		seen := distinct{}
		for name, change := range map[string]func(*asked){
			"nothing": func(*asked) {},
			"method":  func(a *asked) { a.method = "PUT" },
			"host":    func(a *asked) { a.host = "api.example.org" },
			"path":    func(a *asked) { a.url.Path = "/refunds" },
			"query":   func(a *asked) { a.url.RawQuery = "" },
		} {
			seen.add(t, name, fingerprintOf(payment().with(change).request(), nil, constant("x")))
		}
	})
	t.Run("is given the request and the body", func(t *testing.T) {
		r, body := payment().request(), []byte(payment().body)
		fingerprintOf(r, body, func(given *http.Request, content []byte) []byte {
			assert.Same(t, r, given)
			assert.Equal(t, body, content)
			return nil
		})
	})
	t.Run("leaves nothing behind when it panics", func(t *testing.T) {
		want := payment().fingerprint()
		for range 100 {
			assert.Panics(t, func() {
				fingerprintOf(payment().request(), nil, func(*http.Request, []byte) []byte { panic("custom") })
			})
			assert.Equal(t, want, payment().fingerprint())
		}
	})
	t.Run("cannot forge content of another kind", func(t *testing.T) {
		// What is digested behind the kind is the same in all three: only the
		// kind tells them apart.
		kinds := map[fingerprint]bool{}
		for _, kind := range []byte{contentBytes, contentParts, contentCustom} {
			d := takeDigest()
			d.addByte(kind)
			d.addBytes([]byte("the same"))
			kinds[d.sum()] = true
		}
		assert.Len(t, kinds, 3)
		plain := payment()
		custom := fingerprintOf(plain.with(func(a *asked) { a.types = nil }).request(), nil, constant(plain.body))
		assert.NotEqual(t, custom, plain.with(func(a *asked) { a.types = nil }).fingerprint())
	})
}

func TestFingerprintIsSafeForConcurrentUse(t *testing.T) {
	for i := range 8 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			mine := payment().with(func(a *asked) { a.body = strings.Repeat("x", 200*i) })
			want := mine.fingerprint()
			for range 200 {
				require.Equal(t, want, mine.fingerprint())
			}
		})
	}
}

var sinkFingerprint fingerprint

func TestFingerprintAllocatesNothing(t *testing.T) {
	for name, change := range map[string]func(*asked){
		"without a body":            func(a *asked) { a.types, a.body = nil, "" },
		"with a body of 1 KiB":      func(a *asked) { a.body = strings.Repeat("x", 1<<10) },
		"with a long query":         func(a *asked) { a.url.RawQuery = strings.Repeat("x", 4<<10) },
		"with a host in upper case": func(a *asked) { a.host = "API.EXAMPLE.COM" },
	} {
		a := payment().with(change)
		r, body := a.request(), []byte(a.body)
		assert.Zero(t, testing.AllocsPerRun(100, func() { sinkFingerprint = fingerprintOf(r, body, nil) }), name)
	}
}

// BenchmarkFingerprint stands beside the SHA-256 of the body alone, which it
// cannot be faster than.
func BenchmarkFingerprint(b *testing.B) {
	for _, size := range []int{0, 1 << 10, 64 << 10} {
		a := payment().with(func(a *asked) { a.body = strings.Repeat("x", size) })
		r, body := a.request(), []byte(a.body)
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				sinkFingerprint = fingerprintOf(r, body, nil)
			}
		})
		b.Run(fmt.Sprintf("%dKiB/SHA256", size>>10), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				sinkFingerprint = sha256.Sum256(body)
			}
		})
	}
	b.Run("64KiB/multipart", func(b *testing.B) {
		a := payment().with(func(a *asked) {
			a.types = []string{"multipart/form-data; boundary=0123456789abcdef"}
			a.body = "--0123456789abcdef\r\nContent-Disposition: form-data; name=\"f\"\r\n\r\n" +
				string(bytes.Repeat([]byte("x"), 64<<10)) + "\r\n--0123456789abcdef--\r\n"
		})
		r, body := a.request(), []byte(a.body)
		b.ReportAllocs()
		for b.Loop() {
			sinkFingerprint = fingerprintOf(r, body, nil)
		}
	})
}
