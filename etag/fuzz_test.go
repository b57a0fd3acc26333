package etag

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// FuzzParseTag holds Parse and normalise against the grammar of the RFC.
func FuzzParseTag(f *testing.F) {
	f.Add(`"xyzzy"`)
	f.Add(`W/"xyzzy"`)
	f.Add("\" \\\"\xff")
	f.Fuzz(func(t *testing.T, value string) {
		tag, err := Parse(value)
		trimmed := strings.Trim(value, " \t")
		require.Equal(t, oracleTag.MatchString(trimmed) && len(value) <= MaxFieldBytes, err == nil)
		if err != nil {
			require.Equal(t, Tag{}, tag)
		} else {
			require.Equal(t, trimmed, tag.String())
			mark := ""
			if tag.IsWeak() {
				mark = "W/"
			}
			require.Equal(t, trimmed, mark+`"`+tag.Opaque()+`"`)
			require.True(t, WeakMatch(tag, tag))
			require.Equal(t, !tag.IsWeak(), StrongMatch(tag, tag))
		}
		if version, ok := tag.Version(); ok {
			require.Equal(t, tag, FromVersion(version))
		}
		if made, ok := normalise(value); ok {
			again, wrong := Parse(made.String())
			require.NoError(t, wrong)
			require.Equal(t, made, again)
			require.True(t, err != nil || made == tag, "a valid tag is taken as it is")
		}
	})
}

// FuzzParsePreconditions holds lists against the RFC's grammar, and against
// package net/http where that is right: one line, well-formed and not empty.
// Lines are split at line feeds.
func FuzzParsePreconditions(f *testing.F) {
	f.Add(`"a", W/"b"`, `"a"`)
	f.Add(`*`, `W/"a"`)
	f.Add("\"a\"\n\"b,c\",,", `"b,c"`)
	f.Fuzz(func(t *testing.T, value, now string) {
		lines := strings.Split(value, "\n")
		want := oracleReadList(lines)
		for _, field := range []string{"If-Match", "If-None-Match"} {
			h := http.Header{field: lines}
			p, err := ParsePreconditions(h)
			require.Equal(t, want.malformed, err != nil, "%q", lines)
			l := p.ifMatch
			if field == "If-None-Match" {
				l = p.ifNoneMatch
			}
			require.Equal(t, want.star, l.star)
			require.True(t, slices.EqualFunc(want.tags, l.tags, func(text string, tag Tag) bool { return tag.String() == text }))
			if err != nil || len(lines) != 1 {
				continue
			}
			tag, err := Parse(now)
			if err != nil {
				continue
			}
			for _, method := range []string{"GET", "HEAD", "PUT"} {
				require.Equal(t, statusOfServeContent(method, h, tag), statusOf(p.Evaluate(method, State{Exists: true, Tag: tag})),
					"%s %v against %v", method, h, tag)
			}
		}
	})
}

func statusOfServeContent(method string, h http.Header, tag Tag) int {
	w := httptest.NewRecorder()
	w.Header().Set("ETag", tag.String())
	r := httptest.NewRequest(method, "/", http.NoBody)
	r.Header = h
	http.ServeContent(w, r, "a.txt", time.Time{}, strings.NewReader("content"))
	return w.Code
}

func statusOf(r Result) int {
	switch r.Verdict {
	case Failed:
		return http.StatusPreconditionFailed
	case NotModified:
		return http.StatusNotModified
	}
	return http.StatusOK
}

// FuzzEvaluate holds the evaluator against the slow one. The header is written
// as it goes over the wire.
func FuzzEvaluate(f *testing.F) {
	f.Add("PUT", "If-Match: \"a\"\nIf-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT", true, `"a"`, int64(784111777), uint32(1))
	f.Add("GET", "If-None-Match: W/\"a\"\nIf-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT", true, `"a"`, int64(784111777), uint32(0))
	f.Add("GET", "Range: bytes=0-1\nIf-Range: Sun Nov  6 08:49:37 1994", true, `W/"a"`, int64(784111777), uint32(999_999_999))
	f.Add("DELETE", "If-Match: *\nIf-None-Match: \"b\"", false, ``, int64(0), uint32(0))
	f.Fuzz(func(t *testing.T, method, wire string, exists bool, now string, modified int64, fraction uint32) {
		h := http.Header{}
		for line := range strings.SplitSeq(wire, "\n") {
			if name, value, ok := strings.Cut(line, ":"); ok {
				h.Add(name, value)
			}
		}
		tag, _ := Parse(now)
		s := State{Exists: exists, Tag: tag}
		if modified >= 0 && modified < 1<<37 { // the years that an HTTP-date can say
			s.LastModified = time.Unix(modified, int64(fraction%1_000_000_000))
		}
		p, err := ParsePreconditions(h)
		want := readAsTheRFCSays(h)
		require.Equal(t, want.ifMatch.malformed || want.ifNoneMatch.malformed, err != nil)
		verdict, field := want.judge(method, oracleStateOf(s))
		got := p.Evaluate(method, s)
		require.Equal(t, verdict, got.Verdict.String(), "%s %v against %+v", method, h, s)
		require.Equal(t, field, got.Field)
		require.Equal(t, got.Verdict == Proceed, got.Field == "")
		if got != (Result{Verdict: Proceed}) {
			require.True(t, p.hasAny(method), "what decides can be seen beforehand")
		}
	})
}

// FuzzKeyed holds the hasher against its definition, and changes each body in
// ways that a careless universal hash would miss.
func FuzzKeyed(f *testing.F) {
	h := mustKeyed(f, testSecret)
	f.Add([]byte(""), 0)
	f.Add([]byte("0123456789abcdef"), 3)
	f.Add(make([]byte, 129), 700)
	f.Fuzz(func(t *testing.T, body []byte, bit int) {
		if len(body) > 1<<12 {
			return // the definition is computed bit by bit
		}
		original := bytes.Clone(body)
		tag := h.Sum(body)
		require.Equal(t, original, body, "the body is read only")
		require.Equal(t, tag, h.Sum(original))
		require.Equal(t, slowKeyed(testSecret, body), tag.String())
		require.NotEqual(t, tag, h.Sum(append(original, 0)), "a zero byte behind")
		require.NotEqual(t, tag, h.Sum(append([]byte{0}, original...)), "a zero byte in front")
		if len(original) > 0 {
			at := int(uint(bit) % uint(8*len(original)))
			original[at/8] ^= 1 << (at % 8)
			require.NotEqual(t, tag, h.Sum(original), "one bit")
		}
	})
}
