package idempotency

import (
	"net/http"
	"testing"
)

func BenchmarkCodec(b *testing.B) {
	fields := []field{
		{"Content-Type", []string{"application/json"}},
		{"Content-Length", []string{"1024"}},
		{"Cache-Control", []string{"no-store"}},
		{"Etag", []string{`"5f2b8f3c9a7d4e10"`}},
		{"Location", []string{"/payments/8e03978e-40d5-43dd-bc93-6894a57f9324"}},
		{"X-Request-Id", []string{"8e03978e-40d5-43dd-bc93-6894a57f9324"}},
	}
	body := make([]byte, 1024)
	n := note{state: kept, fingerprint: someFingerprint, started: someTime, status: 201, location: "/payments/8e03978e-40d5-43dd-bc93-6894a57f9324"}
	for which, c := range codecs(b) {
		if which != "unsealed" && which != "sealed" {
			continue
		}
		run := func(name string, f func()) {
			b.Run(name+", "+which, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					f()
				}
			})
		}
		plain := c.claim(nil, someKey, n)
		stored, recorded := c.outcome(nil, someKey, n, fields, body)
		read, err := c.readNote(someKey, stored)
		if err != nil {
			b.Fatal(err)
		}
		into := http.Header{}
		run("claim", func() { c.claim(nil, someKey, n) })
		run("outcome", func() { c.outcome(nil, someKey, n, fields, body) })
		run("reading a claim", func() { c.readNote(someKey, plain) })
		run("reading a note", func() { c.readNote(someKey, stored) })
		run("reading a body", func() { c.readBody(someKey, read, recorded, into) })
	}
}
