// Package ginadapter puts Concord's layers, or any other middleware of
// net/http, into the chain of a gin route or group.
//
//	orders := engine.Group("/orders", authenticate, ginadapter.Wrap(engine, stack.Handler))
//	orders.GET("/:id", get)
//	orders.PUT("/:id", put)
//
// For one configuration of everything it is not needed: a gin.Engine is an
// [http.Handler], and stack.Handler(engine) protects all of it. Set the Engine's
// HandleMethodNotAllowed then. Otherwise gin answers 404 to the question for the
// validator of a path that has routes, but none for GET. That says that there is no
// such resource, and lets a write with If-None-Match: * through to one that there
// is. [Wrap] asks only where there is a GET route.
//
// # Rules of composition
//
//   - What finds out who asks MUST stand outside, before [Wrap] in the chain.
//   - GET and the writes of a resource SHOULD be in the same group, or reads get
//     no entity tag, and no read knows of a write.
//   - Middleware that makes answers of the errors in c.Errors MUST stand inside,
//     after [Wrap] in the chain: outside of it the answer is recorded already.
//     An error of a chain that has set no status and written nothing is
//     otherwise answered by [Wrap], as a problem (see [problem.From]).
//   - [gin.Recovery] SHOULD stand outside. Inside, it makes an answer of a panic,
//     and what a keyed request has done is no longer unknown but failed.
//   - Compression SHOULD stand outside, as it does of every other handler.
//   - [gin.Engine.HandleContext] MUST NOT be called inside: it begins a chain with
//     a writer of its own, and the layers would see an empty answer. [Wrap] panics
//     then.
//   - With edit locks, LOCK and UNLOCK MUST have routes in the group too, or gin
//     answers them. The layers do, and the handlers of these routes never run.
//   - Inside, take the context of the layers from c.Request.Context(), unless
//     gin's Engine.ContextWithFallback is set.
//
// gin sends the status of an answer with the first byte of it. Inside, that is
// when the layers see it; outside, their answer is committed (Written) by the end
// of [Wrap], also if it has no body, and nothing later can change its status.
package ginadapter
