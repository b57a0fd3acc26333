// Package middleware is what Concord's layers share: composition, the question
// whom a request acts for, the events that an operator sees, and the one
// buffering response writer and the one reading of a request body of the
// project.
//
// Servers use [Chain], [Routes], [Principal] and [Observer]. [Exchange],
// [Recorder] and [Body] are for authors of layers.
//
// # Events
//
// An [Observer] is told what the layers decide. [Log] is one that writes it down:
//
//	debug  passed, not-modified, replayed, collapsed, locked, unlocked
//	info   refused: a problem in place of the handler; Event.Problem is its kind
//	warn   unknown: the handler ran, and nobody knows how that ended
//	       lost: what kept others out was lost while the handler ran
//	       forgotten: too many outcomes are unknown, the oldest one's key is free
//	error  failed: the store, the question for the validator, the handler
//
// "Lost" and "unknown" are worth an alarm. Of each, Event.Key or Event.Resource
// says of what; no event has a key or a principal in clear. Conflicts that a
// handler finds and answers itself are no events: only its errors from status
// 500 on are.
package middleware
