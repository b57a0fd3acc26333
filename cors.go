package concord

// What a page on another origin may send and read is decided by the server's
// CORS middleware, by lists of names. These are the names that Concord adds.
// Without them a browser's preflight fails, or the answer arrives without its
// ETag; docs/browsers.md shows how libraries take them.

// CORSRequestFields returns the request fields that Concord reads and that a
// browser does not let a page send to another origin unless the server allows
// it: none of them is safelisted by the Fetch standard. They go where a CORS
// middleware lists allowed request headers (Access-Control-Allow-Headers).
//
// Content-Type is not among them, though a page that sends JSON needs it, and
// nor is Authorization: these are the server's own. A server that reads keys
// from a field of another name (idempotency.Config.Header) adds that.
//
// Of methods, a page may use GET, HEAD and POST as it is. PUT, PATCH and DELETE
// have to be allowed, and so have LOCK and UNLOCK with [Config].Lock.
//
// The slice is the caller's own. It is in alphabetical order.
func CORSRequestFields() []string {
	return []string{
		"Idempotency-Key",
		"If-Match",
		"If-None-Match",
		"If-Unmodified-Since", // see etag.Config.AllowDates
		"Lock-Token",
		"Prefer",  // return=representation: a 412 with the current representation
		"Timeout", // of LOCK
	}
}

// CORSResponseFields returns the response fields by which Concord tells clients
// something and that a browser hides from a page on another origin unless the
// server exposes them. They go where a CORS middleware lists exposed headers
// (Access-Control-Expose-Headers). The body of a problem needs no such
// permission: it says itself what its fields say, but for Retry-After.
//
// A server that marks replays by a field of another name
// (idempotency.Config.ReplayField) adds that.
//
// The slice is the caller's own. It is in alphabetical order.
func CORSResponseFields() []string {
	return []string{
		"Cache-Status", // whether a read was shared
		"ETag",
		"Idempotency-Replayed",
		"Link", // of a problem: the page that explains it
		"Location",
		"Lock-Token",
		"Preference-Applied", // of a problem with the current representation
		"Retry-After",
		"Timeout", // of LOCK: what was granted
	}
}
