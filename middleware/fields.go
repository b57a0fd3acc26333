package middleware

import (
	"net/http"
	"net/textproto"
	"slices"
	"strings"
)

// hopByHop are the fields that concern one connection (RFC 9110 section 7.6.1)
// and so belong neither to a replayed answer nor to a request made on behalf of
// another. Keep-Alive and Proxy-Connection are not standard, but sent.
var hopByHop = []string{
	"Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization",
	"Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

// maxConnection is how much of a Connection field is read, in bytes. A longer
// one names nothing, since nobody sends that but to keep a server busy.
const maxConnection = 1 << 10

// DeleteHopByHop deletes the fields of h that concern one connection alone:
// the standard ones, and those that Connection names, unless it is longer than
// 1 KiB.
func DeleteHopByHop(h http.Header) {
	named := h["Connection"]
	if !Shorter(named, maxConnection) {
		named = nil
	}
	for _, line := range named {
		for name := range strings.SplitSeq(line, ",") {
			delete(h, textproto.CanonicalMIMEHeaderKey(textproto.TrimString(name)))
		}
	}
	for _, name := range hopByHop {
		delete(h, name)
	}
}

// IsHopByHop reports whether the field called name concerns one connection
// alone, of those that are sent together with it in h; see [DeleteHopByHop].
func IsHopByHop(name string, h http.Header) bool {
	if slices.Contains(hopByHop, name) {
		return true
	}
	named := h["Connection"]
	if len(named) == 0 || !Shorter(named, maxConnection) {
		return false
	}
	for _, line := range named {
		for option := range strings.SplitSeq(line, ",") {
			if textproto.CanonicalMIMEHeaderKey(textproto.TrimString(option)) == name {
				return true
			}
		}
	}
	return false
}

// Shorter reports whether all lines of a field together are no longer than
// limit, in bytes, a line break for each line included.
func Shorter(lines []string, limit int) bool {
	for _, line := range lines {
		if limit -= len(line) + 1; limit < 0 {
			return false
		}
	}
	return true
}

// representationOnly are the fields that describe the content of an answer. A
// 304 has none, and may be shown for content in another form than this one
// (RFC 9110 section 15.4.5).
var representationOnly = []string{
	"Content-Encoding", "Content-Language", "Content-Length", "Content-Range", "Content-Type",
	"Trailer", "Transfer-Encoding",
}

// deleteContentFields makes h fit a 304. What a cache needs to refresh what it
// holds (ETag, Cache-Control, Vary, Expires, Content-Location), and what every
// answer needs (Set-Cookie, CORS), stays.
func deleteContentFields(h http.Header) {
	for _, name := range representationOnly {
		delete(h, name)
	}
	if len(h["Etag"]) > 0 {
		delete(h, "Last-Modified") // the weaker validator says nothing more
	}
}
