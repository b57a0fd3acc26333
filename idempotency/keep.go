package idempotency

import "net/http"

// DefaultKeep is what becomes of a key where Config.Keep is nil:
//
//   - Free: 401, 403, 408, 412, 421, 425, 428 and 429, and any other 4xx or 5xx
//     with Retry-After. They say that nothing was done, or that the request
//     should be sent again, changed or not. So do 307 and 308: clients send the
//     same request with the same key to where these point, which may be in the
//     same server, such as for a slash at the end of the path.
//   - Unknown: 502, 503 and 504 without Retry-After. A gateway, or
//     [http.TimeoutHandler], answers so while the work goes on.
//   - Keep: everything else, errors included. A 303 with Retry-After is a
//     finished request.
func DefaultKeep(status int, h http.Header) Disposition {
	switch status {
	case http.StatusTemporaryRedirect, http.StatusPermanentRedirect,
		http.StatusUnauthorized, http.StatusForbidden, http.StatusRequestTimeout, http.StatusPreconditionFailed,
		http.StatusMisdirectedRequest, http.StatusTooEarly, http.StatusPreconditionRequired, http.StatusTooManyRequests:
		return Free
	}
	if status >= 400 && len(h["Retry-After"]) > 0 {
		return Free
	}
	switch status {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return Unknown
	}
	return Keep
}
