package middleware

import (
	"net/http"
	"net/textproto"
	"strings"
)

// hopByHop are the fields that concern one connection (RFC 9110 section 7.6.1)
// and so belong neither to a replayed answer nor to a request made on behalf of
// another. Keep-Alive and Proxy-Connection are not standard, but sent.
var hopByHop = []string{
	"Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization",
	"Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

// DeleteHopByHop deletes the fields of h that concern one connection alone:
// the standard ones, and those that Connection names.
func DeleteHopByHop(h http.Header) {
	for _, line := range h["Connection"] {
		for name := range strings.SplitSeq(line, ",") {
			delete(h, textproto.CanonicalMIMEHeaderKey(textproto.TrimString(name)))
		}
	}
	for _, name := range hopByHop {
		delete(h, name)
	}
}

// representationOnly are the fields that describe the content of an answer. A
// 304 has none, and may be shown for content in another form than this one
// (RFC 9110 section 15.4.5).
var representationOnly = []string{
	"Content-Encoding", "Content-Language", "Content-Length", "Content-Range", "Content-Type", "Transfer-Encoding",
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
