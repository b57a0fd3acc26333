// Package linearize checks that a store is linearizable: that what concurrent
// clients were told could have come from steps taken one at a time, each at
// some instant between its call and its reply.
//
// Package storetest checks rule by rule, and finds what somebody thought of.
// This package throws random steps of many clients at a few keys, writes down
// every call and reply, and has porcupine search for an order that explains
// them; it finds races that nobody thought of, and cannot say which rule they
// broke.
//
// It is a module of its own, so that nobody who imports Concord gets porcupine
// with it.
package linearize
