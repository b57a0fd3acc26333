// Package problem answers conflicts between HTTP requests in one standard way:
// problem details as of RFC 9457, which say which conflict it is, whether the
// same request can succeed later, and what the client should do next.
//
// A handler returns a problem as an error, and a [Responder] answers with it:
//
//	http.Handle("PUT /seats/{id}", problem.Responder(nil).HandlerFunc(
//		func(w http.ResponseWriter, r *http.Request) error {
//			if taken {
//				return problem.StateConflict("Seat 12 is taken.")
//			}
//			...
//		}))
//
// Errors of databases become problems by [FromSQL], which [Responder.HandlerFunc]
// applies by itself: a unique violation is answered as [KindDuplicate], a
// deadlock as [KindWriteConflict]. Any other error is answered as
// [KindInternal], and its text stays on the server.
//
// # Three statuses that are easily mixed up
//
// 412: the validator that the client sent is stale. 409: nothing is wrong with
// the request as such; it met another request, or the state of the resource,
// and the member "retryable" says whether waiting can help. 428: the client
// sent no validator, and this resource wants one.
//
// # What is never sent
//
// [Problem.Err] is never rendered, nor is the detail of [KindInternal], nor any
// text or value of an SQL error. Names of constraints are sent only by a
// [Renderer] that has ShowConstraints set. Details, titles and extensions are
// sent as they are: what a server puts there, clients read.
//
// Everything in this package is safe for concurrent use. Rendering never
// writes to a [Problem], so one may be a variable that all requests share.
package problem

//go:generate go test -run ^TestPublishedPageIsCurrent$ . -update
