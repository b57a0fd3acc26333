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
// The model is a register per key: which record stands, by version and nonce,
// and the greatest version that the key ever had, which is carried from chunk
// to chunk. Time is no part of it, nor is room: nothing is checked of TTL, Age,
// expiry and sweeping, and a body that was dropped is taken as the store says.
// A call that fails ends the check, since nobody knows whether its step
// happened; so crashes, restarts and lost replies are not modelled, and neither
// are calls that are delivered twice.
//
// It is a module of its own, so that nobody who imports Concord gets porcupine
// with it.
package linearize
