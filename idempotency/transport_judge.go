package idempotency

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"

	"github.com/concordhttp/concord/middleware/problem"
)

// judgement is what an answer means for the client.
type judgement uint8

const (
	answered judgement = iota // the caller's
	passing                   // the same request may be answered otherwise later
	refused                   // a conflict that no retry can help
)

// judgeAnswer judges an answer of that status, with the problem in it if it is a
// 409 or 422 that has one.
//
// A lock is retryable as its problem says, but it is a person who holds it, for
// minutes: the caller is told at once. Problems of no kind are not Concord's, or
// say no more than their status: they are an answer like any other.
func judgeAnswer(status int, p *problem.Problem) judgement {
	switch status {
	case http.StatusTooEarly, http.StatusTooManyRequests,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return passing
	case http.StatusConflict, http.StatusUnprocessableEntity:
	default:
		return answered
	}
	if p == nil || p.Kind == "" {
		return answered
	}
	switch p.Kind {
	case problem.KindRequestInFlight, problem.KindResourceBusy, problem.KindWriteConflict:
		return passing
	}
	return refused
}

// mayBeDone reports whether a request may have been done, or be done yet, that was
// answered so in passing.
func mayBeDone(status int, p *problem.Problem) bool {
	switch status {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return p != nil && p.Kind == problem.KindRequestInFlight
}

// mayPass reports whether a request that was not answered for that reason may be
// answered the next time. Whether it has arrived is not asked: the server knows it
// by its key.
func mayPass(ctx context.Context, err error) bool {
	if ctx.Err() != nil || errors.Is(err, context.Canceled) || errors.Is(err, errNoAnswer) || errors.Is(err, http.ErrSchemeMismatch) {
		return false
	}
	return !isOfTLS(err)
}

// isMalformed reports whether a request goes nowhere, however often it is sent.
func isMalformed(r *http.Request) bool {
	return r.URL == nil || r.URL.Scheme == "" || r.URL.Host == ""
}

// isOfTLS reports whether two sides cannot agree on a connection, which they will
// not do the next time either.
func isOfTLS(err error) bool {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return true
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return true
	}
	if _, ok := errors.AsType[tls.AlertError](err); ok {
		return true
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return true
	}
	if _, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		return true
	}
	_, ok := errors.AsType[x509.UnknownAuthorityError](err)
	return ok
}
