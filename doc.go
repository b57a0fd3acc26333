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
// # Where it goes
//
// Inside authentication and rate limits, because [Config.Principal] must know
// whom a request acts for, and their refusals are nobody's outcome. Outside
// routing, because the gate and the validator of a resource are found by its
// path. Inside compression, or tags would differ from what clients send back;
// see etag.Config.AcceptTransformed.
//
// # One server, or several
//
// Without a Store the Stack keeps everything in the memory of the process, which
// is right for one server that may forget on restart. Servers that share
// resources need a Store that they share.
package concord
