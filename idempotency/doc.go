// Package idempotency makes a request that is sent again run once: a client
// that lost the answer repeats it with the same Idempotency-Key and gets the
// first answer.
package idempotency
