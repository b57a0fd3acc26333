// Package idempotency makes a request that is sent again run once. A client that
// lost the answer repeats the request with the same Idempotency-Key and gets the
// first answer; the handler ran once.
//
//	layer, err := idempotency.New(idempotency.Config{Principal: subject, Store: shared})
//	http.ListenAndServe(addr, authenticate(layer.Handler(mux)))
//
// # Where it goes
//
// Inside authentication and rate limits: their refusals must not be recorded,
// and [Config.Principal] must know whom the request acts for, since a key is
// its principal's alone. Outside everything that looks at the state of a
// resource, preconditions above all: the retry of a PUT with If-Match that was
// done must get its 200, not a 412 about its own success. Compression goes
// outside of the layer: what is recorded in one encoding is replayed in it,
// whatever the retry accepts.
//
// Headers that middleware outside of the layer sets on every answer are not
// recorded; it sets them anew on a replay.
//
// # What is recorded
//
// One record for each key: claim and outcome are the same record, so that a key
// is never free while an outcome is missing. Before the handler runs the claim
// is written, and renewed while it runs. When it has ended, the outcome takes
// the claim's place, and then the answer goes out. [DefaultKeep] says which
// answers are outcomes and which leave the key free. Refusals that Concord made
// before the handler ran are never recorded, so that the corrected request can
// use its key.
//
// The handler's context does not end when the client hangs up. It has the
// request's values, and ends when the claim is lost or after [Config.MaxRun].
// An answer that the handler flushes is recorded while it passes. Trailers are
// not recorded, nor is what middleware adds to an answer outside of
// [Layer.Run] once a transaction has committed.
//
// The layer reads the body of a request whole, to tell it from another one under
// the same key. What reads the body outside of it must put it back; forms that
// were parsed there are taken as they were parsed.
//
// # What a retry gets after a crash
//
// The server that ran the request is dead, and its claim stands without an
// outcome. Nobody can know what the handler had done.
//
//   - [Refuse], the default: 409 outcome-unknown, until an operator settles it
//     with [Layer.Resolve]. At most one run within the TTL.
//   - [Rerun]: it runs again, once the lease that the dead owner stated is over.
//     Two runs never overlap if handlers stop when their context ends.
//   - [Config.Transactional]: it runs again, and nothing was done before: the
//     outcome commits together with what the handler wrote, and the transaction
//     of a dead owner can no longer commit. Exactly once.
//
// Panics, hijacked connections, and 502, 503 and 504 without Retry-After are
// treated as a crash is: the handler may have done its work. In a transaction
// they are rolled back.
//
// # What is not promised
//
// An outcome is kept for [Config.TTL]; a request that comes again later runs
// again. So does one that acts for another principal by then: name the
// authenticated subject, not its token. An owner that ignores its context, or
// whose process is paused between looking at it and writing, can overlap with
// its successor under Rerun; [Attempt.Token] is for what can check it. Effects
// outside of the transaction are not part of it. Of unknown outcomes,
// [Config.MaxUnknown] are kept. The store's own promises come first: what it
// forgets, nobody remembers.
//
// # Security
//
// Keys and principals are digested before they reach a store, a log or an
// event. What one principal was answered, another never gets. The digest of a
// request is stored too: seal the records ([Config.Seal]) where its content can
// be guessed. Fields that belong to one exchange are neither stored nor
// replayed: Set-Cookie, fields of the connection, Date, Age, challenges and rate
// limits.
//
// # The client side
//
// [Transport] is an [http.RoundTripper] that gives each operation one key and sends
// it again under that when its answer is lost, to any server that knows the field.
// [WithKey] names the key where an operation has to outlive the program.
package idempotency
