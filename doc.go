// Package concord protects an HTTP server that exists already: concurrent and
// repeated requests stop damaging its data.
//
//	stack, err := concord.New(concord.Config{Principal: subject})
//	http.ListenAndServe(addr, authenticate(stack.Handler(mux)))
//
// The [Stack] puts all layers in the one right order:
//
//	claim       Idempotency-Key: a repeated request gets the first answer      (package idempotency)
//	conditions  If-Match and its neighbours, judged before the handler runs    (package etag)
//	lock        edit locks, if Config.Lock is set                              (package middleware/lock)
//	collapse    identical reads share one run of the handler                   (package middleware/collapse)
//	generate    an entity tag for each answer to GET                           (package etag)
//	run         the transaction, if Idempotency.Transactional                  (package idempotency)
//
// Each layer can be had by itself, with the same configuration; whoever puts
// them together by hand should keep this order, since every arrow of it stops
// a fault. The claim is outside preconditions: the retry of a PUT that was done
// must get its 200, not a 412 about its own success. The transaction is inside
// the gate: committed after it opens, a second writer would pass the check with
// the old version. Locks are looked at inside the gate: a write that waits there
// must not land under a lock taken meanwhile. Conditions are judged outside of
// collapsing, for each client by itself: a 304 is one client's. The tag is made
// inside: one hash serves all.
//
// # Rules of composition
//
//   - Authentication and rate limits MUST stand outside of the Stack:
//     [Config.Principal] has to know whom a request acts for, and their refusals
//     are nobody's outcome.
//   - The Stack MUST stand outside of the router, around all of it, and not be one
//     of its middlewares: gate and validator of a resource are found by its path,
//     and the layers ask for the current version with a GET of their own. A Stack
//     for some routes alone is made by [Stack.With], around a router of theirs.
//   - A transaction of the handler MUST begin and commit inside, as one of
//     Idempotency.Transactional does.
//   - Compression SHOULD stand outside, or tags differ from what clients send
//     back; see etag.Config.AcceptTransformed.
//   - CORS SHOULD stand outside, of authentication too: what the Stack answers by
//     itself needs its fields. [CORSRequestFields] and [CORSResponseFields] are
//     what it has to be told.
//   - Caches MUST NOT stand inside.
//   - Handlers MUST stop when the context of their request ends, and answer with an
//     error then: what kept others out may be lost. That of a request with a key
//     does not end because its client is gone.
//
// # What clients see
//
//	412  the version that the request names is stale    fetch, change, send anew
//	428  the request names no version, and has to       fetch, send If-Match
//	409  it met another request, or the state of things the member retryable says which
//	422  the key came with another request before       a new key
//	503  the store, or the validator, cannot be had     again, after Retry-After
//
// Every refusal is a problem detail (RFC 9457) of package middleware/problem, which
// has a kind for each reason. A write that was refused has not run. An answer with
// Idempotency-Replayed is that of an earlier request with the same key.
//
// # One server, or several
//
// Without a Store the Stack keeps everything in the memory of the process, which
// is right for one server that may forget on restart. Servers that share
// resources need a Store that they share: store/sqlstore, store/redisstore or
// store/natsstore.
//
// # When something is wrong
//
// [Log] as the Observer writes what each layer decides: refusals at level info,
// lost leases and unknown outcomes at warn, failures at error, everything else at
// debug. What is "outcome-unknown" an operator settles with Resolve of
// [Stack.Idempotency]. The folder docs of the repository has pages on choosing a
// mode, on running several servers, and on troubleshooting a 409.
package concord
