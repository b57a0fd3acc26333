// Package etag ends lost updates. It puts an entity tag on what a server's
// handlers answer to GET, and judges If-Match and the other preconditions of
// RFC 9110 section 13 before a handler that writes is run, so that an editor
// whose copy is stale is told so instead of overwriting the newer version.
//
//	layer, err := etag.New(etag.Config{
//		Require: middleware.Routes("PUT /documents/{id}", "DELETE /documents/{id}"),
//	})
//	…
//	http.ListenAndServe(addr, layer.Handler(mux))
//
// # What happens to a request
//
// A GET is answered with an ETag: the handler's own, or a hash of the body. If
// the client sent If-None-Match or If-Modified-Since and holds that version
// already, it gets 304.
//
// A write (PUT, PATCH, DELETE, LOCK, and any other unsafe method that carries a
// precondition; see [GateAll]) passes the gate of its resource, so that one write
// of it runs at a time, between all servers that share a store. Inside the gate
// the current validator is found out, by Config.Current or else by asking the
// wrapped handler with a GET on the client's behalf, and the preconditions are
// judged. If one is false the answer is 412 and the handler does not run. Check
// and write are one step because nobody else passes the gate between them.
//
// # Rules of composition
//
//   - Authentication MUST stand outside the layer: a precondition answers a
//     question about the resource, and with Config.Current it is answered
//     before the handler has looked at who asks.
//   - A database transaction MUST begin and commit inside it. Committed after
//     the gate has opened, it lets a second writer read the old version. One of
//     package idempotency that stands outside is noticed, and the write refused.
//   - Without Config.Current the layer MUST wrap a whole router from outside,
//     since it asks what it wraps with a GET. Inside, there is nobody to ask: the
//     handler of a route of one method would run the write in answer, and a router
//     such as chi, on which the layer is registered with Use, keeps its route where
//     the question would change it. Both are refused with validator-missing, if
//     the router sets [http.Request].Pattern as [http.ServeMux], chi and echo 5
//     do. Of others, such as gorilla/mux and httprouter, nothing can be told: give
//     Current there.
//     middleware/ginadapter and middleware/echoadapter have such questions
//     answered by the whole router.
//   - Nothing inside may answer a GET from a cache: what is judged would be
//     older than the last write. The question says Cache-Control: no-cache.
//   - What rewrites the method of a request SHOULD stand outside.
//   - Compression SHOULD stand outside. It changes tags on their way out, which
//     Config.AcceptTransformed takes back on their way in.
//   - [http.TimeoutHandler] SHOULD stand outside: inside, it answers while the
//     handler it gave up on goes on writing, and the gate has opened.
//
// # Limits
//
// Bodies of requests that pass the gate, and answers that are hashed, are held
// in memory up to Config.MaxBody; a larger request is refused with 413. A larger
// answer, or one that its handler flushes, is sent on as it is written, without
// a tag, and a precondition of its GET that only the tag could decide is not
// judged. A list of entity tags may be [MaxFieldBytes] long and have
// [MaxListTags] members; a request with preconditions may have 128 fields of
// different names.
//
// What is promised holds as long as handlers stop when their context ends: one
// that goes on after its lease was lost can overlap with its successor. It can
// tell by the fencing token, [Check].Token, if the database compares it.
//
// # The client side
//
// [Update] reads a resource, changes it and writes it with If-Match, and does so
// again where somebody else was faster: from any server that sends strong entity
// tags. [Client] says how it sends its requests.
package etag
