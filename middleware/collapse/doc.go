// Package collapse answers identical reads that come at the same time by one
// run of the handler. When a hundred dashboards ask for the same slow report,
// it is made once.
//
//	layer, err := collapse.New(collapse.Config{Principal: whoAsks})
//	…
//	http.ListenAndServe(addr, layer.Handler(mux))
//
// Nothing is cached: an answer is shared by those that asked while it was made,
// and then forgotten.
//
// # Which requests are identical
//
// GETs, and HEADs, with the same method, scheme, host, path, query, principal
// and the same lines of every field, but for a short list that [Neutral] gives
// (User-Agent, tracing, the connection, If-None-Match and If-Modified-Since).
// If the answer's Vary names one of those, it is shared only by requests that
// agree on it. A field that is not listed tells callers apart, whatever it is
// called: a caller known by X-Api-Key shares with nobody else.
//
// No part is taken in by requests with a body, Range, If-Range, If-Match,
// If-Unmodified-Since or Upgrade; by those that say no-cache or no-store, or
// ask for an event stream; by those whose Connection names other fields; and by
// callers who are not known: those with a client certificate and no
// Config.Principal, and those for whom the Principal returns an error or "".
//
// X-Forwarded-For, Forwarded and Via are part of the key, as is every field that
// proxies add. Behind one that adds them nobody shares with another client,
// unless Config.Neutral names them, which it may if the handler does not look at
// them.
//
// # What happens to a request
//
// The first of its kind, the leader, runs the handler, in its own goroutine,
// without the conditions that its client sent. Those that come meanwhile follow:
// they wait, and get a copy of its answer with the field
//
//	Cache-Status: concord; fwd=miss; collapsed
//
// (RFC 9211). Not shared are answers with Set-Cookie, with private or no-store
// in Cache-Control, with Vary: *, with trailers, and 304 and 206, nor any for
// which the handler set a deadline of its connection; those that
// wait then run for themselves, all at once, and for Config.Uncollapsible nobody
// waits for this kind of request. They run for themselves as well when the
// leader's handler panics, when they waited for Config.MaxWait, and when too
// many wait. Their answer says collapsed=?0.
//
// The handler's context has the values of the leader's, and outlives its client
// as long as somebody waits. It tells no deadline, but ends after Config.MaxRun,
// unless the answer has begun to be sent, and at the deadline of the leader's
// context if nobody else waits; its error is then [context.DeadlineExceeded].
//
// An answer that is flushed, or says that it is longer than Config.MaxBody, is
// sent to those that wait while it is written; later requests begin anew. One
// that says that it is longer than twice MaxBody, or grows past MaxBody without
// having said how long it is, is not shared, and nor is a flushed one of unknown
// length of which the leader sent a condition.
//
// Whoever takes a flushed answer more slowly than the handler writes it can fall
// behind, and is then cut off as a broken connection would be, never with an
// answer that looks complete. So are they all if the handler panics in the
// middle, or takes the connection, and if the leader's client takes nothing for
// Config.MaxWait, or up to twice that; those to whom nothing was sent so far run
// for themselves. To cut a client off, the layer sets a write deadline that has
// passed, and panics with [http.ErrAbortHandler]: what recovers outside cannot
// end the answer cleanly, if the server has write deadlines.
//
// Trailers that a flushed answer has without declaring them (with
// [http.TrailerPrefix]) reach everybody; what declares them in Trailer is not
// shared. A deadline of its connection that a handler sets only after the first
// flush is the leader's alone: the others keep the server's.
//
// A write (every method that is not safe) ends the sharing of reads of its
// resource that began before it returned: a client reads its own writes. Those
// that wait already get what they asked for at the time.
//
// # Rules of composition
//
//   - Authentication MUST stand outside the layer. What it finds out about the
//     caller from anything but fields, such as an address or a certificate, MUST
//     be in the principal.
//   - Handlers whose answer depends on the client's address MUST NOT be wrapped
//     without a Principal that contains it.
//   - Conditions (package etag) SHOULD stand outside, and generate tags inside:
//     each client's condition is then judged by the one tag. Without them, a
//     client that sends If-None-Match gets the whole answer.
//   - Writes and reads of a resource MUST pass the same Layer, or reads do not
//     know of writes. Several servers do not know of each other's.
//   - [http.TimeoutHandler] SHOULD stand inside: its answer is then one for all.
//     Outside, it ends the leader's request alone, and those that wait each at a
//     time of their own. It takes no flush, so nothing inside it is a stream.
//   - Where package etag stands outside, it runs the handler of a HEAD as for a
//     GET, and drops the body: such a leader writes a flushed answer as fast as
//     the handler can, and those that read along fall behind sooner.
//   - Whatever sets fields of one client alone, such as X-Request-Id, CORS or
//     rate limits, SHOULD stand outside. What was set before the layer ran is
//     not shared.
//   - Compression MUST stand outside, or say Vary: Accept-Encoding as it should;
//     Accept-Encoding is part of the key in any case.
//
// # Limits
//
// Of a run that somebody waits for, at most Config.MaxBody bytes of its answer
// are held, or twice as much once it is sent while it is written, however many
// share it. A layer further in that buffers more (package etag may, to hash an
// answer) makes that the limit.
//
// A write that began when no run could be joined, and ends when some can, ends
// the sharing of all of them, whatever they are about: nobody asked for its
// resource when it began, and its handler may have changed the path since.
//
// If a write's answer reaches the client before the write's handler has
// returned, a read that the client then sends can still join a run from before.
// Package etag's gate, outside of this layer, holds answers back until then.
package collapse
