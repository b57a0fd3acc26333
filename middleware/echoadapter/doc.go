// Package echoadapter puts Concord's layers, or any other middleware of
// net/http, into the chain of an echo route or group (version 4 of echo).
//
//	orders := e.Group("/orders", authenticate, echoadapter.Wrap(stack.Handler))
//	orders.GET("/:id", get)
//	orders.PUT("/:id", put)
//
// For one configuration of everything it is not needed: an Echo is an
// [http.Handler], and stack.Handler(e) protects all of it.
//
// echo's own WrapMiddleware does not do here. An error that the handler returns
// is answered when the layers have let the answer go: they record an empty 200
// for an operation that failed. And it leaves behind the response that it has
// put into the context. Nor is there anybody to ask for the validator of a
// resource but the handler of the write.
//
// # Rules of composition
//
//   - What finds out who asks MUST stand outside, before [Wrap] in the chain.
//   - GET and the writes of a resource SHOULD be in the same group, or reads get
//     no entity tag, and no read knows of a write.
//   - Echo.HTTPErrorHandler is called with the handler's error inside of the
//     layers. The error is returned outside as well, for what logs and traces
//     it: a handler of one's own MUST look at c.Response().Committed first, as
//     echo's documentation says.
//   - Middleware that makes another error of the one that it is returned, as
//     middleware.ContextTimeout makes 503 of a deadline, MUST stand inside:
//     outside of the layers that error is answered already.
//   - The deprecated middleware.Timeout MUST NOT stand outside: it drops what was
//     answered if there is an error as well, and clients get an empty 200.
//   - middleware.Recover SHOULD stand outside. Inside, it makes an answer of a
//     panic, and what a keyed request has done is no longer unknown but failed.
//   - Compression SHOULD stand outside, as it does of every other handler.
package echoadapter
