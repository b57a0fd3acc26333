// Package retry paces a client that sends a request again: how long to wait, and
// what to do with the answer that it is not going to use. Which requests may be
// sent again is for its callers to know.
package retry
