// Package middleware is what Concord's layers share: composition, the question
// whom a request acts for, the events that an operator sees, and the one
// buffering response writer and the one reading of a request body of the
// project.
//
// Servers use [Chain], [Routes], [Principal] and [Observer]. [Exchange],
// [Recorder] and [Body] are for authors of layers.
package middleware
