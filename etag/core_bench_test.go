package etag

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"
)

var bodySizes = []int{1 << 10, 64 << 10, 1 << 20}

func benchmarkBySize(b *testing.B, hash func(body []byte)) {
	b.Helper()
	for _, size := range bodySizes {
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			body := bytes.Repeat([]byte("x"), size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				hash(body)
			}
		})
	}
}

// BenchmarkSHA256 is what Of cannot be faster than.
func BenchmarkSHA256(b *testing.B) {
	benchmarkBySize(b, func(body []byte) { sha256.Sum256(body) })
}

func BenchmarkOf(b *testing.B) {
	benchmarkBySize(b, func(body []byte) { Of(body) })
}

func BenchmarkKeyed(b *testing.B) {
	h := mustKeyed(b, testSecret)
	benchmarkBySize(b, func(body []byte) { h.Sum(body) })
}

func BenchmarkParsePreconditions(b *testing.B) {
	browser := http.Header{
		"Accept": {"*/*"}, "Accept-Encoding": {"gzip"}, "Accept-Language": {"en"}, "Authorization": {"Bearer x"},
		"Cache-Control": {"no-cache"}, "Connection": {"keep-alive"}, "Content-Length": {"5"}, "Content-Type": {"text/plain"},
		"Cookie": {"a=b"}, "Dnt": {"1"}, "Origin": {"null"}, "Pragma": {"no-cache"},
		"Referer": {"/"}, "User-Agent": {"test"}, "X-Request-Id": {"1"},
	}
	with := func(fields http.Header) http.Header {
		h := maps.Clone(browser)
		maps.Copy(h, fields)
		return h
	}
	for _, bench := range []struct {
		name string
		h    http.Header
	}{
		{"none", browser},
		{"IfMatch", with(http.Header{"If-Match": {`"LPJNul-wow4m6Dsqxbning"`}})},
		{"IfNoneMatch", with(http.Header{"If-None-Match": {`W/"LPJNul-wow4m6Dsqxbning"`}})},
		{"IfModifiedSince", with(http.Header{"If-Modified-Since": {"Sun, 06 Nov 1994 08:49:37 GMT"}})},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ParsePreconditions(bench.h); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEvaluate(b *testing.B) {
	p := mustRead(b, http.Header{"If-Match": {`"old", "now"`}, "If-None-Match": {`"older"`}})
	s := State{Exists: true, Tag: mustParse(b, `"now"`), LastModified: time.Unix(784111777, 0)}
	b.ReportAllocs()
	for b.Loop() {
		if p.Evaluate(http.MethodPut, s).Verdict != Proceed {
			b.Fatal("does not proceed")
		}
	}
}

// BenchmarkHeaderBombs is the cost of a mebibyte of header in each of the six
// fields at once: 2 ms and 16 KiB are the most that may be.
func BenchmarkHeaderBombs(b *testing.B) {
	all := bombs()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		b.Run(name, func(b *testing.B) {
			h := bombHeader(all[name])
			b.ReportAllocs()
			for b.Loop() {
				p, _ := ParsePreconditions(h)
				p.transformed().Evaluate(http.MethodGet, State{Exists: true, Tag: FromVersion(1)})
			}
		})
	}
}
